"""Captioned image folders: read from the ENTRep layout, a plain table or a bare folder."""

from .queries import read_queries
from .reader import read_dataset
from .records import Dataset, ImageQuery, Record, TextQuery, caption_key, relevance_by_caption

__all__ = [
    "Dataset",
    "ImageQuery",
    "Record",
    "TextQuery",
    "caption_key",
    "read_dataset",
    "read_queries",
    "relevance_by_caption",
]
