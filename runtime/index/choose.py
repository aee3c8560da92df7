"""Which index serves a gallery."""

import logging
from pathlib import Path

from ..errors import InvalidInputError
from ..gallery import Gallery
from ..gallery.matrix import Matrix
from .exact import ExactIndex
from .hits import VectorIndex
from .hnsw import open_hnsw
from .tune import Sample

log = logging.getLogger(__name__)

EXACT_UP_TO = 50_000  # items; above, one exact query takes longer than encoding its text
BACKENDS = ("auto", "exact", "hnsw")
RECALL = 0.99


def open_index(
    gallery: Gallery, *, backend: str = "auto", recall: float = RECALL, sample: Sample | None = None
) -> VectorIndex:
    """An index over the gallery's current generation: "exact", "hnsw", or by size with "auto".

    `recall` is the share of the true ten best that an approximate search must find; `sample` gives queries
    to measure it with, such as encoded captions, and is called only where it was not measured before.
    It does not see later changes: open another when `gallery.generation` has moved.
    """
    return index_over(gallery.snapshot(), gallery.folder, backend=backend, recall=recall, sample=sample)


def index_over(
    matrix: Matrix, folder: Path, *, backend: str = "auto", recall: float = RECALL, sample: Sample | None = None
) -> VectorIndex:
    """`open_index` over any matrix, with its caches in `folder`.

    Where the graph misses the target at the cost of a scan, "auto" scans: exact, and no slower.
    """
    if backend not in BACKENDS:
        raise InvalidInputError(f"The index backend is {backend!r}; expected one of {', '.join(BACKENDS)}.")
    if not 0 < recall <= 1:
        raise InvalidInputError(f"The recall is {recall}; expected more than 0 and at most 1, such as .99.")
    exact = ExactIndex(matrix.ids, matrix.vectors)
    if backend == "exact" or (backend == "auto" and (len(matrix.ids) <= EXACT_UP_TO or recall == 1)):
        return exact
    index = open_hnsw(matrix, folder, recall, sample)
    tuning = index.tuning
    if tuning.reached:
        return index
    served = "exact search serves" if backend == "auto" else "the graph serves, as asked"
    log.warning(
        "%s: an HNSW graph reaches recall %.3f ± %.3f of the %.3f asked for where it costs as much as a scan; %s.",
        folder, tuning.recall, tuning.error, tuning.target, served,
    )  # fmt: skip
    return exact if backend == "auto" else index
