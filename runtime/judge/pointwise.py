"""Pointwise judging: a question for each candidate and run, asked side by side, averaged by candidate."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..errors import ImageDecodeError
from ..images import RgbImage
from ..results import Candidate, Judgement, Query
from .protocol import ImageReader

OFFICIAL_ENDPOINT = "generativelanguage.googleapis.com"


@dataclass(frozen=True, eq=False)
class Question:
    """One run of one candidate: the query's text and picture, and the candidate's image file as bytes."""

    text: str | None
    image: RgbImage | None
    candidate_name: str
    candidate: bytes
    run: int

    @property
    def candidate_sha256(self) -> str:
        """Of the file's bytes."""
        return hashlib.sha256(self.candidate).hexdigest()

    @property
    def image_sha256(self) -> str | None:
        """Of the query picture's shape and pixels; None where the query has none."""
        if self.image is None:
            return None
        pixels = np.ascontiguousarray(self.image)
        return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


@dataclass(frozen=True)
class Answer:
    """What one question brought; tokens, time and attempts are those spent now: 0 where it was replayed."""

    score: float | None
    reason: str
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: float = 0.0
    attempts: int = 0
    replayed: bool = False


def describe_model(model: str, endpoint: str) -> str:
    """`model`, and where it answered if that was not Google's own endpoint."""
    return model if endpoint == OFFICIAL_ENDPOINT else f"{model} at {endpoint} (not Google's service)"


def judge_pointwise(
    query: Query,
    candidates: Sequence[Candidate],
    images: ImageReader,
    ask: Callable[[Question], Answer],
    *,
    model: str,
    runs: int,
    concurrency: int,
) -> list[Judgement]:
    """One Judgement per candidate, in order: the mean of its runs; at most `concurrency` asked at once."""
    text = (query.text or "").strip() or None
    if text is None and query.image is None:
        reason = "the query has neither text nor image"
        return [Judgement(c.item_id, None, reason, model, attempts=0) for c in candidates]

    def one(candidate: Candidate, content: bytes, run: int) -> Answer:
        try:
            return ask(Question(text, query.image, candidate.path, content, run))
        except ImageDecodeError as error:
            return _unreadable(error, model)

    with ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="judge") as pool:
        pending: list[list[Answer | Future[Answer]]] = []
        for candidate in candidates:
            try:
                content = images(candidate)  # in the caller's thread: a gallery's connection may be bound to it
            except (OSError, ImageDecodeError) as error:
                pending.append([_unreadable(error, model)])
            else:
                pending.append([pool.submit(one, candidate, content, run) for run in range(runs)])
        answers = [[a if isinstance(a, Answer) else a.result() for a in asked] for asked in pending]
    return [_average(c.item_id, a) for c, a in zip(candidates, answers, strict=True)]


def _unreadable(error: Exception, model: str) -> Answer:
    return Answer(None, f"the candidate's image cannot be read: {error}", model)


def _average(item_id: int, answers: list[Answer]) -> Judgement:
    scored = [answer for answer in answers if answer.score is not None]
    reasons = [answer.reason for answer in (scored or answers)[:1]]
    if scored and len(scored) < len(answers):
        failed = next(answer.reason for answer in answers if answer.score is None)
        reasons.append(f"[mean of {len(scored)} of {len(answers)} runs; one failed: {failed}]")
    return Judgement(
        item_id=item_id,
        score=sum(a.score for a in scored if a.score is not None) / len(scored) if scored else None,
        reason=" ".join(reasons),
        model=(scored or answers)[0].model,
        input_tokens=sum(a.input_tokens for a in answers),
        output_tokens=sum(a.output_tokens for a in answers),
        latency_ms=sum(a.latency_ms for a in answers),
        attempts=sum(a.attempts for a in answers),
        replayed=all(a.replayed for a in answers),
    )
