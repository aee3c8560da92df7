"""The Gemini judge: sends the query and each candidate's picture to Google's service and asks for a score."""

import os
from collections.abc import Mapping, Sequence
from typing import Self

from ..errors import JudgeNotEnabledError
from ..results import Candidate, Judgement, Query
from .gemini_client import GeminiClient, RequestFailedError
from .pointwise import Answer, Question, describe_model, judge_pointwise
from .protocol import ImageReader
from .record import RecordedReply, ReplyKey, ReplyRecord
from .reply import read_reply
from .settings import GeminiSettings

KEY_VARIABLES = ("GEMINI_API_KEY", "GOOGLE_API_KEY")


class GeminiJudge:
    """Scores each candidate with a Gemini model; needs a key in the environment and the user's consent.

    With a `record`, a question whose recorded reply has a usable score is not asked again, and every new
    reply is appended to it. Use as a context manager, or call `close`.
    """

    def __init__(
        self,
        settings: GeminiSettings | None = None,
        *,
        enabled: bool = False,
        record: ReplyRecord | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Raises JudgeNotEnabledError unless `enabled` and a key is set in `environ`."""
        self._settings = settings or GeminiSettings()
        self._record = record
        self._client = GeminiClient(self._settings, _key(enabled, environ))
        self._request_sha256 = self._settings.request_sha256

    @property
    def name(self) -> str:
        """The model, and the endpoint where that is not Google's."""
        return describe_model(self._settings.model, self._client.endpoint)

    def judge(self, query: Query, candidates: Sequence[Candidate], images: ImageReader) -> list[Judgement]:
        """One Judgement per candidate, in the same order; what the service fails on is unjudged."""
        return judge_pointwise(
            query,
            candidates,
            images,
            self._ask,
            model=self.name,
            runs=self._settings.runs,
            concurrency=self._settings.concurrency,
        )

    def _ask(self, question: Question) -> Answer:
        key = reply_key(question, self._settings.model, self._request_sha256)
        known = self._record.find(key) if self._record else None
        if known:
            answer = replayed_answer(known, self._settings.model)
            if answer.score is not None:
                return answer
        try:
            reply = self._client.ask(question)
        except RequestFailedError as error:
            return Answer(None, str(error), self.name, latency_ms=error.latency_ms, attempts=error.attempts)
        if self._record is not None:
            self._record.append(key, reply)
        verdict = read_reply(reply.body)
        return Answer(
            verdict.score,
            verdict.reason,
            self.name,
            verdict.input_tokens,
            verdict.output_tokens,
            reply.latency_ms,
            reply.attempts,
        )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def reply_key(question: Question, model: str, request_sha256: str) -> ReplyKey:
    """The record's key of `question`."""
    return ReplyKey(
        question.text,
        question.image_sha256,
        question.candidate_sha256,
        request_sha256,
        model,
        question.run,
    )


def replayed_answer(reply: RecordedReply, model: str) -> Answer:
    """The answer in a recorded reply; it costs nothing now."""
    verdict = read_reply(reply.body)
    return Answer(verdict.score, verdict.reason, describe_model(model, reply.endpoint), replayed=True)


def _key(enabled: bool, environ: Mapping[str, str]) -> str:
    if not enabled:
        raise JudgeNotEnabledError(
            "the Gemini judge sends the query and the candidates' images to Google's service: medical images "
            "leave this machine; switch it on with --allow-upload, or use --judge local"
        )
    key = next((environ[name].strip() for name in KEY_VARIABLES if environ.get(name, "").strip()), "")
    if not key:
        raise JudgeNotEnabledError(
            f"the Gemini judge needs an API key and neither {' nor '.join(KEY_VARIABLES)} is set; "
            "set one, or use --judge local"
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        # the transport's own error would quote the key
        raise JudgeNotEnabledError(
            "the API key in the environment has characters that no key has (spaces, control or non-ASCII "
            "characters); copy it again"
        )
    return key
