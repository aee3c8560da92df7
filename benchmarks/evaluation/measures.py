"""Measures of rankings by ir-measures (trec_eval), one value a query, in the names of the challenge.

| key | measure |
| --- | --- |
| r1, r5 | Success@k: a relevant item among the first k (the challenge calls Success@1 "Recall@1") |
| recall5, recall10 | Recall@k: share of the relevant items among the first k |
| mrr | reciprocal rank of the first relevant item, over the whole ranking |
| ndcg5, ndcg10 | nDCG@k, gain = grade, discount 1/log2(rank + 1) |
| map | average precision |

Equal scores are ordered by item id, the larger first (trec_eval's rule).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from runtime.errors import InvalidInputError

from .trec import Qrels
from .trials import RELEVANT, Trials

Values = dict[str, NDArray[np.float64]]
"""Measure → (Q,) float64."""
Orders = NDArray[np.int64]

_NAMES = {
    "r1": "Success(rel={rel})@1",
    "r5": "Success(rel={rel})@5",
    "recall5": "R(rel={rel})@5",
    "recall10": "R(rel={rel})@10",
    "mrr": "RR(rel={rel})",
    "ndcg5": "nDCG@5",
    "ndcg10": "nDCG@10",
    "map": "AP(rel={rel})",
}
MEASURES = tuple(_NAMES)
TITLES = {
    "r1": "R@1",
    "r5": "R@5",
    "recall5": "Recall@5",
    "recall10": "Recall@10",
    "mrr": "MRR",
    "ndcg5": "nDCG@5",
    "ndcg10": "nDCG@10",
    "map": "MAP",
}


def measurable(qrels: Qrels, relevant: int = 1) -> list[str]:
    """The queries of `qrels` with an item of at least the grade `relevant`; the others have no answer to find."""
    return [query for query, items in qrels.items() if max(items.values(), default=0) >= relevant]


def measure_run(scores: Mapping[str, Mapping[str, float]], qrels: Qrels, relevant: int = 1) -> Values:
    """Every measure of the queries `measurable(qrels, relevant)`, in that order.

    `relevant` is the least grade that counts as relevant; nDCG uses the grades themselves. A query that `scores`
    does not answer counts 0. Raises InvalidInputError where no query has a relevant item.
    """
    import ir_measures  # noqa: PLC0415  of the training environment

    queries = measurable(qrels, relevant)
    if not queries:
        raise InvalidInputError(f"no query has an item of grade {relevant} or more; nothing can be measured")
    parsed = {ir_measures.parse_measure(name.format(rel=relevant)): key for key, name in _NAMES.items()}
    row = {query: i for i, query in enumerate(queries)}
    values = {key: np.zeros(len(queries)) for key in MEASURES}
    asked = {query: qrels[query] for query in queries}
    answered = {query: dict(scores[query]) for query in queries if scores.get(query)}
    for found in ir_measures.iter_calc(list(parsed), asked, answered):
        values[parsed[found.measure]][row[found.query_id]] = found.value
    return values


def measure_orders(trials: Sequence[Trials], orders: Sequence[Orders]) -> Values:
    """Every measure of all trial sets' queries, one set after the other.

    `orders`: per trial set (Q, N) item rows, best first. Raises InvalidInputError where a query has no relevant item.
    """
    scores: dict[str, dict[str, float]] = {}
    qrels: Qrels = {}
    for part, (one, order) in enumerate(zip(trials, orders, strict=True)):
        bare = np.flatnonzero(~one.relevant.any(1))
        if bare.size:
            raise InvalidInputError(f"{one.name}: {one.texts[bare[0]]!r} has no relevant item; leave such queries out")
        items = np.array([str(row) for row in range(len(one.items))], dtype=object)
        falling = np.arange(len(items), 0, -1, dtype=float).tolist()  # distinct: no tie is left to anyone
        for query, (ranked, grades) in enumerate(zip(order, one.grades, strict=True)):
            key = f"{part}-{query}"
            scores[key] = dict(zip(items[ranked], falling, strict=True))
            rows = np.flatnonzero(grades)
            qrels[key] = dict(zip(items[rows], grades[rows].tolist(), strict=True))
    return measure_run(scores, qrels, RELEVANT)


def means(values: Values) -> dict[str, float]:
    """The mean of each measure over queries."""
    return {key: float(value.mean()) for key, value in values.items()}
