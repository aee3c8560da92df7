"""Splits of queries that never part a group: a patient, a caption."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from runtime.errors import InvalidInputError


def group_folds(groups: Sequence[str] | NDArray[np.str_], splits: int) -> list[NDArray[np.bool_]]:
    """`splits` masks (Q,) bool of the queries held out, about equally many each; every query is held out once.

    Which query falls where depends on `groups` (Q,) alone. Raises InvalidInputError for fewer than two splits, or
    more than there are groups.
    """
    from sklearn.model_selection import GroupKFold  # noqa: PLC0415  of the training environment

    labels = np.asarray(groups)
    distinct = len(np.unique(labels))
    if not 2 <= splits <= distinct:
        raise InvalidInputError(f"{splits} splits of {distinct} groups; expected 2 to as many as there are groups")
    masks = []
    for _, held_out in GroupKFold(splits).split(labels, groups=labels):
        mask = np.zeros(len(labels), bool)
        mask[held_out] = True
        masks.append(mask)
    return masks
