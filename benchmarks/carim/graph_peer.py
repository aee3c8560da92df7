"""The peer of the two-stage path: usearch's HNSW over the different elements chooses the scenes.

For each token its nearest elements → the scenes that hold one → per scene the sum of its tokens' best → exact MaxSim
on the best of those. What a token did not meet in a scene counts as the least that it met anywhere.
"""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.carim.index import ElementIndex
from runtime.carim.two_stage import Found, best_of_groups, best_rows
from runtime.wheels import load_onnxruntime

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class GraphSettings:
    """`nearest` elements a token, by a search of breadth `expansion`; `candidates` scenes are scored exactly."""

    nearest: int = 256
    expansion: int = 512
    candidates: int = 1024
    connectivity: int = 16
    expansion_add: int = 128


class GraphPeer:
    """HNSW in bfloat16 over the elements of an index, built in memory by `threads` threads."""

    def __init__(self, index: ElementIndex, settings: GraphSettings, *, threads: int) -> None:
        load_onnxruntime()  # the other order crashes the process, see runtime.index.choose
        from usearch.index import Index, MetricKind, ScalarKind  # noqa: PLC0415

        started = time.perf_counter()
        self.index, self.settings = index, settings
        self.graph = Index(
            ndim=index.dims,
            metric=MetricKind.IP,
            dtype=ScalarKind.BF16,
            connectivity=settings.connectivity,
            expansion_add=settings.expansion_add,
            expansion_search=settings.expansion,
        )
        self.graph.add(np.arange(len(index.vectors)), index.vectors, threads=threads)
        # element → scenes, as one array with offsets
        scene = np.repeat(np.arange(len(index)), np.diff(index.offsets))
        order = np.argsort(index.ids, kind="stable")
        self._scenes = scene[order]
        self._first = np.searchsorted(index.ids[order], np.arange(len(index.vectors) + 1))
        self.build_s = time.perf_counter() - started

    @property
    def memory_mb(self) -> float:
        """The graph's and the postings' bytes in units of 10^6, beside the index."""
        return (self.graph.memory_usage + self._scenes.nbytes + self._first.nbytes) / 1e6

    def search(self, tokens: Floats, k: int) -> Found:
        """The k best scenes for a query's tokens (T, D) float32."""
        estimates = np.zeros(len(self.index), np.float32)
        met = np.zeros(len(self.index), bool)
        for token in tokens:
            found = self.graph.search(token, self.settings.nearest)
            keys, similarities = found.keys.astype(np.int64), 1 - found.distances
            counts = self._first[keys + 1] - self._first[keys]
            starts = np.cumsum(counts) - counts
            entries = np.arange(counts.sum()) - np.repeat(starts - self._first[keys], counts)
            scenes, least = self._scenes[entries], similarities.min()
            best = np.full(len(self.index), least, np.float32)
            np.maximum.at(best, scenes, np.repeat(similarities, counts))
            estimates += best
            met[scenes] = True
        rows = best_rows(np.where(met, estimates, -np.inf).astype(np.float32), self.settings.candidates)
        rows = np.sort(rows)
        return best_of_groups(self.index, rows, self.index.scores_of(tokens, rows), k)
