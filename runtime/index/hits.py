"""What an index answers, and what an index is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInputError


@dataclass(frozen=True, eq=False)
class Hits:
    """Best first, equal similarities by ascending id: `ids` (Q, M) int64, `similarities` (Q, M) float32.

    M is the same for every query: k, or fewer where fewer items are allowed. There is no padding.
    """

    ids: NDArray[np.int64]
    similarities: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """One (ids, similarities) pair a query."""
        return zip(self.ids, self.similarities, strict=True)


class VectorIndex(Protocol):
    """Cosine search over fixed rows; `ids` (N,) ascending and `vectors` (N, D) are the rows it answers from."""

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]

    def search(self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None) -> Hits:
        """The k best of all rows, or of those whose id is in `allowed`, for queries (Q, D) float32.

        Ids in `allowed` that the index does not hold are ignored. Raises InvalidInputError for a wrong
        shape, a query that is not finite, or k < 1.
        """


def checked_queries(queries: NDArray[np.float32], k: int, dims: int) -> NDArray[np.float32]:
    """The queries as contiguous (Q, dims) float32, or InvalidInputError; usearch takes NaN silently."""
    if queries.ndim != 2 or queries.shape[1] != dims:
        raise InvalidInputError(f"The queries have shape {queries.shape}; this index expects (Q, {dims}).")
    if not np.isfinite(queries).all():
        raise InvalidInputError("A query vector holds NaN or infinity; check the encoder's bundle.")
    if k < 1:
        raise InvalidInputError(f"k is {k}; expected 1 or more.")
    return np.ascontiguousarray(queries, dtype=np.float32)


def rows_of(ids: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row numbers, ascending, of the `wanted` ids that stand in the ascending `ids`."""
    return np.flatnonzero(np.isin(ids, wanted, kind=None))


def similarities(vectors: NDArray[np.float32], query: NDArray[np.float32]) -> NDArray[np.float32]:
    """Dot products (M,) of rows (M, D) with one query, accumulated in float64 and rounded once to float32.

    Every backend reports this number, so that their scores agree to the bit and equal rows tie, which
    BLAS and SIMD kernels in float32 do not promise.
    """
    products: NDArray[np.float64] = vectors.astype(np.float64) * query.astype(np.float64)
    sums: NDArray[np.float64] = products.sum(axis=1)
    return sums.astype(np.float32)


def ranked(
    ids: NDArray[np.int64],
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    candidates: list[NDArray[np.int64]],
    k: int,
) -> Hits:
    """The best k of each query's candidate rows by `similarities`, ties by id; each list holds at least k."""
    found_ids = np.empty((len(queries), k), np.int64)
    found = np.empty((len(queries), k), np.float32)
    for i, (query, rows) in enumerate(zip(queries, candidates, strict=True)):
        scores = similarities(vectors[rows], query)
        order = np.lexsort((ids[rows], -scores))[:k]
        found_ids[i], found[i] = ids[rows[order]], scores[order]
    return Hits(found_ids, found)
