import numpy as np
import pytest

from runtime.errors import InvalidInputError

pytest.importorskip("sklearn", reason="the training environment")
from benchmarks.evaluation.group_folds import group_folds

GROUPS = [f"patient {i % 7}" for i in range(50)]


def test_every_query_is_held_out_once_and_no_group_stands_on_both_sides():
    masks = group_folds(GROUPS, 3)
    assert np.sum(masks, axis=0).tolist() == [1] * 50
    for mask in masks:
        held_out = {group for group, out in zip(GROUPS, mask, strict=True) if out}
        assert not held_out & {group for group, out in zip(GROUPS, mask, strict=True) if not out}


@pytest.mark.parametrize("splits", [1, 8])
def test_fewer_than_two_splits_or_more_than_groups_are_refused(splits):
    with pytest.raises(InvalidInputError, match=rf"{splits} splits of 7 groups"):
        group_folds(GROUPS, splits)
