"""Names to train, validation and test by a seeded shuffle, 70/10/20."""

from collections.abc import Iterable

import numpy as np

PARTS = ("train", "val", "test")
SHARES = (0.70, 0.10, 0.20)


def shuffle_split(names: Iterable[str], seed: int) -> dict[str, list[str]]:
    """{"train", "val", "test"} → names, sorted; each distinct name stands in one part. A part may be empty."""
    ordered = sorted(set(names))
    shuffled = [ordered[i] for i in np.random.default_rng(seed).permutation(len(ordered))]
    first, second = round(SHARES[0] * len(ordered)), round((SHARES[0] + SHARES[1]) * len(ordered))
    parts = shuffled[:first], shuffled[first:second], shuffled[second:]
    return {part: sorted(chosen) for part, chosen in zip(PARTS, parts, strict=True)}
