"""Captioned image folders: read from the ENTRep layout, a plain table or a bare folder; duplicates found."""

from .components import Components
from .duplicates import DuplicateSettings, duplicate_groups, duplicate_labels
from .queries import read_queries
from .reader import read_dataset
from .records import Dataset, ImageQuery, Record, TextQuery, caption_key, captions_of, relevance_by_caption
from .signatures import Signatures, read_signatures

__all__ = [
    "Components",
    "Dataset",
    "DuplicateSettings",
    "ImageQuery",
    "Record",
    "Signatures",
    "TextQuery",
    "caption_key",
    "captions_of",
    "duplicate_groups",
    "duplicate_labels",
    "read_dataset",
    "read_queries",
    "read_signatures",
    "relevance_by_caption",
]
