"""Position decays: how much of a list's probability mass each rank holds."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

# rank i = 1 … n as (n,) float64, n, d -> unnormalised mass
_DECAYS: dict[str, Callable[[Scores, int, float], Scores]] = {
    "exponential": lambda i, n, d: d ** (i - 1),
    "linear": lambda i, n, d: (n - i + 1) / n,
    "logarithmic": lambda i, n, d: 1 / np.log(i + 1),
    "reciprocal": lambda i, n, d: 1 / i,
}
DECAYS = tuple(_DECAYS)


def position_probabilities(n: int, decay: str = "exponential", rate: float = 0.8) -> Scores:
    """(n,) float64: the probability of ranks 1 … n under `decay`, summing to 1.

    exponential d^(i-1) with d = `rate`, linear (n-i+1)/n, logarithmic 1/ln(i+1), reciprocal 1/i;
    only the first uses `rate`. Raises KeyError for a decay not in `DECAYS`.
    """
    mass = _DECAYS[decay](np.arange(1, n + 1, dtype=np.float64), n, rate)
    return mass / mass.sum() if n else mass
