"""Fusion over thousands of queries at once: the NumPy twin of `runtime.fusion.fuse`, which tests hold it equal to.

Rows are queries, columns the k items that a judge was shown, in retrieval's order; a score of NaN is *unjudged*.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from runtime.errors import InvalidInputError
from runtime.fusion import ConvexSettings, FusionSettings, PosFuseSettings, Retrieved, position_probabilities

from .trials import Trials

Scores = NDArray[np.float64]
Orders = NDArray[np.int64]
Rows = NDArray[np.bool_]
DIGITS = 12  # as in runtime.fusion.ranking: below it scores are equal, and retrieval's order decides


@dataclass(frozen=True, eq=False)
class Shown:
    """What fusion sees of Q queries, and their truth.

    `similarities` (Q, k) mean cosines; `agreement` (Q,) share of folds whose own best is retrieval's first;
    `scores` (Q, k) the judge's, NaN unjudged; `relevant` (Q, k) bool; `behind` (Q,) the reciprocal rank of the first
    relevant item behind the k, 0 where there is none; `groups` (Q,) the trials' groups.
    """

    similarities: Scores
    agreement: Scores
    scores: Scores
    relevant: Rows
    behind: Scores
    groups: NDArray[np.str_]

    @classmethod
    def of(cls, trials: Trials, scores: Scores) -> "Shown":
        """Of one trial set; raises InvalidInputError where `scores` are not (Q, k) of numbers in [0, 1] or NaN."""
        queries, items = trials.similarities.shape
        shape = np.shape(scores)
        if len(shape) != 2 or shape[0] != queries or not 0 < shape[1] <= items:
            raise InvalidInputError(f"the judge's scores have shape {shape}; expected ({queries}, k), k ≤ {items}")
        if np.any((scores < 0) | (scores > 1)):  # NaN is neither
            raise InvalidInputError("a judge's score lies outside 0 to 1; expected 0 to 1, or NaN for unjudged")
        top = trials.top(shape[1])
        ordered = np.take_along_axis(trials.relevant, trials.order, 1)
        rest = ordered[:, shape[1] :]
        first = rest.argmax(1) if rest.shape[1] else np.zeros(queries, np.int64)
        return cls(
            similarities=np.take_along_axis(trials.similarities, top, 1).astype(np.float64),
            agreement=np.mean(trials.picked(top).argmax(1) == 0, axis=1),
            scores=np.asarray(scores, np.float64),
            relevant=ordered[:, : shape[1]],
            behind=np.where(rest.any(1), 1 / (shape[1] + 1 + first), 0.0),
            groups=np.array(trials.groups),
        )

    @classmethod
    def joined(cls, trials: Sequence[Trials], scores: Sequence[Scores]) -> "Shown":
        """Of several trial sets, one after the other; raises InvalidInputError where their k differ."""
        parts = [cls.of(one, given) for one, given in zip(trials, scores, strict=True)]
        widths = {part.scores.shape[1] for part in parts}
        if len(widths) != 1:
            raise InvalidInputError(f"the trial sets show {sorted(widths)} items a query; expected the same k in all")
        names = cls.__dataclass_fields__
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

    def at(self, rows: Rows) -> "Shown":
        """The queries that `rows` (Q,) bool, or indices, choose."""
        return replace(self, **{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})

    def reciprocal_ranks(self, orders: Orders) -> Scores:
        """(Q,): 1 / rank of the first relevant item when the k stand in `orders` (Q, k), the rest behind them."""
        found = np.take_along_axis(self.relevant, orders, 1)
        return np.where(found.any(1), 1 / (1.0 + found.argmax(1)), self.behind)


def fused_orders(trials: Trials, scores: Scores, settings: FusionSettings | None = None) -> Orders:
    """(Q, k) int64: for each query the k shown items' positions in retrieval's order, in the fused order.

    Equal to what `runtime.fusion.fuse` gives query by query with the judge's scores in retrieval's order.
    """
    return orders_of(Shown.of(trials, scores), settings)


def orders_of(shown: Shown, settings: FusionSettings | None = None) -> Orders:
    """As `fused_orders`, of what was shown."""
    settings = settings or PosFuseSettings()
    fused = _convex(shown, settings) if isinstance(settings, ConvexSettings) else _pos_fuse(shown, settings)
    order = np.argsort(-np.round(fused, DIGITS), axis=1, kind="stable")
    unjudged = np.isnan(shown.scores).all(1)
    order[unjudged] = np.arange(order.shape[1])
    return order


def retrieved_of(trials: Trials, query: int, k: int) -> Retrieved:
    """One query's first k as the runtime's fusion takes them; ids are item rows."""
    rows = trials.top(k)[query]
    return Retrieved(rows.tolist(), trials.similarities[query, rows], trials.cosines[query, rows])


def judged_of(trials: Trials, query: int, scores: Scores) -> dict[int, float | None]:
    """The judge's `scores` (k,) of one query by item row, in retrieval's order, NaN as None."""
    rows = trials.top(len(scores))[query].tolist()
    return {row: None if np.isnan(s) else float(s) for row, s in zip(rows, scores, strict=True)}


def _convex(shown: Shown, settings: ConvexSettings) -> Scores:
    by_judge = np.where(np.isnan(shown.scores), settings.prior, settings.judge(np.nan_to_num(shown.scores)))
    return (1 - settings.judge_weight) * settings.retrieval(shown.similarities) + settings.judge_weight * by_judge


def _pos_fuse(shown: Shown, settings: PosFuseSettings) -> Scores:
    queries, k = shown.scores.shape
    scores, listed = shown.scores, ~np.isnan(shown.scores)
    if settings.variant == "corrected":
        scores, listed = np.where(listed, scores, settings.prior), np.ones_like(listed)
    ranks = np.empty((queries, k), np.int64)
    by_judge = np.argsort(np.where(listed, -scores, np.inf), axis=1, kind="stable")
    np.put_along_axis(ranks, by_judge, np.broadcast_to(np.arange(k), (queries, k)), 1)
    mass = np.zeros((k + 1, k))  # row m: the position probabilities of a list of m
    for m in range(1, k + 1):
        mass[m, :m] = position_probabilities(m, settings.decay, settings.decay_rate)
    judge = _judge_side(mass[listed.sum(1)[:, None], ranks], _min_max(scores, listed), settings)
    return _combine(mass[k], np.where(listed, judge, 0.0), ranks, listed, shown.agreement, settings)


def _min_max(scores: Scores, listed: Rows) -> Scores:
    low = np.where(listed, scores, np.inf).min(1, keepdims=True)
    span = np.where(listed, scores, -np.inf).max(1, keepdims=True) - low
    usable = np.isfinite(span) & (span > 0)
    return np.where(listed & usable, scores - np.where(usable, low, 0.0), 0.0) / np.where(usable, span, 1.0)


def _judge_side(mass: Scores, stretched: Scores, settings: PosFuseSettings) -> Scores:
    if settings.judge_side == "confidence_weighted":
        return mass * (settings.confidence_floor + (1 - settings.confidence_floor) * stretched)
    return settings.position_weight * mass + settings.score_weight * stretched


def _combine(
    r: Scores, judge: Scores, ranks: Orders, listed: Rows, agreement: Scores, settings: PosFuseSettings
) -> Scores:
    if settings.strategy == "rrf":
        by_judge = np.where(listed, 1 / (settings.rrf_k + ranks + 1), 0.0)
        return 1 / (settings.rrf_k + np.arange(1, len(r) + 1)) + by_judge
    if settings.strategy == "max":
        return np.maximum(r, judge)
    if settings.strategy == "min":
        return np.minimum(r, judge)
    own = np.full((len(judge), 1), settings.retrieval_weight)
    if settings.agreement and settings.judge_weight > 0:
        own = own * agreement[:, None]
    weight = own + np.where(listed, settings.judge_weight, 0.0)
    weight = np.where(weight > 0, weight, 1.0)
    return own * r / weight + settings.judge_weight * judge / weight
