"""The settings of every fusion."""

import math
from dataclasses import dataclass, field

from ..errors import InvalidInputError
from .calibration import Calibration
from .decays import DECAYS

VARIANTS = ("corrected", "published")
STRATEGIES = ("weighted", "max", "min", "rrf")
JUDGE_SIDES = ("position_and_score", "confidence_weighted")


@dataclass(frozen=True)
class PosFuseSettings:
    """How the two rankings are fused; every default but `variant` is the published value.

    `variant`: "corrected" gives an unjudged item the score `prior`, "published" leaves it out of the
    judge's list. `strategy` combines the sides; `judge_side` makes the judge's from position and score.
    `position_weight` and `score_weight` serve position_and_score, `confidence_floor` confidence_weighted,
    `retrieval_weight` and `judge_weight` the strategy weighted, `rrf_k` the strategy rrf. `agreement` (weighted
    only, ours) multiplies `retrieval_weight` by the share of folds whose own best among the candidates is
    retrieval's first; the weights are then renormalised as always.
    Raises InvalidInputError for a name or a value that cannot be used.
    """

    variant: str = "corrected"
    decay: str = "exponential"
    decay_rate: float = 0.8
    strategy: str = "weighted"
    judge_side: str = "position_and_score"
    retrieval_weight: float = 0.4
    judge_weight: float = 0.6
    position_weight: float = 0.6
    score_weight: float = 0.4
    confidence_floor: float = 0.3
    prior: float = 0.5
    rrf_k: float = 60.0
    agreement: bool = False

    def __post_init__(self) -> None:
        for name, choices in (
            ("variant", VARIANTS),
            ("decay", DECAYS),
            ("strategy", STRATEGIES),
            ("judge_side", JUDGE_SIDES),
        ):
            if getattr(self, name) not in choices:
                raise InvalidInputError(
                    f"Pos-Fuse {name} is {getattr(self, name)!r}; choose one of {', '.join(choices)}"
                )
        if not 0 < self.decay_rate <= 1:
            raise InvalidInputError(f"Pos-Fuse decay_rate is {self.decay_rate}; expected more than 0, at most 1")
        for name in ("prior", "confidence_floor"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidInputError(f"Pos-Fuse {name} is {getattr(self, name)}; expected 0 to 1")
        for name in ("retrieval_weight", "judge_weight", "position_weight", "score_weight", "rrf_k"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise InvalidInputError(f"Pos-Fuse {name} is {getattr(self, name)}; expected a number of at least 0")
        for first, second in (("retrieval_weight", "judge_weight"), ("position_weight", "score_weight")):
            if getattr(self, first) + getattr(self, second) == 0:
                raise InvalidInputError(f"Pos-Fuse {first} and {second} are both 0; raise at least one")


@dataclass(frozen=True)
class ConvexSettings:
    """How calibrated scores are combined: (1 − `judge_weight`) · retrieval + `judge_weight` · judge.

    `retrieval` and `judge` make probabilities of relevance of the mean cosine and of the judge's score; an unjudged
    item has the probability `prior` on the judge's side. The defaults calibrate nothing and are for trying out:
    tuned ones come from `python -m benchmarks tune`. Raises InvalidInputError for a value outside 0 to 1.
    """

    judge_weight: float = 0.5
    retrieval: Calibration = field(default_factory=Calibration)
    judge: Calibration = field(default_factory=Calibration)
    prior: float = 0.5

    def __post_init__(self) -> None:
        for name in ("judge_weight", "prior"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidInputError(f"convex combination: {name} is {getattr(self, name)}; expected 0 to 1")


FusionSettings = PosFuseSettings | ConvexSettings
