"""Replay: recorded replies answer again, offline, byte for byte."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import InvalidInputError, JudgeError
from .asking import Asker, describe_model
from .protocol import Judge
from .published import PublishedScoresJudge
from .record import RecordedReply, Replies, ReplyRecord
from .record_file import RecordFile
from .settings import DEFAULT_MODEL, MODES, REPLAYED, JudgeSettings
from .vision import VisionJudge

_SQLITE = b"SQLite format 3\x00"


class ReplayJudge(VisionJudge):
    """Answers from recorded replies alone; needs no key, no network and no client.

    The settings must be those of the recording (model, mode, prompt, picture size, temperature, knowledge); None
    takes model, mode, runs and prompt from the record. What is not recorded is unjudged, or ReplayMissError where
    `strict`.
    """

    def __init__(
        self,
        replies: Replies,
        settings: JudgeSettings | None = None,
        *,
        model: str | None = None,
        mode: str | None = None,
        strict: bool = False,
    ) -> None:
        """`model` and `mode` choose where `settings` is None; raises JudgeError where a choice is left."""
        recorded = list(replies.all())
        chosen = settings or settings_of(recorded, replies.name, model=model, mode=mode)
        # one thread: there is nothing to wait for
        super().__init__(Asker(replace(chosen, concurrency=1), replies=replies, strict=strict))
        mine = [r for r in recorded if r.key.model == chosen.model]
        self._sources = sorted({describe_model(chosen.model, r.wire, r.endpoint) for r in mine})

    @property
    def name(self) -> str:
        """Names the recorded model, and the endpoint where that was not its maker's."""
        return f"replay of {' and '.join(self._sources) or self._settings.model}"


def open_replay(path: Path, *, model: str | None = None, mode: str | None = None, strict: bool = False) -> Judge:
    """The judge that a file holds: a record (SQLite), an exported one (JSON Lines), or a published scores file (JSON).

    `model` and `mode` choose among those of a record; the rest of the settings is then the record's.

    Raises JudgeError where there is no file, InvalidInputError where it is none of these.
    """
    if not path.is_file():
        raise JudgeError(f"no record of replies at {path}; make one with --judge gemini --record {path}")
    with path.open("rb") as stream:
        start = stream.read(4096)
    if start.startswith(_SQLITE) or not start:
        replies: Replies = ReplyRecord(path, must_exist=True)
    elif b'"key_sha256"' in start.split(b"\n")[0]:
        replies = RecordFile(path)
    else:
        return PublishedScoresJudge(path)
    return ReplayJudge(replies, model=model, mode=mode, strict=strict)


def settings_of(
    replies: Sequence[RecordedReply], name: str, *, model: str | None = None, mode: str | None = None
) -> JudgeSettings:
    """The settings that `replies` were recorded with, the latest where a record holds several.

    Raises JudgeError where several models or modes leave a choice, InvalidInputError where none fits it.
    """
    scored = [r for r in replies if r.key.mode in MODES]
    mine = [r for r in scored if model in {None, r.key.model} and mode in {None, r.key.mode}]
    for option, found in (
        ("--judge-model", {r.key.model for r in mine}),
        ("--judge-mode", {r.key.mode for r in mine}),
    ):
        if len(found) > 1:
            raise JudgeError(f"{name} holds replies of {', '.join(sorted(found))}; choose one with {option}")
    if not mine:
        if scored:
            raise InvalidInputError(f"{name} holds no reply of {model or 'any model'} in mode {mode or 'any'}")
        return JudgeSettings(model=model or DEFAULT_MODEL, mode=mode or MODES[0])
    last, orders = mine[-1], 1 + max(r.key.run for r in mine)
    prompt = last.prompt if last.key.mode == "pointwise" else ""
    shape = {key: value for key, value in json.loads(last.settings).items() if key in REPLAYED}
    return JudgeSettings(model=last.key.model, mode=last.key.mode, prompt=prompt, runs=orders, shuffles=orders, **shape)
