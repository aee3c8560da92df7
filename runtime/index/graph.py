"""Building usearch's HNSW graph in bfloat16."""

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from usearch.index import Index, MetricKind, ScalarKind

CONNECTIVITY = 16
EXPANSION_ADD = 128
ADD_ROWS = 1024  # rows between two steps of the progress bar


def empty_graph(dims: int) -> Index:
    """A graph without rows; what is loaded into it must have been built with the same numbers."""
    return Index(
        ndim=dims,
        metric=MetricKind.IP,
        dtype=ScalarKind.BF16,
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_ADD,
    )


def build_graph(vectors: NDArray[np.float32], *, threads: int = 1) -> Index:
    """The graph over the row numbers of `vectors` (N, D) float32.

    One thread, since rows added at once may never be linked: two threads lost 6 of 20 000 rows for every
    search, four lost 14, one lost none. And usearch's threads spin: more of them than free cores take
    longer than one (`python -m benchmarks index` measures both).
    """
    graph = empty_graph(vectors.shape[1])
    with tqdm(total=len(vectors), desc="HNSW", unit="item", disable=None) as bar:
        for start in range(0, len(vectors), ADD_ROWS):
            rows = vectors[start : start + ADD_ROWS]
            graph.add(np.arange(start, start + len(rows)), rows, threads=threads)
            bar.update(len(rows))
    return graph
