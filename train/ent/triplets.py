"""Which images are learned from together: the nearest of the class, and the nearest of what it is taken for."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from runtime.ent.classes import ClassTable
from runtime.errors import DatasetError

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def mine(rows: Floats, classes: Sequence[str], table: ClassTable, rng: np.random.Generator) -> Ints:
    """(T, 3) int64 anchor, positive, negative: positions in `rows` (N, D), unit rows.

    Positive: the most similar other image of the class. Negative: the most similar image of the classes that the
    table calls confusable with it; where there is none, a random image of another class. An image alone in its class
    is no anchor. Raises DatasetError where there is no triplet at all.
    """
    names = np.asarray(classes)
    similarities = rows @ rows.T
    np.fill_diagonal(similarities, -np.inf)
    triplets = []
    for i, name in enumerate(classes):
        alike, confusable = names == name, np.isin(names, table[name].confusable)
        others = np.flatnonzero(~alike)
        if alike.sum() < 2 or not len(others):
            continue
        positive = int(np.where(alike, similarities[i], -np.inf).argmax())
        near = np.where(confusable & ~alike, similarities[i], -np.inf)
        negative = int(near.argmax()) if confusable.any() else int(rng.choice(others))
        triplets.append((i, positive, negative))
    if not triplets:
        raise DatasetError("no triplet can be made: training needs two classes, and two images of one of them")
    return np.array(triplets, np.int64)
