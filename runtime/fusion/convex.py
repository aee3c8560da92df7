"""Convex combination: calibrated retrieval and calibrated judge, weighed against each other."""

from collections.abc import Mapping

import numpy as np

from ..results import FusedItem
from .ranking import check_inputs, ranked
from .retrieved import Retrieved
from .settings import ConvexSettings


def convex(retrieved: Retrieved, judged: Mapping[int, float | None], settings: ConvexSettings) -> list[FusedItem]:
    """Every item in the fused order: (1 − w) · P(similarity) + w · P(judge's score), w = `judge_weight`.

    Both P are calibrated probabilities of relevance. An unjudged item (None or absent) has the probability `prior`
    on the judge's side. Without any judgement the ranking is retrieval's and each score P(similarity).
    `retrieval_part` + `judge_part` is the score; equal scores keep retrieval order.

    Source: Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", ACM TOIS 2023: tuned from
    few labels, a convex combination does better than reciprocal ranks. Raises InvalidInputError as `pos_fuse` does.
    """
    check_inputs(retrieved.ids, judged)
    if not retrieved.ids:
        return []
    scores = [judged.get(item) for item in retrieved.ids]
    by_similarity = settings.retrieval(retrieved.similarities)
    if all(score is None for score in scores):
        nothing = np.zeros(len(scores))
        return ranked(retrieved.ids, judged, by_similarity, by_similarity, nothing, keep_order=True)
    missing = np.array([score is None for score in scores])
    by_judge = settings.judge(np.array([0.0 if score is None else score for score in scores]))
    by_judge = np.where(missing, settings.prior, by_judge)
    retrieval_part = (1 - settings.judge_weight) * by_similarity
    judge_part = settings.judge_weight * by_judge
    return ranked(retrieved.ids, judged, retrieval_part + judge_part, retrieval_part, judge_part)
