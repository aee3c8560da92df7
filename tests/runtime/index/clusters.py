"""Seeded unit rows that lie in clusters, as the vectors of real images do."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]

CLUSTERS = 100


def unit(rows: NDArray[np.floating]) -> Floats:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def clustered(
    count: int, dims: int, *, seed: int, clusters: int = 100, queries: int = 50
) -> tuple[Ids, Floats, Floats]:
    """Ids (count,) ascending with gaps, rows (count, dims) and queries (queries, dims) near some of the rows."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((CLUSTERS, dims))
    rows = unit(centres[rng.integers(0, CLUSTERS, count)] + 0.6 * rng.standard_normal((count, dims)))
    ids = np.sort(rng.choice(10 * count, count, replace=False)).astype(np.int64)
    near = rows[rng.integers(0, count, queries)] + 0.02 * rng.standard_normal((queries, dims))
    return ids, rows, unit(near)
