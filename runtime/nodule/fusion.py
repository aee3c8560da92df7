"""alpha · cosine + (1 − alpha) · rule, and the alpha that serves a validation set best."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInputError

Floats = NDArray[np.float64]
ALPHAS: tuple[float, ...] = tuple(round(0.05 * i, 2) for i in range(21))


def fuse(cosine: NDArray[np.floating[Any]], rule: Floats, alpha: float) -> Floats:
    """alpha · cosine + (1 − alpha) · rule, element by element, float64.

    Source: Penelope-Liang/881-Project. Raises InvalidInputError for an alpha outside [0, 1] or unequal shapes.
    """
    if not 0 <= alpha <= 1:
        raise InvalidInputError(f"alpha is {alpha}; expected 0 (the rule alone) to 1 (the cosine alone)")
    if np.shape(cosine) != np.shape(rule):
        raise InvalidInputError(f"cosines {np.shape(cosine)} and rule scores {np.shape(rule)} differ in shape")
    return alpha * np.asarray(cosine, np.float64) + (1 - alpha) * np.asarray(rule, np.float64)


def order(scores: Floats, ids: NDArray[np.int64]) -> NDArray[np.intp]:
    """Row numbers (N,) best first, ties by id."""
    return np.lexsort((ids, -scores))


def best_alpha(value: Callable[[float], float], alphas: Sequence[float] = ALPHAS) -> float:
    """The alpha with the largest `value`; among equals the largest, which leaves the most to the pictures."""
    return max(alphas, key=lambda alpha: (round(value(alpha), 12), alpha))
