"""What can be wrong with a gallery on disk, in sentences."""

import sqlite3
from pathlib import Path

import numpy as np

from .cache import cache_fault
from .database import GalleryInfo
from .items import NORM_TOLERANCE
from .terms import term_problems

NAMED = 5  # of each kind; a folder that moved away would otherwise fill the screen


def problems(connection: sqlite3.Connection, folder: Path, info: GalleryInfo) -> list[str]:
    """Every fault found: the database itself, vectors, image files that are gone, damaged caches."""
    integrity = [row[0] for row in connection.execute("PRAGMA integrity_check(10)")]
    found = [] if integrity == ["ok"] else [f"SQLite: {line}" for line in integrity]
    wrong, gone = [], []
    # a scene that is only text has no file: its path is its own id
    for item_id, path, frame, blob in connection.execute(
        "SELECT id, path, json_extract(metadata, '$.frame_id'), vector FROM live ORDER BY id"
    ):
        fault = _vector_fault(blob, info.width)
        if fault:
            wrong.append(f"item {item_id} ({path}): {fault}")
        if path != frame and not Path(path).is_file():
            gone.append(f"item {item_id}: the image {path} is gone")
    found += _shortened(wrong) + _shortened(gone) + _shortened(term_problems(connection, info.width))
    stale = connection.execute(
        "SELECT COUNT(*) FROM items WHERE deleted = 0 AND bundle != ?", (info.fingerprint,)
    ).fetchone()[0]
    if stale:
        found.append(
            f"{stale} items still have vectors of another bundle and are not searched: "
            f"`python -m runtime index DATA --gallery {folder} --bundle BUNDLE` goes on with them"
        )
    for path in sorted(folder.glob("*.cache")):
        reason = cache_fault(path)
        if reason:
            found.append(f"the cache {path.name} {reason}; it is rebuilt at the next search")
    return found


def _vector_fault(blob: bytes, width: int) -> str | None:
    if len(blob) != 4 * width:
        return f"its vector has {len(blob)} bytes, expected {4 * width}"
    norm = float(np.linalg.norm(np.frombuffer(blob, "<f4").astype(np.float64)))
    return None if abs(norm - 1.0) <= NORM_TOLERANCE else f"its vector has norm {norm:.6g}, expected 1"


def _shortened(lines: list[str]) -> list[str]:
    rest = len(lines) - NAMED
    return lines[:NAMED] + ([f"… and {rest} more of this kind"] if rest > 0 else [])
