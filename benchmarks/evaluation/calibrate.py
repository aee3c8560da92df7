"""Fits of calibrations and of the convex combination that uses them; scikit-learn fits, the runtime only applies."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from runtime.errors import InvalidInputError
from runtime.fusion import Calibration, ConvexSettings

from .fused_orders import Scores, Shown, orders_of
from .group_folds import group_folds

WEIGHTS = tuple(i / 20 for i in (10, 11, 9, 12, 8, 13, 7, 14, 6, 15, 5, 16, 4, 17, 3, 18, 2, 19, 1, 20, 0))
SPLITS = 5
ISOTONIC_PAIRS = 1000  # with fewer, isotonic regression overfits (Niculescu-Mizil and Caruana, ICML 2005)
STRENGTH = 100.0  # C of scikit-learn over standardised scores: weak, yet finite where scores separate perfectly


def convex_settings(shown: Shown) -> ConvexSettings:
    """Calibrations fitted on every shown pair of query and item, and the weight with the highest MRR.

    Kind and weight are those with the highest MRR over folds of the groups of `shown`, each fold fused by
    calibrations of the others: on its own queries the more flexible kind would always win. Platt and, from 1 000
    judged pairs, isotonic calibrations are tried; of equal ones Platt and the weight nearest a half win. The prior is
    the share of relevant items among the unjudged ones, or among all where none is. Raises InvalidInputError where
    all or none of the shown items are relevant: there is nothing to learn.
    """
    if shown.relevant.all() or not shown.relevant.any():
        raise InvalidInputError("the shown items are all relevant, or none is: no fusion can be tuned on them")
    judged = ~np.isnan(shown.scores)
    if not judged.any():
        return replace(_calibrated(shown, "platt"), judge_weight=0.0)
    kinds = ("platt", "isotonic") if judged.sum() >= ISOTONIC_PAIRS else ("platt",)
    splits = min(SPLITS, len(np.unique(shown.groups)))
    masks = group_folds(shown.groups, splits) if splits > 1 else [np.ones(len(shown.groups), bool)]
    gains = np.zeros((len(kinds), len(WEIGHTS)))
    for out in masks:
        rest = shown.at(~out) if splits > 1 else shown
        part = shown.at(out)
        for row, kind in enumerate(kinds):
            sides = _calibrated(rest, kind)
            orders = (orders_of(part, replace(sides, judge_weight=weight)) for weight in WEIGHTS)
            gains[row] += [part.reciprocal_ranks(order).sum() for order in orders]
    kind, weight = np.unravel_index(np.round(gains, 9).argmax(), gains.shape)
    return replace(_calibrated(shown, kinds[kind]), judge_weight=WEIGHTS[weight])


def _calibrated(shown: Shown, kind: str) -> ConvexSettings:
    relevant, judged = shown.relevant.ravel(), ~np.isnan(shown.scores).ravel()
    similarities, scores = shown.similarities.ravel(), shown.scores.ravel()[judged]
    unjudged = relevant[~judged] if not judged.all() else relevant
    prior = float((unjudged.sum() + 1) / (unjudged.size + 2))  # of few items, too, strictly between 0 and 1
    if kind == "isotonic":
        retrieval, judge = isotonic(similarities, relevant), isotonic(scores, relevant[judged])
    else:
        retrieval, judge = platt(similarities, relevant, rising=True), platt(scores, relevant[judged])
    return ConvexSettings(retrieval=retrieval, judge=judge, prior=prior)


def platt(scores: Scores, relevant: NDArray[np.bool_], *, rising: bool = False) -> Calibration:
    """Logistic regression of `relevant` (n,) on `scores` (n,), as slope and intercept on the scores' own scale.

    With `rising` a slope below 0 becomes 0. Where all or none are relevant, or all scores are equal, the probability
    is the share of relevant ones for every score.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  of the training environment

    if relevant.all() or not relevant.any():  # as where there are no scores
        return Calibration("platt", 0.0, log_odds(relevant))
    mean, spread = float(scores.mean()), float(scores.std())
    slope, intercept = 0.0, 0.0
    if spread > 0:
        model = LogisticRegression(C=STRENGTH).fit(((scores - mean) / spread)[:, None], relevant)
        slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope == 0 or (rising and slope < 0):
        return Calibration("platt", 0.0, log_odds(relevant))
    return Calibration("platt", slope / spread, intercept - slope * mean / spread)


def isotonic(scores: Scores, relevant: NDArray[np.bool_]) -> Calibration:
    """Isotonic regression of `relevant` (n,) on `scores` (n,), never falling; the identity for no scores."""
    if not scores.size:
        return Calibration()
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415

    model = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(scores, relevant.astype(np.float64))
    y = np.clip(np.maximum.accumulate(model.y_thresholds_), 0.0, 1.0)  # rounding must not make it fall
    return Calibration("isotonic", x=tuple(model.X_thresholds_.tolist()), y=tuple(y.tolist()))


def log_odds(labels: NDArray[np.bool_] | Sequence[bool]) -> float:
    """The log odds of True, with one of each kind added, so that it is finite."""
    true = float(np.sum(labels)) + 1
    return float(np.log(true / (len(labels) + 2 - true)))
