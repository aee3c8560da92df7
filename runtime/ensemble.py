"""Ten folds as one vector, and what each fold says.

Fold k's unit vector e_k; the stored vector is [e_1 … e_K]/√K, so one dot product of two stored vectors is
the mean cosine over the folds, exactly. The published top-five vote sum is a second, named mode.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def stack_folds(vectors: Floats) -> Floats:
    """(N, K, D) unit vectors per fold → (N, K·D) float32 unit rows."""
    folds = vectors.shape[1]
    return np.ascontiguousarray(vectors.reshape(len(vectors), -1) / np.sqrt(np.float32(folds)), dtype=np.float32)


def fold_cosines(query: Floats, rows: Floats, folds: int) -> Floats:
    """Each fold's own cosine: query (K·D,), rows (N, K·D) → (N, K) float32; its mean over K is the dot product."""
    dims = len(query) // folds
    cosines = np.empty((len(rows), folds), np.float32)
    for k in range(folds):  # one matrix-vector product a fold: no copy of the rows
        part = slice(k * dims, (k + 1) * dims)
        cosines[:, k] = rows[:, part] @ (query[part] * np.float32(folds))
    return cosines


def fold_top(cosines: Floats, ids: NDArray[np.int64], k: int = 5) -> NDArray[np.bool_]:
    """Which items stand in each fold's own top k: (N, K) cosines → (N, K) bool; ties by id."""
    if len(cosines) <= k:
        return np.ones(cosines.shape, bool)
    votes = np.zeros(cosines.shape, bool)
    for fold, column in enumerate(cosines.T):
        bar = np.partition(column, -k)[-k]
        near = np.flatnonzero(column >= bar)  # more than k only where items tie
        votes[near[np.lexsort((ids[near], -column[near]))[:k]], fold] = True
    return votes


def vote_sum(cosines: Floats, votes: NDArray[np.bool_]) -> Floats:
    """The published ensemble score (N,) float32: the sum of an item's cosines over the folds that voted for it.

    An item that is sixth in one fold loses that fold's vote: the difference to the mean cosine.
    Source: hein-nkhh/ENTRep-ACMMM25-TRACK-3.
    """
    total: Floats = np.where(votes, cosines, np.float32(0)).sum(1)
    return total
