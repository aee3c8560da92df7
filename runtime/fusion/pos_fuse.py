"""Pos-Fuse: a retrieval ranking and a judge's scores become one ranking."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..errors import InvalidInputError
from ..results import FusedItem
from .decays import Scores, position_probabilities
from .settings import PosFuseSettings
from .strategies import COMBINE, judge_side

_DIGITS = 12  # scores that differ only by float rounding count as equal, so retrieval order decides


def pos_fuse(
    retrieval: Sequence[int],
    judged: Mapping[int, float | None],
    settings: PosFuseSettings | None = None,
) -> list[FusedItem]:
    """Every item of `retrieval` (ids, best first) in the fused order, with both sides' parts.

    `judged` gives scores in [0, 1] by id; None, and an id that is absent, mean *unjudged*. The judge's
    rank is by score, equal scores in the order of `judged` in the published variant (its lists are best
    first) and in retrieval order in the corrected one. Equal fused scores keep retrieval order. Without
    any judgement the ranking is retrieval's and each score is its position's probability.

    With the strategies weighted and rrf, `retrieval_part` + `judge_part` is the score; with max and min the
    score is the larger or smaller of the two.

    Source: Pos-Fuse of team H3N1's ENTRep 2025 system (github.com/hein-nkhh/ENTRep-ACMMM25-TRACK-3): not the
    older PosFuse of Lillis et al. that ranx offers, which learns from training queries how probable relevance
    is at each position. In the published form an unjudged item is weighed by retrieval alone, so a rank-1
    item without a reply gets .2975 and beats a rank-2 item that the judge scored .8 (.2552); the corrected
    form gives it the score `settings.prior`, so that both lists are complete. With nothing unjudged and no
    equal scores out of retrieval order the two are the same.

    Raises InvalidInputError for a repeated id, a judged id that was not retrieved, a score outside [0, 1].
    """
    settings = settings or PosFuseSettings()
    _check(retrieval, judged)
    if not retrieval:
        return []
    row_of = {item: row for row, item in enumerate(retrieval)}
    listed = _judge_list(retrieval, judged, settings)

    n = len(retrieval)
    r = position_probabilities(n, settings.decay, settings.decay_rate)
    if not listed:
        return _ranked(retrieval, judged, r, r, np.zeros(n))
    g, ranks = np.full(n, np.nan), np.full(n, np.nan)
    rows = [row_of[item] for item, _ in listed]
    p = position_probabilities(len(listed), settings.decay, settings.decay_rate)
    g[rows] = judge_side(p, np.array([score for _, score in listed]), settings)
    ranks[rows] = np.arange(1, len(listed) + 1)
    return _ranked(retrieval, judged, *COMBINE[settings.strategy](r, g, ranks, settings))


def _judge_list(
    retrieval: Sequence[int], judged: Mapping[int, float | None], settings: PosFuseSettings
) -> list[tuple[int, float]]:
    # best first; Python's sort is stable, so the order before it settles equal scores
    known = [(item, score) for item, score in judged.items() if score is not None]
    if known and settings.variant == "corrected":
        scores = dict(known)
        known = [(item, scores.get(item, settings.prior)) for item in retrieval]
    return sorted(known, key=lambda pair: -pair[1])


def _ranked(
    retrieval: Sequence[int],
    judged: Mapping[int, float | None],
    score: Scores,
    retrieval_part: Scores,
    judge_part: Scores,
) -> list[FusedItem]:
    rows = sorted(range(len(retrieval)), key=lambda row: (-round(float(score[row]), _DIGITS), row))
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


def _check(retrieval: Sequence[int], judged: Mapping[int, float | None]) -> None:
    if len(set(retrieval)) != len(retrieval):
        raise InvalidInputError(f"the ranking {list(retrieval)} repeats an item; expected distinct ids")
    strangers = sorted(set(judged) - set(retrieval))
    if strangers:
        raise InvalidInputError(f"items {strangers} are judged but not retrieved; judge the retrieved ones")
    for item, score in judged.items():
        if score is not None and not 0 <= score <= 1:  # also refuses NaN
            raise InvalidInputError(f"item {item} has the judge's score {score}; expected 0 to 1, or None")
