"""Approximate search of large galleries: usearch's HNSW graph in bfloat16, rescored in float32.

The graph finds candidates; what is reported and ranked are the float32 rows' own similarities. The graph
file is a cache beside the gallery: damaged bytes in one crash usearch, so its SHA-256 is checked first.
A second, small cache holds how many nodes a query keeps in view for each recall that was asked for.
"""

import logging
from pathlib import Path

import numpy as np
import usearch
from numpy.typing import NDArray
from usearch.index import Index

from ..gallery.cache import cache_path, read_cache, remove_older, write_cache
from ..gallery.matrix import Matrix
from .exact import ExactIndex
from .graph import CONNECTIVITY, EXPANSION_ADD, build_graph, empty_graph
from .hits import Hits, checked_queries, ranked
from .tune import RULE, Sample, Tuning, tuned

log = logging.getLogger(__name__)

STEM = "hnsw"
TUNING_STEM = "recall"


class HnswIndex:
    """A graph over the rows of one generation; never changed after it was opened."""

    tuning: Tuning

    def __init__(self, ids: NDArray[np.int64], vectors: NDArray[np.float32], graph: Index) -> None:
        self.ids = ids
        self.vectors = vectors
        self._graph = graph
        self._exact = ExactIndex(ids, vectors)

    @property
    def expansion(self) -> int:
        """How many nodes a query keeps in view."""
        return int(self._graph.expansion_search)

    @expansion.setter
    def expansion(self, nodes: int) -> None:
        self._graph.expansion_search = nodes

    @property
    def graph_bytes(self) -> int:
        """Memory of the graph: bfloat16 rows and links, without the float32 matrix."""
        return int(self._graph.memory_usage)

    def distances_a_query(self, queries: NDArray[np.float32], k: int = 10) -> float:
        """How many rows the graph is asked to compare with a query, on average: the work of a search."""
        return float(np.mean([self._graph.search(q, k + 32, threads=1).computed_distances for q in queries]))

    def search(self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None) -> Hits:
        """See `VectorIndex.search`; with `allowed` exact, since usearch knows no filter."""
        queries = checked_queries(queries, k, self.vectors.shape[1])
        k = min(k, len(self.ids))
        # more than k, since bfloat16 is off by up to 6e-3; usearch keeps at least as many in view as it returns
        wanted = min(len(self.ids), max(2 * k, k + 32))
        if allowed is not None or wanted == len(self.ids) or not len(queries):
            return self._exact.search(queries, k, allowed)
        candidates = []
        for query in queries:
            found = self._graph.search(query, wanted, threads=1)
            if len(found.keys) < k:  # a graph that cannot be walked to k rows
                return self._exact.search(queries, k)
            candidates.append(found.keys.astype(np.int64))
        return ranked(self.ids, self.vectors, queries, candidates, k)


def open_hnsw(matrix: Matrix, folder: Path, recall: float, sample: Sample | None = None) -> HnswIndex:
    """The index of one generation, tuned to `recall`, from its caches where they are sound, else made and cached.

    Whether the target was reached stands in the index's `tuning`.
    """
    index = HnswIndex(matrix.ids, matrix.vectors, cached_graph(matrix, folder))
    exact = ExactIndex(matrix.ids, matrix.vectors).search
    path = cache_path(folder, TUNING_STEM, matrix.generation)
    index.tuning = tuned(path, f"{_identity(matrix)} {RULE}", index, exact, recall, sample)
    remove_older(folder, TUNING_STEM, matrix.generation)
    return index


def cached_graph(matrix: Matrix, folder: Path) -> Index:
    """The graph of one generation from its cache, else built and cached; how many nodes to keep in view is open."""
    path, identity = cache_path(folder, STEM, matrix.generation), _identity(matrix)
    payload = read_cache(path, identity)
    if payload is None:
        graph = build_graph(matrix.vectors)
        if write_cache(path, identity, [graph.save()]):
            remove_older(folder, STEM, matrix.generation)
    else:
        graph = empty_graph(matrix.vectors.shape[1])
        graph.load(payload)  # copies: nobody who cuts the file can take pages from under a search
    return graph


def _identity(matrix: Matrix) -> str:
    settings = f"usearch {usearch.__version__} bf16 {CONNECTIVITY} {EXPANSION_ADD}"
    return f"{STEM} {matrix.stamp} {matrix.vectors.shape[1]} {settings}"
