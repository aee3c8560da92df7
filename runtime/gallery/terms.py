"""Terms: texts with a vector of their own that many items name, such as the elements of driving scenes.

An item names its terms in its metadata under `TERMS_KEY`; what names no term is left out of `Terms`. The table is
made when the first terms are stored, so that galleries without them stay as they are.
"""

import json
import logging
import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import GalleryError
from . import cache
from .database import read_meta
from .items import NORM_TOLERANCE
from .term_file import TermArrays, pack_terms, terms_identity, unpack_terms

log = logging.getLogger(__name__)

STEM = "terms"
TERMS_KEY = "elements"
GROUP_KEY = "scene"

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS terms (
        id INTEGER PRIMARY KEY,
        text TEXT NOT NULL UNIQUE,
        bundle TEXT NOT NULL,
        vector BLOB NOT NULL
    )""",
    """CREATE VIEW IF NOT EXISTS current_terms AS SELECT * FROM terms
        WHERE bundle = (SELECT value FROM meta WHERE key = 'fingerprint')""",
)
_UPSERT = """INSERT INTO terms (text, bundle, vector) VALUES (?, ?, ?)
ON CONFLICT (text) DO UPDATE SET bundle = excluded.bundle, vector = excluded.vector"""


@dataclass(frozen=True, eq=False)
class Terms:
    """One generation of a gallery: its items' terms; `stamp` names the content, caches made from it carry it."""

    generation: int
    stamp: str
    arrays: TermArrays


def put_terms(connection: sqlite3.Connection, bundle: str, dims: int, terms: Sequence[tuple[str, bytes]]) -> None:
    """Stores (text, vector as float32 bytes) pairs inside the caller's transaction; GalleryError for a bad vector."""
    if not terms:
        return
    for text, blob in terms:
        fault = _fault(blob, dims)
        if fault:
            raise GalleryError(f"The vector of {text!r} {fault}. Nothing of the batch was stored.")
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.executemany(_UPSERT, [(text, bundle, blob) for text, blob in terms])


def term_vectors(connection: sqlite3.Connection, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """The vectors (D,) float32 of those of `texts` that have one of the gallery's bundle."""
    if not _exists(connection):
        return {}
    rows = connection.execute(
        "SELECT text, vector FROM current_terms WHERE text IN (SELECT value FROM json_each(?))",
        (json.dumps(list(texts), ensure_ascii=False),),
    )
    return {text: np.frombuffer(blob, "<f4") for text, blob in rows}


def term_texts(connection: sqlite3.Connection, ids: Sequence[int]) -> list[str]:
    """The texts of term ids, in their order."""
    rows = connection.execute(
        "SELECT id, text FROM terms WHERE id IN (SELECT value FROM json_each(?))", (json.dumps([int(i) for i in ids]),)
    )
    found = dict(rows.fetchall())
    return [found[int(i)] for i in ids]


def load_terms(connection: sqlite3.Connection, folder: Path, dims: int, last: Terms | None) -> Terms:
    """The current generation's terms, inside the caller's transaction; `last` where it is still current.

    Mapped from the generation's cache file where that is sound, else built from SQLite and cached.
    """
    meta = read_meta(connection)
    generation, stamp = int(meta["generation"]), meta["stamp"]
    if last is not None and last.stamp == stamp:
        return last
    path, identity = cache.cache_path(folder, STEM, generation), terms_identity(stamp, dims)
    payload = cache.read_cache(path, identity)
    if payload is None:
        arrays = _read_rows(connection, folder, dims)
        if len(arrays.items) and cache.write_cache(path, identity, pack_terms(arrays)):
            cache.remove_older(folder, STEM, generation)
            payload = cache.read_cache(path, identity)  # the pages of a file can be given back, an array's cannot
        if payload is None:
            return Terms(generation, stamp, arrays)
    return Terms(generation, stamp, unpack_terms(payload))


def term_problems(connection: sqlite3.Connection, dims: int) -> list[str]:
    """A sentence for every term that an item names and that has no sound vector of the gallery's bundle."""
    if not _exists(connection):
        return []
    found = []
    sound = set()
    for text, blob in connection.execute("SELECT text, vector FROM current_terms ORDER BY id"):
        fault = _fault(blob, dims)
        if fault:
            found.append(f"the term {text!r}: its vector {fault}")
        else:
            sound.add(text)
    for item_id, path, metadata in connection.execute("SELECT id, path, metadata FROM live ORDER BY id"):
        missing = [text for text in _named(metadata)[1] if text not in sound]
        if missing:
            found.append(f"item {item_id} ({path}): no vector of the term {missing[0]!r}")
    return found


def _exists(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'terms'").fetchone() is not None


def _fault(blob: bytes, dims: int) -> str | None:
    if len(blob) != 4 * dims:
        return f"has {len(blob)} bytes, expected {4 * dims}"
    # a mean of unit vectors that was left as it is (the published form) is shorter than 1
    norm = float(np.linalg.norm(np.frombuffer(blob, "<f4").astype(np.float64)))
    sound = math.isfinite(norm) and 0 < norm <= 1 + NORM_TOLERANCE
    return None if sound else f"has norm {norm:.6g}, expected more than 0 and at most 1"


def _named(metadata: str) -> tuple[str | None, list[str]]:
    """The group and the terms that an item's metadata names."""
    values = json.loads(metadata)
    terms, group = values.get(TERMS_KEY), values.get(GROUP_KEY)
    named = [text for text in terms if isinstance(text, str)] if isinstance(terms, list) else []
    return (None if group is None else str(group)), named


def _read_rows(connection: sqlite3.Connection, folder: Path, dims: int) -> TermArrays:
    rows: dict[str, int] = {}  # text → its row among the vectors, by first use
    groups: dict[str, int] = {}
    items, offsets, refs, group_of = [], [0], [], []
    for item_id, path, metadata in connection.execute("SELECT id, path, metadata FROM live ORDER BY id"):
        group, named = _named(metadata)
        if not named:
            continue
        items.append(item_id)
        refs += [rows.setdefault(text, len(rows)) for text in named]
        offsets.append(len(refs))
        group_of.append(groups.setdefault(f"scene {group}" if group is not None else f"item {path}", len(groups)))
    vectors, ids = np.empty((len(rows), dims), "<f4"), np.zeros(len(rows), "<i8")
    if rows:
        found = connection.execute("SELECT id, text, vector FROM current_terms") if _exists(connection) else ()
        for term_id, text, blob in found:
            row = rows.get(text)
            if row is not None and len(blob) == 4 * dims:
                vectors[row], ids[row] = np.frombuffer(blob, "<f4"), term_id
        lost = [text for text, row in rows.items() if not ids[row]]
        if lost:
            raise GalleryError(
                f"{folder}: {len(lost)} terms have no vector of this gallery's bundle, such as {lost[0]!r}. "
                f"List all faults: `python -m runtime verify --gallery {folder}`."
            )
    return TermArrays(
        items=np.array(items, "<i8"),
        groups=np.array(group_of, "<i4"),
        offsets=np.array(offsets, "<i8"),
        refs=np.array(refs, "<i4"),
        ids=ids,
        vectors=vectors,
    ).frozen()
