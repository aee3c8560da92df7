"""Nearest rows of a gallery: exact to 50 000 items, an HNSW graph above."""

from .choose import open_index
from .exact import ExactIndex
from .hits import Hits, VectorIndex

__all__ = ["ExactIndex", "Hits", "VectorIndex", "open_index"]
