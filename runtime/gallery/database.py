"""The SQLite file of a gallery: its schema, how it is opened, and its meta table."""

import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import GalleryError, GalleryNotFoundError
from .text import contains, nfc, number

FILE_NAME = "gallery.sqlite"
SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 30.0

# `vector` stands last: whatever reads the other columns never walks its overflow pages.
# Rows are never removed, only marked, so an id is never used twice. A row of another bundle waits,
# out of sight, for its new vector: that makes re-encoding resumable and keeps the ids.
_SCHEMA = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE items (
        id INTEGER PRIMARY KEY,
        path TEXT NOT NULL UNIQUE,
        sha256 TEXT NOT NULL,
        captions TEXT NOT NULL,
        metadata TEXT NOT NULL,
        bundle TEXT NOT NULL,
        deleted INTEGER NOT NULL DEFAULT 0,
        vector BLOB NOT NULL
    )""",
    """CREATE VIEW live AS SELECT * FROM items WHERE deleted = 0
        AND bundle = (SELECT value FROM meta WHERE key = 'fingerprint')""",
)


@dataclass(frozen=True)
class GalleryInfo:
    """What a gallery was made with: `folds` K, `dims` D, the bundle's fingerprint and precision."""

    fingerprint: str
    folds: int
    dims: int
    precision: str

    @property
    def width(self) -> int:
        """Length of a stored vector, K·D."""
        return self.folds * self.dims


def connect(folder: Path, *, readonly: bool) -> sqlite3.Connection:
    """A connection in autocommit mode that several threads may share under a lock.

    Raises GalleryNotFoundError where a gallery should exist and none does, GalleryError where the file
    cannot be read as one.
    """
    file = folder / FILE_NAME
    if readonly and (not file.is_file() or not file.stat().st_size):
        raise GalleryNotFoundError(
            f"No gallery at {folder}. Make one: `python -m runtime index DATA --gallery {folder} --bundle BUNDLE`."
        )
    if not readonly:
        folder.mkdir(parents=True, exist_ok=True)
    with explained(folder):
        return _open_readonly(file) if readonly else _open_writable(file)


def _open_writable(file: Path) -> sqlite3.Connection:
    connection = _open(file, "mode=rwc")
    try:
        _write_ahead(connection)
        # FULL: a batch that was reported as stored survives a power cut too. Encoding a batch takes a
        # second, the fsync a few milliseconds.
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Sets the journal to WAL. Two that make one gallery at once collide here, and SQLite does not wait
    for a lock that it would have to upgrade (it answers "locked" at once, whatever the timeout)."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _open_readonly(file: Path) -> sqlite3.Connection:
    connection = _open(file, "mode=ro")
    try:
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        # WAL needs a -shm file even to read; in a folder where none can be made SQLite reads the
        # database alone, which is all of it exactly when there is no log.
        connection.close()
        log = file.with_name(file.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise
        return _open(file, "immutable=1")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _open(file: Path, parameters: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{file.resolve().as_uri()}?{parameters}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_TIMEOUT_S,
    )
    connection.create_function("nfc", 1, nfc, deterministic=True)
    connection.create_function("number", 1, number, deterministic=True)
    connection.create_function("contains", 2, contains, deterministic=True)
    return connection


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turns SQLite's errors into a GalleryError that says what to do."""
    try:
        yield
    except sqlite3.ProgrammingError:  # a closed gallery, say: the caller's mistake, not the file's
        raise
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            hint = f"another process has been writing for {BUSY_TIMEOUT_S:.0f} s; wait for it or stop it"
        elif "readonly" in str(error):
            hint = "it was opened read-only; open it with readonly=False, in a folder that you may write"
        else:
            hint = "check the folder's permissions and free space"
        raise GalleryError(f"The gallery at {folder} cannot be used ({error}): {hint}.") from error
    except sqlite3.DatabaseError as error:
        raise GalleryError(
            f"The gallery at {folder} is damaged ({error}). Move the folder away and make it again: "
            f"`python -m runtime index DATA --gallery {folder} --bundle BUNDLE`."
        ) from error


@contextmanager
def transaction(connection: sqlite3.Connection, *, write: bool = False) -> Iterator[None]:
    """One snapshot to read, or with `write` one change that happens whole or not at all."""
    connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def read_meta(connection: sqlite3.Connection) -> dict[str, str]:
    """The meta table, empty where there is no schema yet."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        return {}
    return dict(connection.execute("SELECT key, value FROM meta"))


def write_schema(connection: sqlite3.Connection) -> None:
    """Creates the tables of an empty database, inside the caller's transaction."""
    for statement in _SCHEMA:
        connection.execute(statement)
    put_meta(connection, {"schema": str(SCHEMA_VERSION), "generation": "0"})


def put_meta(connection: sqlite3.Connection, values: dict[str, str]) -> None:
    """Sets rows of the meta table, inside the caller's transaction."""
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())


def next_generation(connection: sqlite3.Connection) -> None:
    """Counts one change and draws its stamp, inside the caller's transaction.

    The number alone does not name a content: after a backup is put back, or a power cut, the same
    number can be reached again with other items. Caches carry the stamp, which is never drawn twice.
    """
    connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'generation'")
    put_meta(connection, {"stamp": secrets.token_hex(16)})


def read_info(meta: dict[str, str], folder: Path) -> GalleryInfo:
    """The gallery's facts; GalleryError for a schema version that this code does not know."""
    if not meta:
        raise GalleryNotFoundError(
            f"The gallery at {folder} was never begun. Make it: "
            f"`python -m runtime index DATA --gallery {folder} --bundle BUNDLE`."
        )
    if meta.get("schema") != str(SCHEMA_VERSION):
        raise GalleryError(
            f"The gallery at {folder} has schema version {meta.get('schema')}; this code reads version "
            f"{SCHEMA_VERSION}. Use the release that made it, or make it again in another folder: "
            "`python -m runtime index DATA --gallery NEW_FOLDER --bundle BUNDLE`."
        )
    try:
        return GalleryInfo(meta["fingerprint"], int(meta["folds"]), int(meta["dims"]), meta["precision"])
    except (KeyError, ValueError) as error:
        raise GalleryError(f"The meta table of the gallery at {folder} is damaged: {error}.") from error


def checked_info(connection: sqlite3.Connection, folder: Path, fingerprint: str | None) -> GalleryInfo:
    """`read_info` of an open gallery; GalleryError where another bundle than `fingerprint` made it."""
    with explained(folder):
        info = read_info(read_meta(connection), folder)
    if fingerprint is not None and fingerprint != info.fingerprint:
        raise GalleryError(
            f"The gallery at {folder} was made by the bundle {info.fingerprint}, not by {fingerprint}, "
            "and vectors of two bundles cannot be compared. Re-encode it: "
            f"`python -m runtime index DATA --gallery {folder} --bundle BUNDLE --reencode`."
        )
    return info
