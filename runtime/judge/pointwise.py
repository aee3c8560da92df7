"""Pointwise judging: a request for each candidate and run, asked side by side, averaged by candidate."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from ..errors import ImageDecodeError
from ..results import Candidate, Judgement
from .asking import Answer
from .request import Picture, Request

Make = Callable[[tuple[Picture, ...], int], Request]
"""Makes the request for pictures, in the order shown, and the number of the run."""
Ask = Callable[[Request], Answer]


def judge_pointwise(
    candidates: Sequence[Candidate],
    pictures: Sequence[Picture | Judgement],
    make: Make,
    ask: Ask,
    *,
    runs: int,
    concurrency: int,
) -> list[Judgement]:
    """One Judgement per candidate, in order: the mean of its runs. A Judgement among `pictures` is kept as it is."""
    with ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="judge") as pool:
        asked: list[list[Future[Answer]]] = [
            [] if isinstance(p, Judgement) else [pool.submit(_ask_one, make, ask, p, run) for run in range(runs)]
            for p in pictures
        ]
        answers = [[future.result() for future in futures] for futures in asked]
    return [
        picture if isinstance(picture, Judgement) else average(c.item_id, [_first(a) for a in found])
        for c, picture, found in zip(candidates, pictures, answers, strict=True)
    ]


def _ask_one(make: Make, ask: Ask, picture: Picture, run: int) -> Answer:
    try:
        return ask(make((picture,), run))
    except ImageDecodeError as error:
        return Answer((None,), (f"the candidate's image cannot be read: {error}",), "")


def _first(answer: Answer) -> tuple[float | None, str, Answer]:
    return answer.scores[0], answer.reasons[0], answer


def average(item_id: int, told: Sequence[tuple[float | None, str, Answer]], *, note: str = "") -> Judgement:
    """One candidate's Judgement from what its calls said: (score, reason, answer) each; costs are added."""
    scored = [score for score, _, _ in told if score is not None]
    reasons = [reason for score, reason, _ in told if (score is not None) == bool(scored)][:1]
    if scored and len(scored) < len(told):
        failed = next(reason for score, reason, _ in told if score is None)
        reasons.append(f"[mean of {len(scored)} of {len(told)} runs; one failed: {failed}]")
    answers = [answer for _, _, answer in told]
    prices = [answer.price_usd for answer in answers]
    return Judgement(
        item_id=item_id,
        score=sum(scored) / len(scored) if scored else None,
        reason=" ".join([*reasons, note] if note else reasons),
        model=next((a.model for score, _, a in told if (score is not None) == bool(scored)), ""),
        input_tokens=sum(a.input_tokens for a in answers),
        output_tokens=sum(a.output_tokens for a in answers),
        price_usd=None if None in prices else sum(p for p in prices if p is not None),
        latency_ms=sum(a.latency_ms for a in answers),
        attempts=sum(a.attempts for a in answers),
        replayed=all(a.replayed for a in answers),
    )
