"""Late interaction: S(Q, E) = (1/|Q|) · Σ_i max_j ⟨q_i, e_j⟩ over a query's tokens and a scene's elements."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def maxsim(query: Floats, elements: Floats, offsets: Ints) -> Floats:
    """The reference: scores (N,) float32 of N scenes.

    `query` (T, D) float32, token vectors; `elements` (E, D) float32, all scenes' elements one after another;
    `offsets` (N + 1,) int64: scene n has the rows offsets[n] to offsets[n + 1], at least one.
    """
    similarities = query @ elements.T  # (T, E)
    best = np.maximum.reduceat(similarities, offsets[:-1], axis=1)  # (T, N)
    scores: Floats = best.mean(axis=0, dtype=np.float32)
    return scores
