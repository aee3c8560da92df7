"""Nearest rows of a gallery: exact to 50 000 items, then a first pass over a few folds, then an HNSW graph."""

from .choose import RECALL, open_index
from .exact import ExactIndex
from .hits import Hits, VectorIndex

__all__ = ["RECALL", "ExactIndex", "Hits", "VectorIndex", "open_index"]
