"""Approximate search above 50 000 items: usearch's HNSW graph in bfloat16, rescored in float32.

The graph finds candidates; what is reported and ranked are the float32 rows' own similarities. The graph
file is a cache beside the gallery: damaged bytes in one crash usearch, so its SHA-256 is checked first.
"""

import logging
import math
from pathlib import Path

import numpy as np
import usearch
from numpy.typing import NDArray
from tqdm import tqdm
from usearch.index import Index, MetricKind, ScalarKind

from ..gallery.cache import cache_path, read_cache, remove_older, write_cache
from ..gallery.matrix import Matrix
from .exact import ExactIndex
from .hits import Hits, checked_queries, ranked

log = logging.getLogger(__name__)

STEM = "hnsw"
CONNECTIVITY = 16
EXPANSION_ADD = 128
ADD_ROWS = 1024  # rows between two steps of the progress bar


class HnswIndex:
    """A graph over the rows of one generation; never changed after it was made."""

    def __init__(self, ids: NDArray[np.int64], vectors: NDArray[np.float32], graph: Index) -> None:
        self.ids = ids
        self.vectors = vectors
        self._graph = graph
        self._exact = ExactIndex(ids, vectors)

    def search(self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None) -> Hits:
        """See `VectorIndex.search`; with `allowed` exact, since usearch knows no filter."""
        queries = checked_queries(queries, k, self.vectors.shape[1])
        k = min(k, len(self.ids))
        wanted = min(len(self.ids), max(2 * k, k + 32))
        # usearch searches with at least `count` candidates, so this many are also its expansion
        wanted = min(len(self.ids), max(wanted, expansion(len(self.ids))))
        if allowed is not None or wanted == len(self.ids) or not len(queries):
            return self._exact.search(queries, k, allowed)
        candidates = []
        for query in queries:
            found = self._graph.search(query, wanted, threads=1)
            if len(found.keys) < k:  # a graph that cannot be walked to k rows
                return self._exact.search(queries, k)
            candidates.append(found.keys.astype(np.int64))
        return ranked(self.ids, self.vectors, queries, candidates, k)


def expansion(count: int) -> int:
    """How many nodes a query keeps in view: 64 to 50 000 rows, then growing with the root of their number.

    Recall falls with size at a fixed expansion (.997 at 100 000, .78 at a million with 64).
    """
    return max(64, round(64 * math.sqrt(count / 50_000)))


def build_graph(vectors: NDArray[np.float32]) -> Index:
    """The graph over row numbers; one thread, since rows added at once may never be linked."""
    graph = Index(
        ndim=vectors.shape[1],
        metric=MetricKind.IP,
        dtype=ScalarKind.BF16,
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_ADD,
        expansion_search=expansion(len(vectors)),
    )
    with tqdm(total=len(vectors), desc="HNSW", unit="item", disable=None) as bar:
        for start in range(0, len(vectors), ADD_ROWS):
            rows = vectors[start : start + ADD_ROWS]
            graph.add(np.arange(start, start + len(rows)), rows, threads=1)
            bar.update(len(rows))
    return graph


def open_hnsw(matrix: Matrix, folder: Path) -> HnswIndex:
    """The index of one generation, from its cache where that is sound, else built and cached."""
    path = cache_path(folder, STEM, matrix.generation)
    dims = matrix.vectors.shape[1]
    settings = f"usearch {usearch.__version__} bf16 {CONNECTIVITY} {EXPANSION_ADD}"
    identity = f"{STEM} {matrix.stamp} {dims} {settings}"
    payload = read_cache(path, identity)
    if payload is None:
        graph = build_graph(matrix.vectors)
        if write_cache(path, identity, [graph.save()]):
            remove_older(folder, STEM, matrix.generation)
    else:
        graph = Index(ndim=dims, metric=MetricKind.IP, dtype=ScalarKind.BF16)
        graph.load(payload)  # copies: nobody who cuts the file can take pages from under a search
        graph.expansion_search = expansion(len(graph))
    return HnswIndex(matrix.ids, matrix.vectors, graph)
