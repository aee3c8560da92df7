"""An interval of diameters in millimetres, its ends open or closed."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """Diameters from `low_mm` to `high_mm`; `high_mm` may be infinite.

    Raises InvalidInputError for an end that is negative or not a number, and where no diameter lies inside.
    """

    low_mm: float = 0.0
    high_mm: float = math.inf
    low_closed: bool = True
    high_closed: bool = True

    def __post_init__(self) -> None:
        if not (self.low_mm >= 0 and self.high_mm >= 0 and math.isfinite(self.low_mm)):
            raise InvalidInputError(f"an interval from {self.low_mm} to {self.high_mm} mm; expected ends of 0 or more")
        point = self.low_mm == self.high_mm
        if self.low_mm > self.high_mm or (point and not (self.low_closed and self.high_closed)):
            raise InvalidInputError(f"no diameter is {self}")

    def contains(self, diameters_mm: Floats) -> NDArray[np.bool_]:
        """Which of the diameters (N,) in mm lie inside, (N,) bool; one that is not known (NaN) does not."""
        d = np.asarray(diameters_mm, np.float64)
        above = d >= self.low_mm if self.low_closed else d > self.low_mm
        below = d <= self.high_mm if self.high_closed else d < self.high_mm
        return np.asarray(above & below, np.bool_)

    def distance(self, diameters_mm: Floats) -> Floats:
        """How far each diameter (N,) in mm lies outside, (N,) in mm; 0 inside and on an open end, NaN for NaN."""
        d = np.asarray(diameters_mm, np.float64)
        return np.maximum(np.maximum(self.low_mm - d, d - self.high_mm), 0.0)

    def intersect(self, other: "Interval") -> "Interval":
        """What lies in both; raises InvalidInputError where nothing does."""
        low = max((self.low_mm, not self.low_closed), (other.low_mm, not other.low_closed))
        high = min((self.high_mm, self.high_closed), (other.high_mm, other.high_closed))
        if low[0] > high[0] or (low[0] == high[0] and (low[1] or not high[1])):
            raise InvalidInputError(f"no diameter is both {self} and {other}")
        return Interval(low[0], high[0], not low[1], high[1])

    def __str__(self) -> str:
        if math.isinf(self.high_mm):
            return f"{'≥' if self.low_closed else '>'} {self.low_mm:g} mm"
        if self.low_mm == 0 and self.low_closed:
            return f"{'≤' if self.high_closed else '<'} {self.high_mm:g} mm"
        left, right = "[" if self.low_closed else "(", "]" if self.high_closed else ")"
        return f"{left}{self.low_mm:g}, {self.high_mm:g}{right} mm"
