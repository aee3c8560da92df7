"""All vectors of a gallery as one matrix: from the generation's cache file, else from SQLite."""

import logging
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import GalleryError
from . import cache
from .database import read_meta

log = logging.getLogger(__name__)

STEM = "vectors"


@dataclass(frozen=True, eq=False)
class Matrix:
    """One generation: `ids` (N,) int64 ascending, `vectors` (N, K·D) float32 unit rows, both read-only.

    `stamp` names the content; caches made from it carry it.
    """

    generation: int
    stamp: str
    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]


def load_matrix(connection: sqlite3.Connection, folder: Path, width: int, last: Matrix | None) -> Matrix:
    """The current generation's matrix, inside the caller's transaction; `last` where it is still current."""
    meta = read_meta(connection)
    generation, stamp = int(meta["generation"]), meta["stamp"]
    if last is not None and last.stamp == stamp:
        return last
    path, identity = cache.cache_path(folder, STEM, generation), f"{STEM} {stamp} {width}"
    mapped = _mapped(path, identity, width)
    if mapped is None:
        ids, vectors = _read_rows(connection, folder, width)
        if len(ids) and cache.write_cache(path, identity, [ids.data, vectors.data]):
            cache.remove_older(folder, STEM, generation)
            mapped = _mapped(path, identity, width)  # the pages of a file can be given back, an array's cannot
        if mapped is None:
            ids.flags.writeable = vectors.flags.writeable = False
            mapped = ids, vectors
    return Matrix(generation, stamp, *mapped)


def _mapped(path: Path, identity: str, width: int) -> tuple[NDArray[np.int64], NDArray[np.float32]] | None:
    payload = cache.read_cache(path, identity)
    if payload is None:
        return None
    count = len(payload) // (8 + 4 * width)
    ids = np.frombuffer(payload, "<i8", count)
    return ids, np.frombuffer(payload, "<f4", count * width, offset=8 * count).reshape(count, width)


def _read_rows(
    connection: sqlite3.Connection, folder: Path, width: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    count = connection.execute("SELECT COUNT(*) FROM live").fetchone()[0]
    ids = np.empty(count, "<i8")
    vectors = np.empty((count, width), "<f4")
    for row, (item_id, blob) in enumerate(connection.execute("SELECT id, vector FROM live ORDER BY id")):
        if len(blob) != 4 * width:
            raise GalleryError(
                f"The vector of item {item_id} in {folder} has {len(blob)} bytes, expected {4 * width}. "
                f"List all faults: `python -m runtime verify --gallery {folder}`."
            )
        ids[row] = item_id
        vectors[row] = np.frombuffer(blob, "<f4")
    return ids, vectors
