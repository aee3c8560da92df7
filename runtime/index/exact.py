"""Exact search: every row is compared in float32, near ties again in float64.

One query, one thread: 0.8 ms over 10 000 × 640 and 4.5 ms over 50 000, as long as copying those bytes takes;
usearch's exact search 1.8 and 9, and off by up to 6e-3 in bfloat16. A matrix product takes as long as this on one
BLAS thread and up to 40 ms on two that share the cores with an encoder; `vecdot` starts none. usearch's scan of 8-bit
rows takes 3.7 ms over 50 000 and needs the 20 best rescored (phantoms: recall .98 without, 1.0 with): no gain.
"""

import numpy as np
from numpy.typing import NDArray

from .hits import Hits, checked_queries, ranked, rows_of

# float32 sums are off by up to about 1e-6: rows this near the k-th are compared again
NEAR_TIE = np.float32(4e-6)
BLOCK_ROWS = 65_536  # a subset is gathered in blocks: at most 168 MB of 640 numbers a row


class ExactIndex:
    """Finds the true k best, ties by id, whatever the size; keeps nothing but the rows."""

    def __init__(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        self.ids = ids
        self.vectors = vectors

    def search(self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None) -> Hits:
        """See `VectorIndex.search`."""
        queries = checked_queries(queries, k, self.vectors.shape[1])
        if allowed is None:
            k = min(k, len(self.ids))
            candidates = nearest_rows(self.vectors, queries, k)
        else:
            rows = rows_of(self.ids, allowed)
            k = min(k, len(rows))
            candidates = _nearest_of_rows(self.vectors, queries, k, rows)
        return ranked(self.ids, self.vectors, queries, candidates, k)


def nearest_rows(vectors: NDArray[np.float32], queries: NDArray[np.float32], k: int) -> list[NDArray[np.int64]]:
    """For each query the row numbers of a superset of its k best, all near ties of the k-th included."""
    k = min(k, len(vectors))
    if not k:
        return [np.empty(0, np.int64)] * len(queries)
    candidates = []
    for query in queries:
        scores = np.vecdot(vectors, query)  # (N,) float32
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        candidates.append(np.flatnonzero(scores >= least - NEAR_TIE))
    return candidates


def _nearest_of_rows(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], k: int, rows: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    candidates: list[list[NDArray[np.int64]]] = [[rows[:0]] for _ in queries]
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        for found, more in zip(candidates, nearest_rows(vectors[block], queries, k), strict=True):
            found.append(block[more])
    return [np.concatenate(found) for found in candidates]
