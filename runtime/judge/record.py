"""A record of a judge's replies: a checksummed JSON line each, fsynced, so that a kill loses one at most.

A line: schema, key fields, endpoint, reply (base64 of the HTTP body as it came), attempts, latency_ms,
recorded_at, sha256 (of the line without it; every schema version keeps this and `schema` so). It holds no
API key and no image, only images' hashes.
"""

import base64
import hashlib
import json
import logging
import os
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import JudgeError

SCHEMA = 1
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReplyKey:
    """What a reply answers; `prompt_sha256` covers the prompt and what else shapes the request."""

    query_text: str | None
    query_image_sha256: str | None
    candidate_sha256: str
    prompt_sha256: str
    model: str
    run: int


@dataclass(frozen=True)
class RecordedReply:
    """The HTTP body as it came, the host that sent it, and what it took."""

    body: bytes
    endpoint: str
    attempts: int = 1
    latency_ms: float = 0.0


class ReplyRecord:
    """Replies by key, from a JSON Lines file that is only ever appended to; the last line of a key counts.

    Damaged lines, a torn last one for example, are skipped, counted in `damaged` and logged.
    """

    def __init__(self, path: Path, *, must_exist: bool = False) -> None:
        """Reads `path`; raises JudgeError for an unknown schema version or a missing file that must exist."""
        self.path = path
        self.damaged = 0
        self._lock = threading.Lock()
        self._replies: dict[ReplyKey, RecordedReply] = {}
        if path.exists():
            self._read()
        elif must_exist:
            raise JudgeError(f"no record of replies at {path}; make one with --judge gemini --record {path}")

    def __len__(self) -> int:
        return len(self._replies)

    @property
    def keys(self) -> tuple[ReplyKey, ...]:
        """Every key, in the order first recorded."""
        return tuple(self._replies)

    def find(self, key: ReplyKey) -> RecordedReply | None:
        """The latest reply recorded for `key`, or None."""
        return self._replies.get(key)

    def append(self, key: ReplyKey, reply: RecordedReply) -> None:
        """Adds one reply; it is on disk when this returns. Safe to call from several threads."""
        line: dict[str, Any] = {
            "schema": SCHEMA,
            "key": asdict(key),
            "endpoint": reply.endpoint,
            "reply": base64.b64encode(reply.body).decode("ascii"),
            "attempts": reply.attempts,
            "latency_ms": round(reply.latency_ms, 3),
            "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        encoded = json.dumps(line | {"sha256": _checksum(line)}, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as stream:
                # a line torn by a kill must not swallow this one
                if stream.seek(0, os.SEEK_END):
                    stream.seek(-1, os.SEEK_END)
                    if stream.read(1) != b"\n":
                        encoded = b"\n" + encoded
                stream.write(encoded)
                stream.flush()
                os.fsync(stream.fileno())
            self._replies[key] = reply

    def _read(self) -> None:
        for number, raw in enumerate(self.path.read_bytes().split(b"\n"), start=1):
            if not raw.strip():
                continue
            try:
                line = json.loads(raw)
                schema = line["schema"]
                if line.pop("sha256") != _checksum(line):
                    raise ValueError("the checksum differs")
                if schema == SCHEMA:
                    self._replies[ReplyKey(**line["key"])] = RecordedReply(
                        base64.b64decode(line["reply"], validate=True),
                        line["endpoint"],
                        line["attempts"],
                        line["latency_ms"],
                    )
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self.damaged += 1
                logger.warning("%s: line %d is damaged and skipped (%s)", self.path, number, error)
                continue
            if schema != SCHEMA:
                raise JudgeError(
                    f"{self.path}: line {number} has schema version {schema}, this program reads {SCHEMA}; "
                    "record the replies again with --judge gemini --record FILE"
                )


def _checksum(line: dict[str, Any]) -> str:
    canonical = json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
