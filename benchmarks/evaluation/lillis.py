"""The other PosFuse, of Lillis et al. (SIGIR 2010), as ranx has it: learnt probabilities of relevance by position.

It shares a name with the challenge's Pos-Fuse and nothing else: there positions decay by a formula, here each
list's positions weigh what training queries show.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .group_folds import group_folds
from .trials import Trials

Scores = NDArray[np.float64]
Orders = NDArray[np.int64]
NAME = "PosFuse (Lillis et al.)"


def lillis_out_of_fold(
    trials: Sequence[Trials], scores: Sequence[Scores], splits: int = 5
) -> tuple[list[Orders], list[dict[str, Any]]]:
    """Final orders (Q, k) a trial set, each query by probabilities learnt on other groups; and those, a split.

    The lists are retrieval's first k and the judge's ranking of what it scored, equal scores in retrieval's order.
    A query with nothing judged keeps retrieval's order.
    """
    relevant = np.concatenate([np.take_along_axis(t.relevant, t.top(s.shape[1]), 1) for t, s in _zip(trials, scores)])
    given = np.concatenate(list(scores))
    orders = np.tile(np.arange(given.shape[1]), (len(given), 1))
    judged = ~np.isnan(given).all(1)
    learnt = []
    for held_out in group_folds([group for one in trials for group in one.groups], splits):
        train, test = np.flatnonzero(~held_out & judged), np.flatnonzero(held_out & judged)
        if not len(train) or not len(test):
            continue
        probabilities = learn(given[train], relevant[train])
        orders[test] = apply(given[test], probabilities)
        learnt.append(
            {name: p.round(4).tolist() for name, p in zip(("retrieval", "judge"), probabilities, strict=True)}
        )
    return np.split(orders, np.cumsum([len(one.texts) for one in trials])[:-1]), learnt


def learn(scores: Scores, relevant: NDArray[np.bool_]) -> list[Scores]:
    """By ranx: how probable relevance is at each place of retrieval's list (k,) and of the judge's (at most k,)."""
    from ranx import Qrels  # noqa: PLC0415  of the training environment; compiles for seconds at first use
    from ranx.fusion import posfuse_train  # noqa: PLC0415

    truth = {
        _query(row): {_item(i): 1 for i in np.flatnonzero(good)} or {"none": 1} for row, good in enumerate(relevant)
    }
    with _quiet():
        probabilities: list[Scores] = posfuse_train(Qrels(truth), _runs(scores))
    return probabilities


def apply(scores: Scores, probabilities: Sequence[Scores]) -> Orders:
    """(Q, k) final orders by the sum of both places' probabilities; equal sums keep retrieval's order."""
    from ranx.fusion import posfuse  # noqa: PLC0415

    queries, k = scores.shape
    with _quiet():
        fused = posfuse(_runs(scores), list(probabilities)).run
        totals = np.array([[fused[_query(row)][_item(i)] for i in range(k)] for row in range(queries)])
    order: Orders = np.argsort(-totals.round(12), axis=1, kind="stable")
    return order


def _runs(scores: Scores) -> list[Any]:
    from ranx import Run  # noqa: PLC0415

    k = scores.shape[1]
    retrieval = {_query(row): {_item(i): float(k - i) for i in range(k)} for row in range(len(scores))}
    judge = {}
    for row, given in enumerate(scores):
        ranked = [i for i in np.argsort(-given, kind="stable") if not np.isnan(given[i])]
        judge[_query(row)] = {_item(i): float(k - place) for place, i in enumerate(ranked)}
    return [Run(retrieval), Run(judge)]


def _query(row: int) -> str:
    return f"{row:07d}"  # ranx pairs the sorted query ids of rankings and truth


def _item(i: int) -> str:
    return str(int(i))


def _zip(trials: Sequence[Trials], scores: Sequence[Scores]) -> "zip[tuple[Trials, Scores]]":
    return zip(trials, scores, strict=True)


def _quiet() -> "warnings.catch_warnings[None]":
    # numba warns of a cast inside ranx
    return warnings.catch_warnings(action="ignore")
