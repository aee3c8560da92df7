"""What a data set is once it is read: records, the challenge's queries, and who is relevant to whom."""

import hashlib
import json
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Language = Literal["en", "vi"]


@dataclass(frozen=True)
class Record:
    """One image: `file` is its name in the data set (POSIX, unique), `path` where it lies.

    `group` is the patient or sequence, None where the data set does not say; `metadata` holds
    JSON-ready values.
    """

    file: str
    path: Path
    captions: tuple[str, ...] = ()
    captions_vi: tuple[str, ...] = ()
    group: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TextQuery:
    """A phrase of `t2i.json` and the files it is about."""

    text: str
    relevant: frozenset[str]


@dataclass(frozen=True)
class ImageQuery:
    """An image of `i2i.json` and the files that show the same finding."""

    file: str
    relevant: frozenset[str]


@dataclass(frozen=True)
class Dataset:
    """All records in file order, what was wrong with the rest, and the challenge's own queries."""

    root: Path
    records: tuple[Record, ...]
    problems: tuple[str, ...] = ()
    text_queries: tuple[TextQuery, ...] = ()
    image_queries: tuple[ImageQuery, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Hexadecimal SHA-256 of names, captions and groups: the same data set gives the same folds."""
        rows = [[r.file, r.captions, r.captions_vi, r.group] for r in self.records]
        return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode("utf-8")).hexdigest()


def clean_text(text: str) -> str:
    """`text` in NFC with single spaces; a Vietnamese letter has one spelling from here on."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def caption_key(text: str) -> str:
    """What makes two captions the same: letters and words, not case, spacing or a final full stop."""
    return clean_text(text).casefold().rstrip(" .")


def relevance_by_caption(dataset: Dataset, language: Language = "en") -> dict[str, frozenset[str]]:
    """Each caption as written → every file that bears an equal caption (by `caption_key`), in file order."""
    files: dict[str, set[str]] = {}
    for record in dataset.records:
        for caption in captions_of(record, language):
            files.setdefault(caption_key(caption), set()).add(record.file)
    sets = {key: frozenset(members) for key, members in files.items()}
    return {
        caption: sets[caption_key(caption)] for record in dataset.records for caption in captions_of(record, language)
    }


def captions_of(record: Record, language: Language) -> tuple[str, ...]:
    """The record's captions in one language."""
    return record.captions_vi if language == "vi" else record.captions
