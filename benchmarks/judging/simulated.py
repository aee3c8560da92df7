"""The simulated judge: a judge of known accuracy, order bias and score noise, for comparing methods only.

It reads the truth grades of what it is shown, so its figures say how a *method* behaves over thousands of queries
with known answers, and nothing about any real judge. Its parameters stand in `simulated_judge.json`, fixed before
any fusion was run over it.

A shown candidate of grade g (0, 1, 2) at place p (0 first, k - 1 last) of a listwise call is heard as

    h = a·(g/2 - 1/2) + n·(√ρ·P + √(1-ρ)·E) + b·(1/2 - p/(k-1))

with P standard normal a (query, candidate) and E one a (query, candidate, shuffle): the share ρ of the error comes
back whenever the judge is asked again, else averaging over shuffles would heal everything. With z = Φ⁻¹(accuracy),
a = √2·z/√(1+z²) and n = 1/√(1+z²), so that without bias and over one shuffle a relevant candidate (grade 2)
outscores an irrelevant one (grade 0) with probability Φ(a/(n√2)) = accuracy, from below chance to 1, where n = 0.
The score is logistic(o + s·h): o and s > 0 belong to the query, so a call's ranks stay and its scale is lost.
"""

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.errors import InvalidInputError

from ..evaluation.trials import Trials

Scores = NDArray[np.float64]
FILE = Path(__file__).with_name("simulated_judge.json")
SCHEMA = 1
MODES = ("listwise", "pointwise")
# streams of random numbers: what is drawn from one does not move another
_PERSISTENT, _CALL, _PLACES, _SCALE, _RANDOM, _REFUSAL = range(6)


@dataclass(frozen=True)
class SimulatedJudge:
    """The judge's parameters.

    `accuracy`: probability that grade 2 outscores grade 0 in one listwise call without bias; 0.5 is chance.
    `order_bias`: b, what the first place gains over the last; below √2/2 ≈ .707 a perfect judge stays perfect.
    `persistent_share`: ρ, the share of the error's variance that repeats when the judge is asked again.
    `steepness`: s of an undistorted score. `score_noise` v ≥ 0 distorts scores and keeps a call's ranks:
    s is multiplied by exp(-2·v·U), U uniform on [0, 1), and o = 2·v·N(0, 1), both drawn once a query.
    `pointwise_noise`: n is multiplied by it where candidates are shown one by one.
    `missing_at_random`, `missing_by_refusal`: shares of the shown candidates without an answer, in any shuffle. A
    candidate is refused with probability t^((1-r)/r), where r is the share and t in (0, 1) its picture's place
    among all that are shown, easiest first (`picture_hardness`); uniform t gives the mean r.
    Raises InvalidInputError for a value that cannot be used.
    """

    accuracy: float
    order_bias: float
    persistent_share: float
    steepness: float
    score_noise: float
    pointwise_noise: float
    missing_at_random: float
    missing_by_refusal: float
    seed: int

    def __post_init__(self) -> None:
        for name in ("accuracy", "persistent_share", "missing_at_random", "missing_by_refusal"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidInputError(f"simulated judge: {name} is {getattr(self, name)}; expected 0 to 1")
        for name in ("steepness", "score_noise", "pointwise_noise", "seed"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise InvalidInputError(f"simulated judge: {name} is {getattr(self, name)}; expected at least 0")
        if not math.isfinite(self.order_bias):
            raise InvalidInputError(f"simulated judge: order_bias is {self.order_bias}; expected a finite number")

    @classmethod
    def from_file(cls, path: Path = FILE) -> "SimulatedJudge":
        """The committed parameters; InvalidInputError for another schema, a missing or an unknown one."""
        value = json.loads(path.read_text("utf-8"))
        names, given = set(cls.__dataclass_fields__), set(value.get("settings", ()))
        if value.get("schema") != SCHEMA or names != given:
            raise InvalidInputError(
                f"{path.name}: schema {value.get('schema')!r} and settings {sorted(given)}; expected schema {SCHEMA} "
                f"and {sorted(names)}; take the committed file"
            )
        return cls(**value["settings"])

    def replace(self, **changes: Any) -> "SimulatedJudge":
        """A copy with other values, checked."""
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """The values by name."""
        return asdict(self)

    @property
    def signal_and_noise(self) -> tuple[float, float]:
        """(a, n): what lies between grades 0 and 2, and the error's standard deviation."""
        if self.accuracy in {0, 1}:
            return math.copysign(math.sqrt(2), self.accuracy - 0.5), 0.0
        z = NormalDist().inv_cdf(self.accuracy)
        return math.sqrt(2) * z / math.hypot(1, z), 1 / math.hypot(1, z)


def simulated_scores(
    trials: Trials, k: int, settings: SimulatedJudge, shuffles: int = 1, mode: str = "listwise"
) -> Scores:
    """(Q, k) float64 in (0, 1), NaN = unjudged: the judge's mean score of each of `trials.top(k)`.

    listwise: the mean over `shuffles` calls, each in a seeded order. pointwise: one candidate a call, asked
    `shuffles` times; no order bias, more noise. The same arguments give the same scores; a (query, candidate) keeps
    its errors whatever `k`, and more shuffles only add calls. Raises InvalidInputError for an unknown mode or
    shuffles below 1.
    """
    if mode not in MODES or shuffles < 1:
        raise InvalidInputError(f"mode {mode!r}, shuffles {shuffles}; expected {' or '.join(MODES)}, at least 1")
    shown = trials.top(k)
    signal, noise = settings.signal_and_noise
    if mode == "pointwise":
        noise *= settings.pointwise_noise
    grades = np.take_along_axis(trials.grades, shown, axis=1)
    fixed = signal * (grades / 2 - 0.5)
    fixed += noise * math.sqrt(settings.persistent_share) * _normal(trials, shown, settings, _PERSISTENT)
    offset, slope = _scale(len(shown), settings)
    total = np.zeros(shown.shape)
    for shuffle in range(shuffles):
        heard = fixed + noise * math.sqrt(1 - settings.persistent_share) * _normal(
            trials, shown, settings, _CALL, shuffle
        )
        if mode == "listwise":
            places = shown_places(shown.shape, settings, shuffle)
            heard += settings.order_bias * (0.5 - places / max(k - 1, 1))
        total += 1 / (1 + np.exp(-(offset + slope * heard)))
    return np.where(_missing(trials, shown, settings), np.nan, total / shuffles)


def shown_places(shape: tuple[int, ...], settings: SimulatedJudge, shuffle: int) -> NDArray[np.int64]:
    """(Q, k): at which place, 0 first, listwise call `shuffle` shows each candidate; every row a permutation."""
    keys = np.random.default_rng([settings.seed, _PLACES, shuffle]).random(shape)
    places: NDArray[np.int64] = keys.argsort(axis=1)
    return places


def picture_hardness(trials: Trials) -> Scores:
    """(N,): 1 - the mean similarity of a picture with the queries that it is relevant to.

    How far a picture lies from what is truly said of it. One that no query asks for gets the others' median.
    """
    asked = trials.relevant.sum(0)
    near = np.where(trials.relevant, trials.similarities, 0).sum(0, dtype=np.float64)
    hardness: Scores = 1 - near / np.maximum(asked, 1)
    hardness[asked == 0] = np.median(hardness[asked > 0]) if asked.any() else 0.0
    return hardness


def _normal(trials: Trials, shown: NDArray[np.int64], settings: SimulatedJudge, *stream: int) -> Scores:
    # drawn for every item, so that a candidate's error does not depend on how many are shown
    drawn = np.random.default_rng([settings.seed, *stream]).standard_normal(trials.grades.shape, np.float32)
    return np.take_along_axis(drawn, shown, axis=1).astype(np.float64)


def _uniform(trials: Trials, shown: NDArray[np.int64], settings: SimulatedJudge, *stream: int) -> Scores:
    drawn = np.random.default_rng([settings.seed, *stream]).random(trials.grades.shape, np.float32)
    return np.take_along_axis(drawn, shown, axis=1).astype(np.float64)


def _scale(queries: int, settings: SimulatedJudge) -> tuple[Scores, Scores]:
    # o and s, (Q, 1) each
    rng = np.random.default_rng([settings.seed, _SCALE])
    offset = 2 * settings.score_noise * rng.standard_normal((queries, 1))
    slope = settings.steepness * np.exp(-2 * settings.score_noise * rng.random((queries, 1)))
    return offset, slope


def _missing(trials: Trials, shown: NDArray[np.int64], settings: SimulatedJudge) -> NDArray[np.bool_]:
    # (Q, k): lost at random, or refused
    missing = _uniform(trials, shown, settings, _RANDOM) < settings.missing_at_random
    share = settings.missing_by_refusal
    if share > 0:
        hardness = picture_hardness(trials)[shown]
        ranked = np.sort(hardness, axis=None)
        easier = np.searchsorted(ranked, hardness, "left") + np.searchsorted(ranked, hardness, "right")
        place = easier / (2 * hardness.size)
        missing |= _uniform(trials, shown, settings, _REFUSAL) < place ** ((1 - share) / share)
    return missing
