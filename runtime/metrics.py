"""Retrieval metrics that training and tuning need, over many-to-many relevance.

`similarities` is (Q, N) float; `relevant` is (Q, N) bool with at least one True a row. Ties count against
the query: a relevant item that shares its score with an irrelevant one is ranked below it, so a constant
model scores zero, not one.
"""

import numpy as np
from numpy.typing import NDArray

from .errors import InvalidInputError

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]


def first_relevant_rank(similarities: Floats, relevant: Bools) -> NDArray[np.int64]:
    """Rank (1 = best) of each query's best relevant item, (Q,) int64."""
    if similarities.shape != relevant.shape:
        raise InvalidInputError(f"similarities {similarities.shape} and relevance {relevant.shape} differ in shape")
    if np.isnan(similarities).any():  # NaN is not beaten by anything: a diverged model would score 1
        raise InvalidInputError("the similarities hold NaN; the model diverged, or a vector is damaged")
    if not relevant.any(1).all():
        raise InvalidInputError("every query needs a relevant item; drop the queries that have none")
    best = np.where(relevant, similarities, -np.inf).max(1, keepdims=True)
    above: NDArray[np.int64] = np.sum((similarities >= best) & ~relevant, axis=1, dtype=np.int64)
    return above + 1


def success_at(ranks: NDArray[np.int64], k: int) -> float:
    """Success@k: share of queries with a relevant item among the first k.

    The challenge calls Success@1 "Recall@1"; the two are equal only where a query has one relevant item.
    """
    return float(np.mean(ranks <= k))


def mrr(ranks: NDArray[np.int64]) -> float:
    """Mean reciprocal rank of the first relevant item."""
    return float(np.mean(1 / ranks))


def recall_at(similarities: Floats, relevant: Bools, k: int) -> float:
    """Recall@k: mean share of a query's relevant items among its first k."""
    order = np.lexsort((relevant, -similarities), axis=1)[:, :k]
    hits = np.take_along_axis(relevant, order, 1).sum(1)
    return float(np.mean(hits / relevant.sum(1)))


def ndcg_at(similarities: Floats, grades: NDArray[np.integer], k: int) -> float:
    """nDCG@k: mean of DCG@k over the DCG@k of the ideal order, with graded relevance (Q, N), integers of at least 0.

    Gain is the grade itself and the discount 1 / log2(rank + 1), as trec_eval has it, not 2^grade - 1; the ideal
    order is by grade over all N items. Items that tie stand lowest grade first. Every query needs a grade above 0.
    Source: Järvelin and Kekäläinen, ACM TOIS 2002. Raises InvalidInputError for unequal shapes, NaN, a grade below
    0, a query without a grade above 0, or k < 1.
    """
    if similarities.shape != grades.shape:
        raise InvalidInputError(f"similarities {similarities.shape} and grades {grades.shape} differ in shape")
    if np.isnan(similarities).any():
        raise InvalidInputError("the similarities hold NaN; the model diverged, or a vector is damaged")
    if k < 1 or np.any(grades < 0):
        raise InvalidInputError(f"nDCG@{k} with a lowest grade of {grades.min()}; expected k ≥ 1 and grades ≥ 0")
    if not (grades > 0).any(1).all():
        raise InvalidInputError("every query needs a relevant item; drop the queries that have none")
    discount = 1 / np.log2(np.arange(2, min(k, grades.shape[1]) + 2))
    order = np.lexsort((grades, -similarities), axis=1)[:, :k]
    ideal = np.sort(grades, axis=1)[:, ::-1][:, :k]
    return float(np.mean(np.take_along_axis(grades, order, 1) @ discount / (ideal @ discount)))


def table(similarities: Floats, relevant: Bools) -> dict[str, float]:
    """Success@1, 5, 10 and MRR, by the keys `r1`, `r5`, `r10`, `mrr` (the challenge's names)."""
    ranks = first_relevant_rank(similarities, relevant)
    return {f"r{k}": success_at(ranks, k) for k in (1, 5, 10)} | {"mrr": mrr(ranks)}
