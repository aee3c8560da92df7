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


def split_folds(rows: Floats, folds: int) -> Floats:
    """(N, K·D) unit rows → (N, K, D) float32 unit vectors per fold: the inverse of `stack_folds`."""
    return rows.reshape(len(rows), folds, -1) * np.sqrt(np.float32(folds))


def fold_cosines(query: Floats, rows: Floats, folds: int) -> Floats:
    """Each fold's own cosine: query (K·D,), rows (N, K·D) → (N, K) float32; its mean over K is the dot product."""
    q = split_folds(query[None], folds)[0]  # (K, D)
    return np.einsum("kd,nkd->nk", q, split_folds(rows, folds)).astype(np.float32)


def fold_top(cosines: Floats, ids: NDArray[np.int64], k: int = 5) -> NDArray[np.bool_]:
    """Which items stand in each fold's own top k: (N, K) cosines → (N, K) bool; ties by id."""
    order = np.stack([np.lexsort((ids, -column)) for column in cosines.T])  # (K, N)
    votes = np.zeros(cosines.shape, bool)
    for fold, best in enumerate(order[:, :k]):
        votes[best, fold] = True
    return votes


def vote_sum(cosines: Floats, votes: NDArray[np.bool_]) -> Floats:
    """The published ensemble score (N,) float32: the sum of an item's cosines over the folds that voted for it.

    An item that is sixth in one fold loses that fold's vote: the difference to the mean cosine.
    Source: hein-nkhh/ENTRep-ACMMM25-TRACK-3.
    """
    return np.where(votes, cosines, 0).sum(1).astype(np.float32)
