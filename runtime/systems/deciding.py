"""What follows the fusion: ties that the judge breaks, how sure the answer is, and what captions have to do with it."""

from dataclasses import replace
from typing import Protocol, runtime_checkable

from ..confidence import signals
from ..errors import InvalidInputError
from ..fusion import Retrieved
from ..fusion.tuned import TUNE_COMMAND, Tuned
from ..judge import ImageReader
from ..judge.pairwise import Preference, break_ties
from ..results import Candidate, Query, SearchResult


@runtime_checkable
class Comparer(Protocol):
    """A judge that can also compare two candidates."""

    def compare(self, query: Query, high: Candidate, low: Candidate, images: ImageReader) -> Preference:
        """Which of the two shows the query better, and what asking cost."""


def check_ties(judge: object, margin: float) -> Comparer:
    """`judge`; raises InvalidInputError where it cannot compare pictures, or for a negative margin."""
    if not margin >= 0:
        raise InvalidInputError(f"the tie margin is {margin}; expected a difference of fused scores, at least 0")
    if not isinstance(judge, Comparer):
        raise InvalidInputError(
            "ties can be broken by gemini, openai or a replay of theirs, not by "
            f"{getattr(judge, 'name', None) or 'no judge'}; leave --tie-margin out, or choose one of these judges"
        )
    return judge


def ties_broken(result: SearchResult, judge: object, images: ImageReader, margin: float) -> SearchResult:
    """`result` with neighbours of the ranking within `margin` compared by the judge.

    Raises InvalidInputError as `check_ties` does.
    """
    comparer = check_ties(judge, margin)
    by_id = {candidate.item_id: candidate for candidate in result.candidates}
    asked: list[Preference] = []

    def compare(high: int, low: int) -> float | None:
        asked.append(comparer.compare(result.query, by_id[high], by_id[low], images))
        return asked[-1].won

    ranking = break_ties(result.ranking, compare, margin)
    cost = dict(result.cost)
    for name, spent in (("judge_calls", "attempts"), ("input_tokens",) * 2, ("output_tokens",) * 2, ("usd",) * 2):
        cost[name] = cost.get(name, 0.0) + sum(getattr(preference, spent) for preference in asked)
    return replace(result, ranking=ranking, cost=cost)


def check_confidence(tuned: Tuned | None, threshold: float | None) -> None:
    """Raises InvalidInputError for a threshold that is no probability, or without a calibration."""
    if threshold is None:
        return
    if tuned is None or tuned.confidence is None:
        raise InvalidInputError(
            "a least confidence needs a calibration: give --fusion FILE, a tuned fusion with one, made by "
            f"`{TUNE_COMMAND}`"
        )
    if not 0 <= threshold <= 1:
        raise InvalidInputError(f"the least confidence is {threshold}; expected a probability, 0 to 1")


def with_confidence(result: SearchResult, tuned: Tuned | None, threshold: float | None) -> SearchResult:
    """`result` with the calibrated probability that its first item is relevant, where `tuned` has one.

    `no_match` is set below `threshold`, and where nothing was found. Raises as `check_confidence` does.
    """
    check_confidence(tuned, threshold)
    model = tuned.confidence if tuned else None
    if model is None:
        return replace(result, confidence=None, no_match=False)
    if not result.ranking:
        return replace(result, confidence=None, no_match=threshold is not None)
    judged = {j.item_id: j.score for j in result.judgements}
    found = signals(Retrieved.of(result.candidates), judged, result.ranking[0].item_id)
    confidence = model.probability(found)
    return replace(result, confidence=confidence, no_match=threshold is not None and confidence < threshold)


def explained(result: SearchResult) -> SearchResult:
    """`result` with what the ENT knowledge makes of each caption: what agrees with the query, what differs."""
    from ..knowledge import load_knowledge  # noqa: PLC0415 - read only where it is asked for

    text, knowledge = result.query.text, load_knowledge()
    if not text:
        return result
    told = {c.item_id: knowledge.explain(text, c.caption) for c in result.candidates if c.caption}
    return replace(result, knowledge={item: sentences for item, sentences in told.items() if sentences})
