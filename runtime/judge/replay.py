"""Replay: recorded replies answer again, offline, byte for byte."""

from collections.abc import Sequence
from pathlib import Path

from ..errors import JudgeError, ReplayMissError
from ..results import Candidate, Judgement, Query
from .gemini import replayed_answer, reply_key
from .pointwise import Answer, Question, describe_model, judge_pointwise
from .protocol import ImageReader, Judge
from .published import PublishedScoresJudge
from .record import ReplyRecord
from .settings import GeminiSettings


class ReplayJudge:
    """Answers from a `ReplyRecord` alone; needs no key, no network and no client.

    The settings must be those of the recording (model, prompt, picture size, temperature); None takes
    model and runs from the record. What is not recorded is unjudged, or ReplayMissError where `strict`.
    """

    def __init__(self, record: ReplyRecord, settings: GeminiSettings | None = None, *, strict: bool = False) -> None:
        """Raises JudgeError where the record holds several models and `settings` does not choose one."""
        self._record = record
        self._settings = settings or _settings_of(record)
        self._request_sha256 = self._settings.request_sha256
        self._strict = strict
        replies = [record.find(key) for key in record.keys if key.model == self._settings.model]
        self._sources = sorted({describe_model(self._settings.model, r.endpoint) for r in replies if r})

    @property
    def name(self) -> str:
        """Names the recorded model, and the endpoint where that was not Google's."""
        return f"replay of {' and '.join(self._sources) or self._settings.model}"

    def judge(self, query: Query, candidates: Sequence[Candidate], images: ImageReader) -> list[Judgement]:
        """One Judgement per candidate, in the same order; `images` is read for the files' hashes only."""
        return judge_pointwise(
            query, candidates, images, self._ask, model=self.name, runs=self._settings.runs, concurrency=1
        )

    def _ask(self, question: Question) -> Answer:
        reply = self._record.find(reply_key(question, self._settings.model, self._request_sha256))
        if reply:
            return replayed_answer(reply, self._settings.model)
        missing = (
            f"{self._record.path.name} has no reply of {self._settings.model} "
            f"for this query and image (run {question.run + 1})"
        )
        if self._strict:
            raise ReplayMissError(
                f"{missing}: {question.text or 'image query'!r}, {question.candidate_name}; "
                "record it with --judge gemini --record FILE"
            )
        return Answer(None, missing, self.name, replayed=True)


def open_replay(
    path: Path, settings: GeminiSettings | None = None, *, model: str | None = None, strict: bool = False
) -> Judge:
    """The judge that a file holds: a record of replies (JSON Lines), or a published scores file (JSON).

    `model` chooses among the models of a record; the number of runs is then the record's.

    Raises JudgeError where there is no file, InvalidInputError where it is neither.
    """
    if path.is_file():
        with path.open("rb") as stream:
            start = stream.read(4096).lstrip()
        if start and not start.startswith(b'{"schema"'):
            return PublishedScoresJudge(path)
    record = ReplyRecord(path, must_exist=True)
    if settings is None and model is not None:
        settings = _settings_of(record, model)
    return ReplayJudge(record, settings, strict=strict)


def _settings_of(record: ReplyRecord, model: str | None = None) -> GeminiSettings:
    models = [model] if model else sorted({key.model for key in record.keys})
    if len(models) > 1:
        raise JudgeError(f"{record.path} holds replies of {', '.join(models)}; choose one with --judge-model")
    runs = 1 + max((key.run for key in record.keys if key.model in models), default=0)
    return GeminiSettings(model=models[0] if models else GeminiSettings.model, runs=runs)
