"""Pos-Fuse's kernels over arrays: the judge's side, and the ways to combine the two sides.

Rows are the items of one query in retrieval order; NaN marks an item that the judge's list lacks.
"""

from collections.abc import Callable

import numpy as np

from .decays import Scores
from .settings import PosFuseSettings

Parts = tuple[Scores, Scores, Scores]
"""Fused score, retrieval's part, judge's part: each (n,) float64."""


def min_max(scores: Scores) -> Scores:
    """`scores` (n,) stretched to [0, 1]; equal scores, and a single one, become 0 (as published)."""
    if not scores.size or scores.max() == scores.min():
        return np.zeros_like(scores)
    stretched: Scores = (scores - scores.min()) / (scores.max() - scores.min())
    return stretched


def judge_side(probability: Scores, scores: Scores, settings: PosFuseSettings) -> Scores:
    """(m,) float64: the judge's side g of each judged item from its position's mass and its score.

    position_and_score: 0.6·p + 0.4·minmax(score); confidence_weighted: p·(0.3 + 0.7·minmax(score)).
    """
    stretched = min_max(scores)
    if settings.judge_side == "confidence_weighted":
        return probability * (settings.confidence_floor + (1 - settings.confidence_floor) * stretched)
    return settings.position_weight * probability + settings.score_weight * stretched


def _weighted(r: Scores, g: Scores, ranks: Scores, settings: PosFuseSettings) -> Parts:
    # weights renormalised over the lists in which the item stands
    missing = np.isnan(g)
    weight = settings.retrieval_weight + np.where(missing, 0.0, settings.judge_weight)
    # an item that stands only where the weight is 0 has nothing to be weighted by
    weight = np.where(weight > 0, weight, 1.0)
    retrieval = settings.retrieval_weight * r / weight
    judge = np.where(missing, 0.0, settings.judge_weight * np.nan_to_num(g)) / weight
    return retrieval + judge, retrieval, judge


def _max(r: Scores, g: Scores, ranks: Scores, settings: PosFuseSettings) -> Parts:
    judge = np.nan_to_num(g)
    return np.maximum(r, judge), r, judge


def _min(r: Scores, g: Scores, ranks: Scores, settings: PosFuseSettings) -> Parts:
    judge = np.nan_to_num(g)
    return np.minimum(r, judge), r, judge


def _rrf(r: Scores, g: Scores, ranks: Scores, settings: PosFuseSettings) -> Parts:
    # Cormack, Clarke and Büttcher, SIGIR 2009: the sum of 1 / (k + rank) over the lists that hold the item
    retrieval = 1 / (settings.rrf_k + np.arange(1, r.size + 1))
    judge = np.nan_to_num(1 / (settings.rrf_k + ranks))
    return retrieval + judge, retrieval, judge


# r (n,), g (n,) or NaN, judge's ranks (n,) or NaN -> parts
COMBINE: dict[str, Callable[[Scores, Scores, Scores, PosFuseSettings], Parts]] = {
    "weighted": _weighted,
    "max": _max,
    "min": _min,
    "rrf": _rrf,
}
