"""One retrieval list as fusion and confidence want it: ids, similarities, and what each fold says."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInputError
from ..results import Candidate

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Retrieved:
    """n retrieved items, best first.

    `similarities` (n,) are mean cosines over folds; `fold_cosines` (n, K) each fold's own, None where they are
    not known. Raises InvalidInputError where the shapes do not fit or a number is not finite.
    """

    ids: Sequence[int]
    similarities: Floats
    fold_cosines: Floats | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", tuple(int(item) for item in self.ids))  # NumPy's integers are no JSON
        n = len(self.ids)
        shape = np.shape(self.similarities)
        if shape != (n,):
            raise InvalidInputError(f"{n} items have similarities of shape {shape}; expected ({n},)")
        cosines = self.fold_cosines
        if cosines is not None and (np.ndim(cosines) != 2 or len(cosines) != n or (n and not cosines.shape[1])):
            raise InvalidInputError(
                f"{n} items have fold cosines of shape {np.shape(cosines)}; expected ({n}, folds), or None"
            )
        if not np.isfinite(self.similarities).all() or (cosines is not None and not np.isfinite(cosines).all()):
            raise InvalidInputError("a similarity is not a finite number; a vector is damaged: index the gallery again")

    @classmethod
    def of(cls, candidates: Sequence[Candidate]) -> "Retrieved":
        """From a search's candidates, in their order.

        The similarity is the mean over the folds' cosines in both of search's modes: a calibration knows cosines,
        not the published vote sums.
        """
        ids = [candidate.item_id for candidate in candidates]
        if not candidates or not all(candidate.fold_cosines for candidate in candidates):
            return cls(ids, np.array([candidate.similarity for candidate in candidates], np.float64))
        cosines = np.array([candidate.fold_cosines for candidate in candidates], np.float64)
        return cls(ids, cosines.mean(1), cosines)

    def agreement(self, row: int = 0) -> float | None:
        """Share of folds, 0 to 1, whose own best among these items is the one in `row` (0: retrieval's first).

        Items that tie in a fold count for the one that retrieval puts first. None without fold cosines.
        """
        if self.fold_cosines is None or not len(self.ids):
            return None
        return float(np.mean(self.fold_cosines.argmax(0) == row))
