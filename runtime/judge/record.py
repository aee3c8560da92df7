"""A record of a judge's replies: an append-only SQLite file, a row a reply, on disk before anyone uses it.

It holds no API key and no image, only images' hashes. Rows are never changed (triggers refuse it) and carry a
checksum each; the last row of a key counts.
"""

import hashlib
import json
import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from ..errors import JudgeError
from .request import ReplyKey

SCHEMA = 2
BUSY_TIMEOUT_S = 30.0
logger = logging.getLogger(__name__)

# what a row is made of, in the order of its columns; `row_sha256` covers all of it
FIELDS = (
    "key_sha256", "mode", "query_text", "query_image_sha256", "candidates", "shape_sha256", "model", "run", "attempt",
    "prompt", "settings", "wire", "endpoint", "reply", "scores", "rationale", "problem",
    "input_tokens", "output_tokens", "price_usd", "attempts", "latency_ms", "recorded_at",
)  # fmt: skip
_TABLE = f"CREATE TABLE replies (id INTEGER PRIMARY KEY, {', '.join(FIELDS)}, row_sha256 TEXT NOT NULL)"
_SETUP = (
    _TABLE,
    "CREATE INDEX by_key ON replies (key_sha256)",
    *(
        f"CREATE TRIGGER no_{verb} BEFORE {verb} ON replies BEGIN SELECT RAISE(ABORT, 'a record is append-only'); END"
        for verb in ("update", "delete")
    ),
    # REPLACE deletes without firing a delete trigger
    """CREATE TRIGGER no_replace BEFORE INSERT ON replies WHEN NEW.id IN (SELECT id FROM replies)
    BEGIN SELECT RAISE(ABORT, 'a record is append-only'); END""",
    f"PRAGMA user_version = {SCHEMA}",
)


@dataclass(frozen=True)
class RecordedReply:
    """One reply: the HTTP body as it came (None where a record was redacted), who sent it, what was read in it.

    `prompt` names the prompt's file, `settings` is JSON of what else a replay must ask alike (picture size,
    temperature, knowledge); `wire` is the body's format (gemini, openai); `scores` in the order of the key's
    candidates, None where unjudged; `problem` says why; `price_usd` None where the model's price is not known.
    """

    key: ReplyKey
    prompt: str
    settings: str
    wire: str
    endpoint: str
    body: bytes | None
    scores: tuple[float | None, ...] = ()
    rationale: str = ""
    problem: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    price_usd: float | None = None
    attempts: int = 1
    latency_ms: float = 0.0
    recorded_at: str = ""
    redacted_key: str = ""

    @property
    def key_sha256(self) -> str:
        """By which it is found; a redacted reply keeps that of the original."""
        return self.redacted_key or self.key.sha256

    def to_row(self) -> dict[str, Any]:
        """By FIELDS, as SQLite and JSON hold it (the body as bytes)."""
        key = vars(self.key) | {"candidates": json.dumps(self.key.candidates), "key_sha256": self.key_sha256}
        own = vars(self) | {"reply": self.body, "scores": json.dumps(self.scores)}
        return {name: key.get(name, own.get(name)) for name in FIELDS}

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Self:
        """The inverse of `to_row`; raises KeyError, TypeError or ValueError for what is none."""
        key = ReplyKey(
            mode=row["mode"],
            query_text=row["query_text"],
            query_image_sha256=row["query_image_sha256"],
            candidates=tuple(json.loads(row["candidates"])),
            shape_sha256=row["shape_sha256"],
            model=row["model"],
            run=row["run"],
            attempt=row["attempt"],
        )
        names = FIELDS[FIELDS.index("prompt") :]
        rest = {name: row[name] for name in names if name not in {"reply", "scores"}}
        redacted = "" if key.sha256 == row["key_sha256"] else row["key_sha256"]
        scores = tuple(json.loads(row["scores"]))
        if not all(score is None or 0 <= score <= 1 for score in scores):
            raise ValueError("a score outside 0 to 1")
        return cls(key, body=row["reply"], scores=scores, redacted_key=redacted, **rest)


class Replies(Protocol):
    """Where recorded replies are found."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def find(self, key: ReplyKey) -> RecordedReply | None:
        """The latest reply recorded for `key`, or None."""

    def all(self) -> Iterator[RecordedReply]:
        """Every sound reply, in the order recorded."""


class ReplyRecord:
    """Replies in an SQLite file that several threads and processes may append to at once.

    Damaged rows are skipped, logged, and counted in `damaged`.
    """

    def __init__(self, path: Path, *, must_exist: bool = False) -> None:
        """Opens or makes `path`; raises JudgeError where it is no record, or is missing and must exist."""
        if must_exist and not path.is_file():
            raise JudgeError(f"no record of replies at {path}; make one with --judge gemini --record {path}")
        self.path = path
        self.damaged = 0
        self._lock = threading.Lock()
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_S
            )
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def __len__(self) -> int:
        with self._lock:
            count: int = self._connection.execute("SELECT COUNT(DISTINCT key_sha256) FROM replies").fetchone()[0]
        return count

    def find(self, key: ReplyKey) -> RecordedReply | None:
        """The latest sound reply recorded for `key`, or None."""
        for reply in self._select("WHERE key_sha256 = ? ORDER BY id DESC", key.sha256):
            return reply
        return None

    def all(self) -> Iterator[RecordedReply]:
        """Every sound reply, in the order recorded."""
        return self._select("ORDER BY id")

    def append(self, reply: RecordedReply) -> None:
        """Adds one reply; it is on disk when this returns. Safe to call from several threads and processes."""
        row = reply.to_row()
        marks = ", ".join("?" * (len(FIELDS) + 1))
        with self._lock, self._explained():
            self._connection.execute(
                f"INSERT INTO replies ({', '.join(FIELDS)}, row_sha256) VALUES ({marks})",  # noqa: S608 - constants
                (*row.values(), row_sha256(row)),
            )

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    def _prepare(self) -> None:
        # EXTRA syncs the folder too: with FULL a power cut could bring the journal back and roll a paid reply off
        self._connection.execute("PRAGMA synchronous = EXTRA")
        if self._version() == SCHEMA:  # a record on read-only ground can be replayed
            return
        self._connection.execute("BEGIN IMMEDIATE")
        version = self._version()
        empty = not self._connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        if empty:
            for statement in _SETUP:
                self._connection.execute(statement)
        elif version != SCHEMA:
            self._connection.execute("ROLLBACK")
            raise JudgeError(
                f"{self.path} has schema version {version}, this program reads {SCHEMA}; give another --record FILE"
            )
        self._connection.execute("COMMIT")

    def _version(self) -> int:
        version: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
        return version

    def _select(self, clause: str, *values: str) -> Iterator[RecordedReply]:
        with self._lock, self._explained(), closing(self._connection.cursor()) as cursor:
            found = cursor.execute(f"SELECT {', '.join(FIELDS)}, row_sha256, id FROM replies {clause}", values)  # noqa: S608
            rows = found.fetchall()
        for *values_found, checksum, number in rows:
            row = dict(zip(FIELDS, values_found, strict=True))
            try:
                if checksum != row_sha256(row):
                    raise ValueError("the checksum differs")
                yield RecordedReply.from_row(row)
            except (ValueError, KeyError, TypeError) as error:
                self.damaged += 1
                logger.warning("%s: row %d is damaged and skipped (%s)", self.path, number, error)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DatabaseError, OSError) as error:
            raise JudgeError(
                f"the record {self.path} cannot be used ({error}); check that it is a record of replies and that "
                "you may write it, or give another --record FILE"
            ) from error


def row_sha256(row: dict[str, Any]) -> str:
    """SHA-256 of a row's fields as canonical JSON, the body by its own hash."""
    body = row["reply"]
    plain = {name: row[name] for name in FIELDS} | {"reply": None if body is None else hashlib.sha256(body).hexdigest()}
    canonical = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
