"""rows.jsonl becomes a gallery: elements encoded once each, one transaction a batch; interrupted work is continued."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..gallery import Gallery, NewItem
from ..indexing import IndexReport
from .encoder import CarimEncoder
from .rows import Row, Rows

Floats = NDArray[np.float32]

BATCH = 256  # rows a transaction


def index_rows(
    rows: Rows,
    gallery: Gallery,
    encoder: CarimEncoder,
    *,
    batch: int = BATCH,
    progress: Callable[[int, int], None] | None = None,
) -> IndexReport:
    """Adds every row that the gallery does not hold in this very content; the pictures are looked for, not read.

    A row whose picture is gone, or belongs to another row, is skipped with a sentence in the report.
    """
    started = time.perf_counter()
    report = IndexReport(skipped=list(rows.problems))
    known, taken = gallery.known(), dict[str, str]()
    total = len(rows.rows)
    for first in range(0, total, batch):
        part = []
        for row in rows.rows[first : first + batch]:
            path, digest = path_of(rows, row), digest_of(rows, row)
            fault = _fault(rows, row, taken.setdefault(path, row.id))
            if fault:
                report.skipped.append(fault)
            elif known.get(path) == digest:
                report.unchanged += 1
            else:
                part.append(_Waiting(row, path, digest))
        if part:
            report.added += _store(rows, part, gallery, encoder, report.skipped)
        report.seconds = time.perf_counter() - started
        if progress:
            progress(min(first + batch, total), total)
    return report


def path_of(rows: Rows, row: Row) -> str:
    """What names the row in a gallery: its picture's absolute path, or its id where it has none."""
    picture = rows.image_path(row)
    return row.id if picture is None else str(picture.resolve())


def digest_of(rows: Rows, row: Row) -> str:
    """SHA-256 of the row and where it lies. Not of the picture: nothing that is stored is made from it."""
    return hashlib.sha256(f"{rows.root.resolve()} {row!r}".encode()).hexdigest()


@dataclass(frozen=True)
class _Waiting:
    row: Row
    path: str
    digest: str


def _fault(rows: Rows, row: Row, owner: str) -> str | None:
    picture = rows.image_path(row)
    if owner != row.id:
        return f"{row.id}: its picture {row.image} is already that of {owner}; a picture is one frame of a gallery"
    if picture is not None and not picture.is_file():
        return f"{row.id}: its picture {picture} is missing"
    return None


def _store(rows: Rows, part: Sequence[_Waiting], gallery: Gallery, encoder: CarimEncoder, skipped: list[str]) -> int:
    named = list(dict.fromkeys(text for waiting in part for text in waiting.row.elements))
    vectors = gallery.term_vectors(named)
    new, silent = _encoded([text for text in named if text not in vectors], encoder)
    vectors |= new
    items = []
    for waiting in part:
        bad = [text for text in waiting.row.elements if text in silent]
        if bad:
            skipped.append(f"{waiting.row.id}: the element {bad[0]!r} holds no word that the tokenizer knows")
            continue
        mean = np.stack([vectors[text] for text in waiting.row.elements]).mean(axis=0, dtype=np.float64)
        vector = (mean / np.linalg.norm(mean)).astype(np.float32)
        captions = (waiting.row.caption,) if waiting.row.caption.strip() else ()
        items.append(NewItem(waiting.path, waiting.digest, captions, _metadata(rows, waiting.row), vector))
    gallery.add(items, new)
    return len(items)


def _encoded(texts: list[str], encoder: CarimEncoder) -> tuple[dict[str, Floats], set[str]]:
    """The vectors of new elements, and those that have none."""
    silent = {text for text in texts if not encoder.is_encodable(text)}
    texts = [text for text in texts if text not in silent]
    return dict(zip(texts, encoder.encode_elements(texts), strict=True)), silent


def _metadata(rows: Rows, row: Row) -> dict[str, Any]:
    values = dict(row.meta) | {
        "scene": row.scene,
        "frame_id": row.id,
        "timestamp": row.timestamp,
        "elements": list(row.elements),
    }
    film = row.meta.get("frames")
    return values | ({"frames": str((rows.root / film).resolve())} if isinstance(film, str) else {})
