"""Measures of every model over the same queries, with intervals over scenes, and paired differences."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.metrics import Bools, first_relevant_rank

from ..evaluation.grouped_interval import grouped_interval

Floats = NDArray[np.floating]
Values = dict[str, NDArray[np.float64]]
KS = (1, 5, 10)
COMPARED = ("r1", "mrr")


def query_values(scores: Floats, relevant: Bools) -> Values:
    """{"r1", "r5", "r10", "mrr"} → (Q,) float64 of `scores` and `relevant` (Q, N).

    r1 to r10 are Success@k: a relevant scene among the first k, which the challenge calls "Recall@k". A relevant
    scene that ties with an irrelevant one stands below it.
    """
    ranks = first_relevant_rank(scores, relevant)
    return {f"r{k}": (ranks <= k).astype(np.float64) for k in KS} | {"mrr": 1 / ranks}


def parts_of(labels: Sequence[str]) -> dict[str, Bools]:
    """{"all": every query, then each label of (Q,) `labels` in the order of first occurrence: those that bear it}."""
    array = np.asarray(labels)
    return {"all": np.ones(len(array), bool)} | {str(name): array == name for name in dict.fromkeys(labels)}


def table_of(values: Values, parts: Mapping[str, Bools], scenes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """{part: {"queries": n, measure: {mean, low, high}}}: 95 % intervals over whole scenes (Q,)."""
    names = np.asarray(scenes)
    return {
        part: {"queries": int(chosen.sum())}
        | {key: grouped_interval(value[chosen], names[chosen]) for key, value in values.items()}
        for part, chosen in parts.items()
        if chosen.any()
    }


def differences(
    models: Mapping[str, Values], pairs: Sequence[tuple[str, str]], parts: Mapping[str, Bools], scenes: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows {"model", "minus", "kind", "queries", "r1", "mrr"} of `pairs`: second minus first, query by query."""
    rows = []
    for first, second in pairs:
        gained = {key: models[second][key] - models[first][key] for key in COMPARED}
        for part, entry in table_of(gained, parts, scenes).items():
            rows.append({"model": second, "minus": first, "kind": part, **entry})
    return rows
