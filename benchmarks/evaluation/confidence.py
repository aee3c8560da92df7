"""Fits of the confidence model: how probable it is that the first of a final order is relevant."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from runtime.confidence import SIGNALS, ConfidenceModel

from .calibrate import log_odds
from .fused_orders import Orders, Rows, Scores
from .group_folds import group_folds
from .trials import Trials
from .tuning import joined_rows


def signal_table(trials: Trials, scores: Scores, orders: Orders) -> Scores:
    """(Q, 6) float64 in the order of `runtime.confidence.SIGNALS`: each query's, about the first of its order.

    `scores` (Q, k) are the judge's, NaN unjudged; `orders` (Q, k) final positions. Equal to
    `runtime.confidence.signals` query by query.
    """
    top = trials.top(scores.shape[1])
    rows, first = np.arange(len(top)), orders[:, 0]
    similarities = np.take_along_axis(trials.similarities, top, 1).astype(np.float64)
    cosines = trials.picked(top)  # (Q, k, K)
    own = similarities[rows, first]
    others = similarities.copy()
    others[rows, first] = -np.inf
    score = scores[rows, first]
    return np.stack(
        [
            own,
            own - others.max(1) if top.shape[1] > 1 else np.zeros(len(top)),
            np.mean(cosines.argmax(1) == first[:, None], axis=1),
            np.std(cosines[rows, first], axis=1, dtype=np.float64),
            np.nan_to_num(score),
            ~np.isnan(score),
        ],
        axis=1,
    )


def first_is_relevant(trials: Trials, orders: Orders) -> Rows:
    """(Q,) bool: whether the first of each final order is relevant."""
    top = trials.top(orders.shape[1])
    rows = np.arange(len(top))
    return trials.relevant[rows, top[rows, orders[:, 0]]]


def fit_confidence(
    trials: Sequence[Trials],
    scores: Sequence[Scores],
    orders: Sequence[Orders],
    rows: Sequence[NDArray[np.generic]] | None = None,
) -> ConfidenceModel:
    """A logistic regression over the signals, fitted on the queries in `rows` (all: None) of the trial sets together.

    `scores` and final `orders` are (Q, k), one array a trial set; let the orders be out of fold. Where every first
    hit is relevant, or none, the probability is the smoothed share for every query.
    """
    values, labels = _joined(trials, scores, orders)
    chosen = joined_rows(trials, rows)
    return _fit(values[chosen], labels[chosen])


def confidence_out_of_fold(
    trials: Sequence[Trials], scores: Sequence[Scores], orders: Sequence[Orders], splits: int = 5
) -> list[Scores]:
    """(Q,) probabilities, one array a trial set: each query's by a model that its group had no part in."""
    values, labels = _joined(trials, scores, orders)
    probabilities = np.empty(len(labels))
    for out in group_folds([group for one in trials for group in one.groups], splits):
        model = _fit(values[~out], labels[~out])
        for row in np.flatnonzero(out):
            probabilities[row] = model.probability(dict(zip(SIGNALS, values[row].tolist(), strict=True)))
    return np.split(probabilities, np.cumsum([len(one.texts) for one in trials])[:-1])


def _joined(
    trials: Sequence[Trials], scores: Sequence[Scores], orders: Sequence[Orders]
) -> tuple[Scores, NDArray[np.bool_]]:
    parts = list(zip(trials, scores, orders, strict=True))
    values = np.concatenate([signal_table(*part) for part in parts])
    return values, np.concatenate([first_is_relevant(one, order) for one, _, order in parts])


def _fit(values: Scores, labels: NDArray[np.bool_]) -> ConfidenceModel:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  of the training environment

    mean, spread = values.mean(0), values.std(0)
    scale = np.where(spread > 1e-9, spread, 1.0)  # a signal that never changes gets the weight 0
    weights, intercept = np.zeros(len(SIGNALS)), log_odds(labels)
    if labels.any() and not labels.all():
        model = LogisticRegression().fit(np.where(spread > 1e-9, (values - mean) / scale, 0.0), labels)
        weights, intercept = model.coef_[0], float(model.intercept_[0])
    lists = (tuple(numbers.tolist()) for numbers in (mean, scale, weights))
    return ConfidenceModel(SIGNALS, *lists, intercept)
