"""Synthetic vectors for search: a mixture of 10 000 Gaussians on the sphere, seeded, made in blocks.

A row is the unit vector of c + s·g/√D, with c one of the centres, which are uniform on the sphere, g standard normal
and s² = 1/ρ − 1: two rows of one cluster have a cosine of about ρ = .7, of different ones about 0 ± .03. With a
million rows 100 share a cluster, and their cosines to a query differ by some .01; with 100 000 about ten do, so that
the last of the ten best are often strangers: the hardest size of the ladder for a graph.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtime.files import atomic_path

Floats = NDArray[np.float32]

DIMS = 640
CLUSTERS = 10_000
COSINE = 0.7
SIGMA = float(np.sqrt(1 / COSINE - 1) / np.sqrt(DIMS))  # a coordinate, about .0259
SEED = 7
BLOCK = 10_000
CENTRES, ROWS, QUERIES, SAMPLE = range(4)  # streams of random numbers


def rows(path: Path, count: int) -> Floats:
    """(count, 640) float32 unit rows, mapped from `path`, which is written first where it is missing.

    A smaller count gives the first rows of a larger one, up to the last whole block.
    """
    if not path.is_file():
        centres = _centres()
        with atomic_path(path) as part, part.open("wb") as stream:
            header = {"descr": "<f4", "fortran_order": False, "shape": (count, DIMS)}
            np.lib.format.write_array_header_1_0(stream, header)
            for block, start in enumerate(range(0, count, BLOCK)):
                stream.write(_drawn(centres, ROWS, block, min(BLOCK, count - start)).data)
    return np.load(path, mmap_mode="r", allow_pickle=False)


def queries(count: int) -> Floats:
    """(count, 640) float32 from the same mixture and not among the rows; what recall and time are measured with."""
    return _drawn(_centres(), QUERIES, 0, count)


def sample(count: int = 300) -> Floats:
    """Other queries of the same kind: what a user's own queries are to a gallery when it is tuned."""
    return _drawn(_centres(), SAMPLE, 0, count)


def _centres() -> Floats:
    return _unit(np.random.default_rng([SEED, CENTRES]).standard_normal((CLUSTERS, DIMS), dtype=np.float32))


def _drawn(centres: Floats, stream: int, block: int, count: int) -> Floats:
    rng = np.random.default_rng([SEED, stream, block])
    chosen = centres[rng.integers(0, CLUSTERS, count)]
    return _unit(chosen + np.float32(SIGMA) * rng.standard_normal((count, DIMS), dtype=np.float32))


def _unit(vectors: Floats) -> Floats:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
