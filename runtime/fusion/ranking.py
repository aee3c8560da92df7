"""From scores to one ranking, and the inputs that every fusion refuses."""

from collections.abc import Mapping, Sequence

from ..errors import InvalidInputError
from ..results import FusedItem
from .decays import Scores

_DIGITS = 12  # scores that differ only by float rounding count as equal, so retrieval order decides


def ranked(
    retrieval: Sequence[int],
    judged: Mapping[int, float | None],
    score: Scores,
    retrieval_part: Scores,
    judge_part: Scores,
    *,
    keep_order: bool = False,
) -> list[FusedItem]:
    """The items of `retrieval` (n ids, best first) by `score` (n,), highest first; equal scores keep their order.

    `retrieval_part` and `judge_part` (n,) say where each score comes from. `keep_order` leaves retrieval's order
    whatever the scores.
    """
    rows = list(range(len(retrieval)))
    if not keep_order:
        rows.sort(key=lambda row: -round(float(score[row]), _DIGITS))  # stable
    return [
        FusedItem(
            item_id=retrieval[row],
            rank=rank,
            score=float(score[row]),
            retrieval_rank=row + 1,
            retrieval_part=float(retrieval_part[row]),
            judge_part=float(judge_part[row]),
            judge_score=judged.get(retrieval[row]),
            rank_change=row + 1 - rank,
        )
        for rank, row in enumerate(rows, start=1)
    ]


def check_inputs(retrieval: Sequence[int], judged: Mapping[int, float | None]) -> None:
    """Raises InvalidInputError for a repeated id, a judged id that was not retrieved, a score outside [0, 1]."""
    if len(set(retrieval)) != len(retrieval):
        raise InvalidInputError(f"the ranking {list(retrieval)} repeats an item; expected distinct ids")
    strangers = sorted(set(judged) - set(retrieval))
    if strangers:
        raise InvalidInputError(f"items {strangers} are judged but not retrieved; judge the retrieved ones")
    for item, score in judged.items():
        if score is not None and not 0 <= score <= 1:  # also refuses NaN
            raise InvalidInputError(f"item {item} has the judge's score {score}; expected 0 to 1, or None")
