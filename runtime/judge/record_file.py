"""A record as a text file to commit or to send: JSON Lines, a checksum a line, redacted where asked."""

import base64
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import JudgeError
from ..files import write_text
from .record import FIELDS, SCHEMA, RecordedReply, Replies, row_sha256
from .request import ReplyKey

logger = logging.getLogger(__name__)


def export_record(record: Replies, path: Path, *, redact: bool = False) -> int:
    """Writes every reply of `record` to `path`; returns how many.

    `redact` leaves out the words: the query's text, the rationale and the body. Scores, hashes, tokens, prices and
    times stay, so that a replay gives the same scores to whoever has the same query and pictures.
    """
    lines = []
    for reply in record.all():
        row = (redacted(reply) if redact else reply).to_row()
        body = row["reply"]
        line = row | {"reply": None if body is None else base64.b64encode(body).decode("ascii")}
        line |= {"schema": SCHEMA, "row_sha256": row_sha256(row)}
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    write_text(path, "".join(lines))
    return len(lines)


def redacted(reply: RecordedReply) -> RecordedReply:
    """`reply` without words; found by the key that it had with them."""
    key = replace(reply.key, query_text=None)
    return replace(
        reply,
        key=key,
        body=None,
        rationale="",
        problem="the reply had no usable score (redacted)" if reply.problem else "",
        redacted_key=reply.key_sha256,
    )


class RecordFile:
    """An exported record, to replay from. Damaged lines are skipped, counted in `damaged`, and logged."""

    def __init__(self, path: Path) -> None:
        """Reads `path`; raises JudgeError for another schema version."""
        self.name = path.name
        self.damaged = 0
        self._replies: list[RecordedReply] = []
        # not splitlines: a text may hold U+2028
        for number, raw in enumerate(path.read_bytes().split(b"\n"), start=1):
            if raw.strip():
                self._read(path, number, raw)
        self._found = {reply.key_sha256: reply for reply in self._replies}

    def find(self, key: ReplyKey) -> RecordedReply | None:
        """The latest reply for `key`, or None."""
        return self._found.get(key.sha256)

    def all(self) -> Iterator[RecordedReply]:
        """Every sound reply, in file order."""
        return iter(self._replies)

    def _read(self, path: Path, number: int, raw: bytes) -> None:
        try:
            line: dict[str, Any] = json.loads(raw)
            schema = line["schema"]
            if schema == SCHEMA:
                row = {name: line[name] for name in FIELDS}
                row["reply"] = None if row["reply"] is None else base64.b64decode(row["reply"], validate=True)
                if line["row_sha256"] != row_sha256(row):
                    raise ValueError("the checksum differs")
                self._replies.append(RecordedReply.from_row(row))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.damaged += 1
            logger.warning("%s: line %d is damaged and skipped (%s)", path, number, error)
            return
        if schema != SCHEMA:
            raise JudgeError(
                f"{path}: line {number} has schema version {schema}, this program reads {SCHEMA}; "
                "export the record again with `python -m runtime record`"
            )
