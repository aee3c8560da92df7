"""Which index serves a gallery."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InvalidInputError
from ..gallery import Gallery
from ..gallery.matrix import Matrix
from ..wheels import load_onnxruntime
from .exact import ExactIndex
from .folds import FoldsIndex, open_folds
from .hits import VectorIndex
from .tune import Sample

if TYPE_CHECKING:
    from .hnsw import HnswIndex

log = logging.getLogger(__name__)

EXACT_UP_TO = 50_000  # items; above, one exact query takes longer than encoding its text
FOLDS_UP_TO = 200_000  # items; above, a first pass takes some 5 ms, and a graph is worth its minutes of building
BACKENDS = ("auto", "exact", "folds", "hnsw")
RECALL = 0.99


def open_index(
    gallery: Gallery, *, backend: str = "auto", recall: float = RECALL, sample: Sample | None = None
) -> VectorIndex:
    """An index over the gallery's current generation: "exact", "folds", "hnsw", or by size with "auto".

    `recall` is the share of the true ten best that an approximate search must find; `sample` gives queries
    to measure it with, such as encoded captions, and is called only where it was not measured before.
    It does not see later changes: open another when `gallery.generation` has moved.
    """
    return index_over(
        gallery.snapshot(), gallery.folder, folds=gallery.info.folds, backend=backend, recall=recall, sample=sample
    )


def index_over(
    matrix: Matrix,
    folder: Path,
    *,
    folds: int,
    backend: str = "auto",
    recall: float = RECALL,
    sample: Sample | None = None,
) -> VectorIndex:
    """`open_index` over any matrix whose rows hold `folds` vectors side by side, with its caches in `folder`.

    With "auto" what misses the target at about the cost of a scan gives way to the next: folds, graph, scan.
    """
    if backend not in BACKENDS:
        raise InvalidInputError(f"The index backend is {backend!r}; expected one of {', '.join(BACKENDS)}.")
    if not 0 < recall <= 1:
        raise InvalidInputError(f"The recall is {recall}; expected more than 0 and at most 1, such as .99.")
    if backend == "folds" and folds == 1:
        raise InvalidInputError("The gallery has one fold; a first pass over some folds needs two or more.")
    count, automatic = len(matrix.ids), backend == "auto"
    if backend == "exact" or (automatic and (count <= EXACT_UP_TO or recall == 1)):
        return ExactIndex(matrix.ids, matrix.vectors)
    index: FoldsIndex | HnswIndex
    if backend == "folds" or (automatic and folds > 1 and count <= FOLDS_UP_TO):
        index = open_folds(matrix, folder, folds, recall, sample)
        if index.tuning.reached or not automatic:
            return _said(index, folder)
    load_onnxruntime()  # usearch 2.26 imported first makes the first session of onnxruntime 1.31 crash the process
    from .hnsw import open_hnsw  # noqa: PLC0415  usearch takes longer to import than an exact search to run

    index = open_hnsw(matrix, folder, recall, sample)
    if index.tuning.reached or not automatic:
        return _said(index, folder)
    _said(index, folder, "exact search serves")
    return ExactIndex(matrix.ids, matrix.vectors)


def _said(index: "FoldsIndex | HnswIndex", folder: Path, served: str = "it serves, as asked") -> VectorIndex:
    """`index`, with a warning where it misses its target."""
    tuning = index.tuning
    if not tuning.reached:
        log.warning(
            "%s: %s reaches recall %.3f ± %.3f of the %.3f asked for where it costs as much as a scan; %s.",
            folder, type(index).__name__, tuning.recall, tuning.error, tuning.target, served,
        )  # fmt: skip
    return index
