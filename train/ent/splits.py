"""Train, validation and test by whole groups: no patient, sequence or near-duplicate stands on two sides."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.errors import DatasetError, InvalidInputError

from ..shuffle_split import PARTS

Ints = NDArray[np.int64]
SHARES = (0.70, 0.15, 0.15)


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of the records of each part, ascending, (·,) int64."""

    train: Ints
    val: Ints
    test: Ints

    def files(self, names: Sequence[str]) -> dict[str, list[str]]:
        """As the run's split.json holds it."""
        return {part: [names[i] for i in getattr(self, part)] for part in PARTS}

    @classmethod
    def of_files(cls, value: dict[str, list[str]], names: Sequence[str]) -> "Split":
        """From split.json; raises DatasetError for an image that the data no longer has."""
        place = {name: i for i, name in enumerate(names)}
        missing = [name for part in PARTS for name in value[part] if name not in place]
        if missing:
            raise DatasetError(f"the run's split names {missing[0]}, which the data no longer has; give another --out")
        return cls(*(np.sort(np.array([place[name] for name in value[part]], np.int64)) for part in PARTS))


def make_split(
    groups: Sequence[str], seed: int, shares: Sequence[float] = SHARES, test: Sequence[int] | None = None
) -> Split:
    """Groups in seeded order, each to the part that lacks most of its share.

    `test`, where given, are the positions of the test part; the rest is divided into train and validation, and what
    shares a group with the test part is left out. Raises InvalidInputError where a part stays empty.
    """
    if len(shares) != 3 or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6:
        raise InvalidInputError(f"shares {tuple(shares)}; expected three positive numbers with the sum 1")
    rows: dict[str, list[int]] = {}
    for i, group in enumerate(groups):
        rows.setdefault(group, []).append(i)
    given = set(test or ())
    open_groups = sorted(group for group, members in rows.items() if given.isdisjoint(members))
    wanted = np.array(shares[:2] if test is not None else shares) * sum(len(rows[group]) for group in open_groups)
    wanted /= sum(shares[:2]) if test is not None else 1
    got: list[list[int]] = [[] for _ in wanted]
    for i in np.random.default_rng(seed).permutation(len(open_groups)):
        lacking = 1 - np.array([len(part) for part in got]) / wanted
        got[int(lacking.argmax())] += rows[open_groups[i]]
    parts = [*got, sorted(given)] if test is not None else got
    if not all(parts):
        raise InvalidInputError(f"{len(rows)} groups are too few for train, validation and test; give more data")
    return Split(*(np.sort(np.array(part, np.int64)) for part in parts))
