"""The gallery: items and their vectors in SQLite, one transaction a batch; all else is a cache."""

import json
import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import GalleryError, InvalidInputError
from . import cache, check, database, filters
from .items import Item, NewItem, stacked_vectors, stored_texts
from .matrix import Matrix, load_matrix
from .terms import Terms, load_terms, put_terms, term_texts, term_vectors

log = logging.getLogger(__name__)

_UPSERT = """INSERT INTO items (path, sha256, captions, metadata, bundle, vector) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (path) DO UPDATE SET sha256 = excluded.sha256, captions = excluded.captions,
    metadata = excluded.metadata, bundle = excluded.bundle, vector = excluded.vector, deleted = 0
RETURNING id"""


class Gallery:
    """A folder of stored images; made by `Gallery.create` or `Gallery.open`, a context manager.

    Threads may share one: a lock guards its single connection, and what it holds takes milliseconds.
    Other processes may read while one writes (WAL).
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection, info: database.GalleryInfo) -> None:
        self.folder = folder
        self.info = info
        self._connection = connection
        self._lock = threading.Lock()
        self._matrix: Matrix | None = None
        self._terms: Terms | None = None
        self._keys: tuple[str, dict[str, str]] | None = None

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        fingerprint: str,
        folds: int,
        dims: int,
        precision: str = "fp32",
        reencode: bool = False,
    ) -> Self:
        """The writable gallery at `folder`, made if there is none.

        With `reencode` a gallery of another bundle becomes one of this bundle: items keep their ids and
        come back into sight as their new vectors are added. Raises GalleryError without it.
        """
        connection = database.connect(folder, readonly=False)
        try:
            with database.explained(folder), database.transaction(connection, write=True):
                meta = database.read_meta(connection)
                cache.sweep(folder, everything=not meta)
                made = {
                    "fingerprint": fingerprint,
                    "folds": str(folds),
                    "dims": str(dims),
                    "precision": precision,
                }
                if not meta:
                    database.write_schema(connection)
                else:
                    database.read_info(meta, folder)  # an unknown schema version is not touched
                if not meta or (reencode and meta["fingerprint"] != fingerprint):
                    database.put_meta(connection, made)
                    database.next_generation(connection)
            return cls(folder, connection, database.checked_info(connection, folder, fingerprint))
        except BaseException:
            connection.close()
            raise

    @classmethod
    def open(cls, folder: Path, *, fingerprint: str | None = None, readonly: bool = True) -> Self:
        """An existing gallery; with `fingerprint` only if that bundle made it.

        Raises GalleryNotFoundError where there is none, GalleryError for another bundle's gallery, an
        unknown schema version or a damaged file.
        """
        database.connect(folder, readonly=True).close()  # a missing gallery is an error, never made here
        connection = database.connect(folder, readonly=readonly)
        try:
            return cls(folder, connection, database.checked_info(connection, folder, fingerprint))
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Closes the connection; matrices handed out stay valid."""
        with self._lock:
            self._matrix = self._terms = None
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return int(self._value("SELECT COUNT(*) FROM live"))

    @property
    def generation(self) -> int:
        """Counts the changes; equal numbers of one open gallery mean equal content."""
        return int(self._value("SELECT value FROM meta WHERE key = 'generation'"))

    def add(self, items: Sequence[NewItem], terms: Mapping[str, NDArray[np.float32]] | None = None) -> list[int]:
        """Stores a batch whole or not at all and returns the ids, in order.

        A path that is already there gets the new content and keeps its id; a deleted one returns. `terms` are the
        vectors (K·D,) of texts that items name in their metadata and that the gallery does not hold yet.
        Raises GalleryError for a vector that is not a finite unit row of K·D numbers.
        """
        if not items:
            return []
        vectors = stacked_vectors(items, self.info.width)
        bundle = self.info.fingerprint
        rows = [(*stored_texts(item), bundle, vector.data) for item, vector in zip(items, vectors, strict=True)]
        with self._access(write=True) as connection:
            if database.read_meta(connection)["fingerprint"] != bundle:
                raise GalleryError(f"Another process re-encodes the gallery at {self.folder}; open it again.")
            stored = [(text, np.asarray(vector, "<f4").tobytes()) for text, vector in (terms or {}).items()]
            put_terms(connection, bundle, self.info.width, stored)
            ids = [int(connection.execute(_UPSERT, row).fetchone()[0]) for row in rows]
            database.next_generation(connection)
        return ids

    def delete(self, ids: Sequence[int]) -> int:
        """Takes items out of every search, returns how many; adding its path again brings one back."""
        with self._access(write=True) as connection:
            found = connection.executemany(
                "UPDATE items SET deleted = 1 WHERE id = ? AND deleted = 0", [(int(i),) for i in ids]
            ).rowcount
            if found > 0:
                database.next_generation(connection)
        return max(found, 0)

    def known(self) -> dict[str, str]:
        """{path: SHA-256 of the file} of what need not be encoded again; deleted items are not in it."""
        with self._access() as connection:
            return dict(connection.execute("SELECT path, sha256 FROM live"))

    def item(self, item_id: int) -> Item:
        """The item of one id; InvalidInputError where it never existed."""
        return self.items([item_id])[0]

    def items(self, ids: Sequence[int]) -> list[Item]:
        """The items in the order of `ids`, deleted ones too: a hit may be older than the deletion."""
        wanted = [int(i) for i in ids]
        with self._access() as connection:
            rows = connection.execute(
                "SELECT id, path, sha256, captions, metadata FROM items WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(wanted),),
            ).fetchall()
        found = {row[0]: Item(row[0], row[1], row[2], tuple(json.loads(row[3])), json.loads(row[4])) for row in rows}
        missing = [i for i in wanted if i not in found]
        if missing:
            raise InvalidInputError(f"The gallery at {self.folder} has no item {missing[0]}.")
        return [found[i] for i in wanted]

    def matrix(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """All ids ascending (N,) int64 and their vectors (N, K·D) float32, unit rows; both read-only.

        Mapped from the generation's cache file, whose SHA-256 is checked once per opened generation
        (about 15 ms for 10 000 × 640); built from SQLite where the file is missing or wrong.
        """
        current = self.snapshot()
        return current.ids, current.vectors

    def snapshot(self) -> Matrix:
        """`matrix` with the generation and the stamp it belongs to, read in one go."""
        with self._access() as connection:
            self._matrix = load_matrix(connection, self.folder, self.info.width, self._matrix)
            return self._matrix

    def terms(self) -> Terms:
        """The terms that the items name, as arrays of the current generation; see `runtime/gallery/terms.py`.

        Raises GalleryError where an item names a term that has no vector.
        """
        with self._access() as connection:
            self._terms = load_terms(connection, self.folder, self.info.width, self._terms)
            return self._terms

    def term_vectors(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors (K·D,) of those of `texts` that are stored as terms and need not be encoded again."""
        with self._access() as connection:
            return term_vectors(connection, texts)

    def term_texts(self, ids: Sequence[int]) -> list[str]:
        """The texts of the terms with these ids (`TermArrays.ids`), in order."""
        with self._access() as connection:
            return term_texts(connection, ids)

    def allowed_ids(self, where: Sequence[str]) -> NDArray[np.int64] | None:
        """Ids (M,) int64, ascending, of the items for which all filters hold; None without filters.

        See `runtime/gallery/filters.py` for the expressions. Raises FilterError.
        """
        if not where:
            return None
        parsed = [filters.parse_filter(text) for text in where]
        with self._access() as connection:
            condition, parameters = filters.condition(parsed, self._key_paths(connection))
            query = f"SELECT id FROM live WHERE {condition} ORDER BY id"  # noqa: S608 - constants; values are parameters
            return np.array([row[0] for row in connection.execute(query, parameters)], dtype=np.int64)

    def metadata_keys(self) -> list[str]:
        """The keys that filters may name, sorted, nested by dot; `caption` and `path` always work too."""
        with self._access() as connection:
            return list(self._key_paths(connection))

    def distinct_values(self, key: str, limit: int = 100) -> list[str]:
        """The values of `key`, the most frequent first, as `key=VALUE` takes them. Raises FilterError."""
        with self._access() as connection:
            document, path = filters.lookup(key, self._key_paths(connection))
            query = f"""SELECT CASE WHEN e.type IN ('true', 'false') THEN e.type ELSE e.atom END AS v
                FROM live, json_each({document}, ?) AS e WHERE e.atom IS NOT NULL
                GROUP BY v ORDER BY COUNT(*) DESC, v LIMIT ?"""  # noqa: S608 - one of three constants
            return [str(row[0]) for row in connection.execute(query, (path, limit))]

    def verify(self) -> list[str]:
        """What is wrong, one sentence each; an empty list for a sound gallery. Reads everything."""
        with self._access() as connection:
            return check.problems(connection, self.folder, self.info)

    @contextmanager
    def _access(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        with self._lock, database.explained(self.folder), database.transaction(self._connection, write=write):
            yield self._connection

    def _value(self, query: str) -> Any:
        with self._access() as connection:
            return connection.execute(query).fetchone()[0]

    def _key_paths(self, connection: sqlite3.Connection) -> dict[str, str]:
        stamp = database.read_meta(connection)["stamp"]
        if self._keys is None or self._keys[0] != stamp:
            documents = (json.loads(row[0]) for row in connection.execute("SELECT DISTINCT metadata FROM live"))
            self._keys = (stamp, filters.key_paths(documents))
        return self._keys[1]
