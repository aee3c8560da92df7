"""Pos-Fuse: a retrieval ranking and a judge's scores become one ranking."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..errors import InvalidInputError
from ..results import FusedItem
from .decays import position_probabilities
from .ranking import check_inputs, ranked
from .settings import PosFuseSettings
from .strategies import COMBINE, judge_side


def pos_fuse(
    retrieval: Sequence[int],
    judged: Mapping[int, float | None],
    settings: PosFuseSettings | None = None,
    *,
    agreement: float | None = None,
) -> list[FusedItem]:
    """Every item of `retrieval` (ids, best first) in the fused order, with both sides' parts.

    `judged` gives scores in [0, 1] by id; None, and an id that is absent, mean *unjudged*. The judge's
    rank is by score, equal scores in the order of `judged` in the published variant (its lists are best
    first) and in retrieval order in the corrected one. Equal fused scores keep retrieval order. Without
    any judgement the ranking is retrieval's and each score is its position's probability.

    `agreement`, 0 to 1, is how far the folds agree on retrieval's first; with `settings.agreement` it multiplies
    retrieval's weight, so that a divided ensemble gives way to the judge.

    With the strategies weighted and rrf, `retrieval_part` + `judge_part` is the score; with max and min the
    score is the larger or smaller of the two.

    Source: Pos-Fuse of team H3N1's ENTRep 2025 system (github.com/hein-nkhh/ENTRep-ACMMM25-TRACK-3): not the
    older PosFuse of Lillis et al. that ranx offers, which learns from training queries how probable relevance
    is at each position. In the published form an unjudged item is weighed by retrieval alone, so a rank-1
    item without a reply gets .2975 and beats a rank-2 item that the judge scored .8 (.2552); the corrected
    form gives it the score `settings.prior`, so that both lists are complete. With nothing unjudged and no
    equal scores out of retrieval order the two are the same.

    Raises InvalidInputError for a repeated id, a judged id that was not retrieved, a score outside [0, 1], and
    where `settings.agreement` has no agreement to weigh by.
    """
    settings = settings or PosFuseSettings()
    check_inputs(retrieval, judged)
    if not retrieval:
        return []
    row_of = {item: row for row, item in enumerate(retrieval)}
    settings = _weighed(settings, agreement)
    listed = _judge_list(retrieval, judged, settings)

    n = len(retrieval)
    r = position_probabilities(n, settings.decay, settings.decay_rate)
    if not listed:
        return ranked(retrieval, judged, r, r, np.zeros(n))
    g, ranks = np.full(n, np.nan), np.full(n, np.nan)
    rows = [row_of[item] for item, _ in listed]
    p = position_probabilities(len(listed), settings.decay, settings.decay_rate)
    g[rows] = judge_side(p, np.array([score for _, score in listed]), settings)
    ranks[rows] = np.arange(1, len(listed) + 1)
    return ranked(retrieval, judged, *COMBINE[settings.strategy](r, g, ranks, settings))


def _weighed(settings: PosFuseSettings, agreement: float | None) -> PosFuseSettings:
    if not settings.agreement:
        return settings
    if agreement is None or not 0 <= agreement <= 1:
        raise InvalidInputError(
            f"Pos-Fuse is to weigh by the folds' agreement, which is {agreement}; "
            "give fold cosines (agreement 0 to 1), or settings with agreement=False"
        )
    weight = settings.retrieval_weight * agreement
    # with the judge's weight at 0 there is nothing to give way to
    return replace(settings, retrieval_weight=weight) if settings.judge_weight > 0 else settings


def _judge_list(
    retrieval: Sequence[int], judged: Mapping[int, float | None], settings: PosFuseSettings
) -> list[tuple[int, float]]:
    # best first; Python's sort is stable, so the order before it settles equal scores
    known = [(item, score) for item, score in judged.items() if score is not None]
    if known and settings.variant == "corrected":
        scores = dict(known)
        known = [(item, scores.get(item, settings.prior)) for item in retrieval]
    return sorted(known, key=lambda pair: -pair[1])
