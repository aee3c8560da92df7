"""The NumPy reference: every similarity, one full sort. What the other backends are measured against."""

import numpy as np
from numpy.typing import NDArray

from runtime.index.hits import Hits, checked_queries, ranked, rows_of


class ReferenceIndex:
    """Brute force with nothing left out; for tests and for measuring recall."""

    def __init__(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        self.ids = ids
        self.vectors = vectors

    def search(self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None) -> Hits:
        """See `VectorIndex.search`."""
        queries = checked_queries(queries, k, self.vectors.shape[1])
        rows = np.arange(len(self.ids)) if allowed is None else rows_of(self.ids, allowed)
        return ranked(self.ids, self.vectors, queries, [rows] * len(queries), min(k, len(rows)))
