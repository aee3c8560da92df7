"""How well a ranking by size answers: precision by interval membership, and the distance outside in mm.

A rule gives the same score to all that lies inside, so ties are the rule: among equal scores every order is as likely,
and a measure is its mean over those orders (McSherry and Najork 2008). A constant model gets what chance gets.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInputError
from .interval import Interval

Scores = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]


def precision_at(scores: Scores, relevant: NDArray[np.bool_], k: int) -> Floats:
    """Precision@k of each query, (Q,) float64: the share of its k best that are relevant; both arrays are (Q, N).

    Raises InvalidInputError as `mean_at`.
    """
    return mean_at(scores, relevant, k)


def distance_at(scores: Scores, intervals: Sequence[Interval], diameters_mm: Floats, k: int) -> Floats:
    """Mean distance in mm of each query's k best outside of its interval, (Q,) float64; 0 where all lie inside."""
    return mean_at(scores, np.stack([interval.distance(diameters_mm) for interval in intervals]), k)


def mean_at(scores: Scores, values: NDArray[Any], k: int) -> Floats:
    """Mean of `values` (Q, N) over the k best by `scores` (Q, N), (Q,) float64; ties as above.

    Raises InvalidInputError for unequal shapes, NaN, or k outside 1 to N.
    """
    if scores.shape != values.shape or not 1 <= k <= scores.shape[1] or np.isnan(scores).any():
        raise InvalidInputError(f"@{k} of scores {scores.shape} and values {values.shape}; expected numbers alike")
    bar = -np.partition(-scores, k - 1, axis=1)[:, k - 1 : k]
    above, tied = scores > bar, scores == bar
    share = (k - above.sum(1, keepdims=True)) / tied.sum(1, keepdims=True)  # of the tied that stand in the k
    means: Floats = ((above + tied * share) * values).sum(1) / k
    return means
