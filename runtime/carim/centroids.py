"""k-means of elements: each stands near one of K centroids, which a first pass compares in its place."""

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from .product import product

Floats = NDArray[np.float32]

SAMPLE = 16  # elements drawn a centroid: more move the centroids little
ROUNDS = 8
BLOCK = 4096  # elements compared at a time: their products with 2048 centroids are 34 MB


def fit_centroids(vectors: Floats, count: int, *, seed: int = 0, threads: int | None = None) -> Floats:
    """Centroids (K, D) float32 of `vectors` (U, D), K = count or fewer: Lloyd's rounds on a drawn sample.

    An element belongs to the centroid of the highest dot product less half the centroid's squared length, which is
    the nearest one. A centroid that loses all its elements starts again at a drawn one.
    """
    rng = np.random.default_rng(seed)
    drawn = vectors[np.sort(rng.choice(len(vectors), min(len(vectors), SAMPLE * count), replace=False))]
    centroids = drawn[np.sort(rng.choice(len(drawn), min(count, len(drawn)), replace=False))]
    for _ in tqdm(range(ROUNDS), desc="centroids", unit="round", disable=None):
        nearest = assign(drawn, centroids, threads=threads)
        order = np.argsort(nearest, kind="stable")
        present, first = np.unique(nearest[order], return_index=True)
        centroids = drawn[rng.integers(0, len(drawn), len(centroids))]
        sums = np.add.reduceat(drawn[order], first, axis=0)
        centroids[present] = sums / np.diff(np.append(first, len(order)))[:, None]
    return centroids


def assign(vectors: Floats, centroids: Floats, *, threads: int | None = None) -> NDArray[np.int32]:
    """The number of the nearest centroid (U,) int32 of each row of `vectors` (U, D) float32."""
    nearest = np.empty(len(vectors), np.int32)
    half = 0.5 * np.square(centroids).sum(axis=1)  # (K,)
    for first in tqdm(range(0, len(vectors), BLOCK), desc="elements", leave=False, disable=None):
        part = slice(first, first + BLOCK)
        nearness = product(vectors[part], centroids, threads=threads)
        nearness -= half
        nearest[part] = nearness.argmax(axis=1)
    return nearest
