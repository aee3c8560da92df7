"""Bootstrap intervals where queries are not independent: whole groups (patients) are drawn."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DRAWS = 10_000


def grouped_interval(values: NDArray[np.floating], groups: Sequence[str]) -> dict[str, float]:
    """The mean over queries of `values` (Q,) and its 95 % interval: {mean, low, high}.

    Percentile bootstrap over `groups` (Q,), seeded: a draw takes groups with all their queries, since the queries
    of one patient share pictures and captions. Values that are all equal, or of one group, have no spread.
    """
    from scipy.stats import bootstrap  # noqa: PLC0415  of the training environment

    mean = float(np.mean(values))
    names, rows = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < 2 or np.all(values == values[0]):
        return {"mean": mean, "low": mean, "high": mean}
    sums, counts = np.bincount(rows, weights=values), np.bincount(rows).astype(float)
    found = bootstrap(
        (sums, counts),
        lambda s, c, axis: s.sum(axis) / c.sum(axis),
        paired=True,
        n_resamples=DRAWS,
        method="percentile",
        rng=np.random.default_rng(0),
        batch=1000,
    )
    low, high = found.confidence_interval
    return {"mean": mean, "low": float(low), "high": float(high)}
