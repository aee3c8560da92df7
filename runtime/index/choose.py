"""Which index serves a gallery."""

from ..errors import InvalidInputError
from ..gallery import Gallery
from .exact import ExactIndex
from .hits import VectorIndex
from .hnsw import open_hnsw

EXACT_UP_TO = 50_000  # items; above, one exact query takes longer than encoding its text
BACKENDS = ("auto", "exact", "hnsw")


def open_index(gallery: Gallery, *, backend: str = "auto") -> VectorIndex:
    """An index over the gallery's current generation: "exact", "hnsw", or by size with "auto".

    It does not see later changes: open another when `gallery.generation` has moved.
    """
    if backend not in BACKENDS:
        raise InvalidInputError(f"The index backend is {backend!r}; expected one of {', '.join(BACKENDS)}.")
    matrix = gallery.snapshot()
    if backend == "exact" or (backend == "auto" and len(matrix.ids) <= EXACT_UP_TO):
        return ExactIndex(matrix.ids, matrix.vectors)
    return open_hnsw(matrix, gallery.folder)
