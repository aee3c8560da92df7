"""Adaptive Negative Injection: queries of listed elements, some of which the scene does not have.

The published mix: 20 % two negatives alone, 40 % all of the scene's elements and one, 40 % a random subset and one;
a negative's highest cosine to the scene's elements is below a threshold. What is near enough is thus decided by the
model itself, as it learns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .recipe import CarimRecipe

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
TWO_ALONE, ALL_AND_ONE = 0.2, 0.4  # the rest: a random subset and one
SEPARATOR = ", "


@dataclass(frozen=True, eq=False)
class Pool:
    """The elements that may be injected: unit vectors (P, D) of the model as it was when they were computed.

    Any number of them, each from its own text: they need not come from the batch, nor have its size.
    """

    vectors: Floats

    def highest_cosines(self, scene: Floats) -> Floats:
        """(P,) each pool element's highest cosine to the scene's element vectors (m, D), of any length."""
        unit = scene / np.linalg.norm(scene, axis=1, keepdims=True)
        highest: Floats = (self.vectors @ unit.T).max(1)
        return highest


def draw_negatives(highest: Floats, count: int, recipe: CarimRecipe, rng: np.random.Generator) -> Ints:
    """At most `count` different pool elements whose highest cosine is below the threshold.

    Uniformly, as published, or the likelier the more similar: most pairs of elements have nothing in common, and a
    negative that no query could be confused with teaches nothing.
    """
    below = np.flatnonzero(highest < recipe.threshold)
    count = min(count, len(below))
    if recipe.draw == "uniform" or not count:
        return rng.choice(below, count, replace=False)
    # the largest of cosine / T + Gumbel noise: draws without replacement by softmax (Gumbel-top-k)
    keys = highest[below] / recipe.draw_temperature + rng.gumbel(size=len(below))
    return below[np.argpartition(-keys, count - 1)[:count]]


def negative_elements(elements: Ints, highest: Floats, recipe: CarimRecipe, rng: np.random.Generator) -> Ints | None:
    """Ids of the elements of q_neg in drawn order; None where no pool element is far enough from the scene.

    `elements` (m,) are the scene's ids; a pool element's id is its position in `highest`.
    """
    kind = rng.random()
    alone = kind < TWO_ALONE
    negatives = draw_negatives(highest, 2 if alone else 1, recipe, rng)
    if not len(negatives):
        return None
    if alone:
        kept = elements[:0]
    elif kind < TWO_ALONE + ALL_AND_ONE:
        kept = elements
    else:
        kept = random_subset(elements, rng)
    return rng.permutation(np.concatenate([kept, negatives]))


def random_subset(elements: Ints, rng: np.random.Generator) -> Ints:
    """A non-empty subset, its size drawn uniformly, in drawn order."""
    return rng.permutation(elements)[: rng.integers(1, len(elements) + 1)]


def joined(elements: Ints, texts: Sequence[str]) -> str:
    """The query that the elements make."""
    return SEPARATOR.join(texts[i] for i in elements)
