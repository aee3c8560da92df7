"""The rungs of the ladder: each system's whole ranking of every query, each said in one line."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime import metrics
from runtime.fusion import PosFuseSettings

from .fused_orders import Shown, fused_orders
from .group_folds import group_folds
from .lillis import NAME as LILLIS
from .lillis import lillis_out_of_fold
from .trials import Trials
from .tuning import orders_by, tuned_splits

Scores = NDArray[np.float64]
Orders = NDArray[np.int64]

SPLITS = 5
SINGLE = "best single fold (chosen out of fold)"
SOUP = "soup"
VOTES = "ensemble, vote sum"
REFERENCE = "ensemble, mean cosine"
JUDGE = "+ judge alone"
# settings that nobody tuned on these queries
FIXED = {
    "+ Pos-Fuse, published": PosFuseSettings(variant="published"),
    "+ Pos-Fuse, corrected (default)": PosFuseSettings(),
    "+ Pos-Fuse, corrected, by agreement": PosFuseSettings(agreement=True),
    "+ reciprocal ranks (RRF)": PosFuseSettings(strategy="rrf"),
    "+ Pos-Fuse, confidence_weighted": PosFuseSettings(judge_side="confidence_weighted"),
}
POSFUSE_LILLIS = f"+ {LILLIS}"
# tuned on other groups' queries
TUNED = {"+ Pos-Fuse, tuned": "pos_fuse", "+ convex combination, tuned": "convex"}
DEFAULT = "+ Pos-Fuse, corrected (default)"


@dataclass(frozen=True, eq=False)
class Rung:
    """A system's name, per trial set its rankings (Q, N) of item rows, and what each split chose for it.

    `positions`: where a judge reorders the first k, those orders (Q, k) alone.
    """

    name: str
    orders: list[Orders]
    chosen: list[Any] = field(default_factory=list)
    positions: list[Orders] | None = None


def rungs(
    trials: Sequence[Trials], scores: Sequence[Scores], soup: Sequence[Trials] | None = None, splits: int = SPLITS
) -> Iterator[Rung]:
    """Every system, from a single fold to the tuned fusions.

    `scores` are the judge's (Q, k) of each set's first k, NaN unjudged; `soup` the same queries by one model, None
    leaves that rung out. What is chosen or learnt from answers is so on other groups' queries.
    """
    yield single_fold(trials, splits)
    if soup is not None:
        yield Rung(SOUP, [one.order for one in soup])
    yield Rung(VOTES, [by_votes(one) for one in trials])
    yield Rung(REFERENCE, [one.order for one in trials])

    def whole(name: str, positions: Sequence[Orders], chosen: list[Any] | None = None) -> Rung:
        orders = [reordered(one, part) for one, part in zip(trials, positions, strict=True)]
        return Rung(name, orders, chosen or [], list(positions))

    yield whole(JUDGE, [judge_alone(given) for given in scores])
    for name, settings in FIXED.items():
        pairs = zip(trials, scores, strict=True)
        yield whole(name, [fused_orders(one, given, settings) for one, given in pairs])
    yield whole(POSFUSE_LILLIS, *lillis_out_of_fold(trials, scores, splits))
    shown = Shown.joined(trials, scores)
    for name, family in TUNED.items():
        parts = tuned_splits(trials, scores, family, splits, shown=shown)
        yield whole(name, orders_by(trials, shown, parts), [asdict(part.settings) for part in parts])


def reordered(trials: Trials, positions: Orders) -> Orders:
    """(Q, N): the first k in the order that `positions` (Q, k) say, the ensemble's order behind them."""
    k = positions.shape[1]
    return np.hstack([np.take_along_axis(trials.top(k), positions, 1), trials.order[:, k:]])


def judge_alone(scores: Scores) -> Orders:
    """(Q, k) positions by the judge's score: what it did not judge keeps its place, equal scores retrieval's order."""
    orders = np.tile(np.arange(scores.shape[1]), (len(scores), 1))
    for order, given in zip(orders, scores, strict=True):
        judged = np.flatnonzero(~np.isnan(given))
        order[judged] = judged[np.argsort(-given[judged], kind="stable")]
    return orders


def by_votes(trials: Trials) -> Orders:
    """(Q, N): by the published vote sum; what no fold voted for follows by mean cosine."""
    places = np.argsort(trials.order, axis=1, kind="stable")  # each item's rank by mean cosine settles ties
    return np.lexsort((places, -trials.votes), axis=1)


def single_fold(trials: Sequence[Trials], splits: int = SPLITS) -> Rung:
    """Each query by the fold of its own bundle with the best MRR on the other groups' queries."""
    ends = np.cumsum([len(one.texts) for one in trials])[:-1]
    groups = [group for one in trials for group in one.groups]
    masks = [np.split(mask, ends) for mask in group_folds(groups, splits)]
    orders, chosen = [], []
    for part, one in enumerate(trials):
        gains = np.stack([_reciprocal_ranks(one, k) for k in range(one.cosines.shape[2])])  # (K, Q)
        order = np.empty(one.grades.shape, np.int64)
        for mask in masks:
            test = mask[part]
            if test.any():
                # with nothing left to choose by, the first fold stands for any
                best = int(gains[:, ~test].mean(1).argmax()) if not test.all() else 0
                order[test] = np.argsort(-one.cosines[test, :, best], axis=1, kind="stable")
                chosen.append({"trials": one.name, "fold": best})
        orders.append(order)
    return Rung(SINGLE, orders, chosen)


def _reciprocal_ranks(trials: Trials, fold: int) -> Scores:
    return 1 / metrics.first_relevant_rank(trials.cosines[:, :, fold], trials.relevant)
