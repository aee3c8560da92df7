"""How sure a mean over queries is, and whether two systems differ: scipy's bootstrap and randomisation test.

Queries of one group (a patient, a caption) are no independent draws, so whole groups are drawn and swapped.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from runtime.errors import InvalidInputError

from .grouped_interval import grouped_interval

Floats = NDArray[np.float64]
RESAMPLES, SEED = 99_999, 0  # so many that Holm can leave p below .001 among a hundred pairs
_BATCH = 1000  # resamples that exist at a time


@dataclass(frozen=True)
class Interval:
    """A mean over queries with its interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Pair:
    """`difference` is the mean of `second` minus `first`; `p` of the test, `p_holm` corrected over all pairs."""

    first: str
    second: str
    difference: float
    p: float
    p_holm: float


def interval(values: Floats, groups: Sequence[Hashable] | None = None) -> Interval:
    """The mean of `values` (Q,) and its 95 % percentile bootstrap interval (`grouped_interval`).

    Without `groups` every query is its own. Raises InvalidInputError for no values, or groups of another number.
    """
    return Interval(**grouped_interval(values, _names(values, groups)))


def paired_p(
    differences: Floats, groups: Sequence[Hashable] | None = None, *, resamples: int = RESAMPLES, seed: int = SEED
) -> float:
    """Two-sided p of the paired randomisation test that the mean of `differences` (Q,) is 0.

    Under the null hypothesis the two systems may be swapped in any group (Fisher; Smucker, Allan and Carterette,
    CIKM 2007). Few differing groups are counted out exactly, many are drawn. Equal systems have p = 1.
    """
    from scipy.stats import permutation_test  # noqa: PLC0415

    _, rows = np.unique(_names(differences, groups), return_inverse=True)
    sums = np.bincount(rows, differences)
    sums = sums[np.abs(sums) > 1e-12]  # swapping what is equal changes nothing
    if len(sums) < 2:  # of one group both signs are as extreme
        return 1.0
    found = permutation_test(
        (sums,),
        lambda x, axis: x.sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        batch=_BATCH,
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """`p_values` corrected for their number by Holm's step-down method (Scandinavian Journal of Statistics, 1979)."""
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in corrected]


def every_pair(
    systems: Mapping[str, Floats], groups: Sequence[Hashable] | None = None, *, resamples: int = RESAMPLES
) -> list[Pair]:
    """The paired test of every two of `systems` (name → (Q,) of the same queries), with Holm's correction."""
    names = list(combinations(systems, 2))
    differences = [systems[second] - systems[first] for first, second in names]
    p_values = [paired_p(difference, groups, resamples=resamples) for difference in differences]
    return [
        Pair(first, second, float(difference.mean()), p, corrected)
        for (first, second), difference, p, corrected in zip(names, differences, p_values, holm(p_values), strict=True)
    ]


def _names(values: Floats, groups: Sequence[Hashable] | None) -> list[str]:
    if not len(values):
        raise InvalidInputError("no query to draw from; expected at least one")
    names = [str(group) for group in (range(len(values)) if groups is None else groups)]
    if len(names) != len(values):
        raise InvalidInputError(f"{len(values)} values and {len(names)} groups; expected one group a value")
    return names
