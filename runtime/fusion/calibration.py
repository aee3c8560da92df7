"""Calibration: from a score to the probability of relevance. Applied here; fitted by `python -m benchmarks tune`."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InvalidInputError
from .decays import Scores

CALIBRATIONS = ("platt", "isotonic", "identity")
_STEEPEST = 30.0  # beyond it a float64 sigmoid is 0 or 1, which no probability from data is


def sigmoid(logits: ArrayLike) -> Scores:
    """1 / (1 + e^-z), float64, within (0, 1) for every z."""
    bounded: Scores = np.clip(np.asarray(logits, np.float64), -_STEEPEST, _STEEPEST)
    return 1 / (1 + np.exp(-bounded))


@dataclass(frozen=True)
class Calibration:
    """A monotone map from scores to probabilities.

    "platt": sigmoid(slope · score + intercept) (Platt 1999); "isotonic": the points (`x`, `y`) joined by straight
    lines, constant outside them (Zadrozny and Elkan, KDD 2002); "identity": the score, clipped to [0, 1].
    Raises InvalidInputError for an unknown kind, or numbers that make no such map.
    """

    kind: str = "identity"
    slope: float = 1.0
    intercept: float = 0.0
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in CALIBRATIONS:
            raise InvalidInputError(f"calibration kind is {self.kind!r}; choose one of {', '.join(CALIBRATIONS)}")
        if not all(map(math.isfinite, (self.slope, self.intercept, *self.x, *self.y))):
            raise InvalidInputError("a calibration's numbers must be finite; fit it again")
        if len(self.x) != len(self.y) or (self.kind == "isotonic" and not self.x):
            raise InvalidInputError(
                f"calibration has {len(self.x)} x and {len(self.y)} y; expected as many of both, at least one"
            )
        if any(b <= a for a, b in zip(self.x, self.x[1:], strict=False)):
            raise InvalidInputError("an isotonic calibration's x must rise from point to point")
        if any(b < a for a, b in zip(self.y, self.y[1:], strict=False)) or not all(0 <= y <= 1 for y in self.y):
            raise InvalidInputError("an isotonic calibration's y must not fall, and lie in 0 to 1")

    def __call__(self, scores: ArrayLike) -> Scores:
        """Finite scores of any shape → probabilities in [0, 1], float64, the same shape."""
        given = np.asarray(scores, np.float64)
        if self.kind == "platt":
            return sigmoid(self.slope * given + self.intercept)
        if self.kind == "isotonic":
            mapped: Scores = np.interp(given, self.x, self.y)
            return mapped
        clipped: Scores = np.clip(given, 0.0, 1.0)
        return clipped
