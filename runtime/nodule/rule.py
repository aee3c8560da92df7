"""The graded rule score: how well a measured diameter answers the interval that was asked for."""

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInputError
from .interval import Interval

Floats = NDArray[np.float64]

HALF_MM = 2.0  # readers of one nodule differ by 2.2 mm in the mean (LIDC-IDRI, two readers or more)


def rule_score(interval: Interval, diameters_mm: Floats, *, half_mm: float = HALF_MM) -> Floats:
    """Scores (N,) float64 in [0, 1]: 1 inside the interval, halved for every `half_mm` outside, 0 where unknown (NaN).

    On an open end the distance is 0 and the score one step below 1, so that what lies inside stands first.
    Raises InvalidInputError for a `half_mm` that is not positive.
    """
    if not half_mm > 0:
        raise InvalidInputError(f"half_mm is {half_mm}; expected more than 0 mm")
    d = np.asarray(diameters_mm, np.float64)
    outside = np.minimum(0.5 ** (interval.distance(d) / half_mm), np.nextafter(1.0, 0.0))
    return np.where(np.isnan(d), 0.0, np.where(interval.contains(d), 1.0, outside))
