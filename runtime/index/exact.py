"""Exact search: usearch scans every row in float32, NumPy settles the order of near ties in float64.

One query over 10 000 × 640, one thread: float32 straight from the mapped file 1.7 ms, a copy in bfloat16
1.1 ms but off by up to 6e-3 (float32: 4e-8), so float32. A NumPy product takes 0.8 ms on one BLAS thread
and up to 8 on two that share the cores with an encoder; this stays where it is.
"""

import numpy as np
from numpy.typing import NDArray
from usearch.index import MetricKind, search

from .hits import Hits, checked_queries, ranked, rows_of

SPARE = 8  # candidates beyond k, so that one look settles nearly every cut
# usearch's float32 sums are off by up to about 1e-6: rows closer than this are compared again
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
    """For each query the row numbers of a superset of its k best, all near ties of the k-th included.

    usearch cuts ties anywhere: it is asked for some more until the last one found is clearly worse.
    """
    k = min(k, len(vectors))
    if not k or not len(queries):
        return [np.empty(0, np.int64)] * len(queries)
    width = min(k + SPARE, len(vectors))
    while True:
        # one thread: a second makes one query slower and Gradio brings threads of its own
        found = search(vectors, queries, width, MetricKind.IP, exact=True, threads=1)
        keys, distances = _rows(found, width)
        if width == len(vectors) or bool(np.all(distances[:, -1] - distances[:, k - 1] > NEAR_TIE)):
            return list(keys)
        width = min(4 * width, len(vectors))


def _nearest_of_rows(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], k: int, rows: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    candidates: list[list[NDArray[np.int64]]] = [[rows[:0]] for _ in queries]
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        for found, more in zip(candidates, nearest_rows(vectors[block], queries, k), strict=True):
            found.append(block[more])
    return [np.concatenate(found) for found in candidates]


def _rows(found: object, width: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    # usearch answers one query with another type than many
    keys, distances = found.keys, found.distances  # type: ignore[attr-defined]
    return keys.reshape(-1, width).astype(np.int64), distances.reshape(-1, width)
