import json

import numpy as np
import pytest

from runtime.errors import InvalidInputError
from runtime.fusion import Retrieved, fuse
from runtime.results import Candidate


def _candidate(item, similarity, cosines):
    return Candidate(item, 1, f"{item}.png", None, {}, similarity, cosines, ())


def test_agreement_is_the_share_of_folds_whose_own_best_it_is():
    cosines = np.array([[0.9, 0.2, 0.5, 0.1], [0.1, 0.8, 0.4, 0.3], [0.0, 0.1, 0.2, 0.9]])
    retrieved = Retrieved([4, 5, 6], cosines.mean(1), cosines)
    assert [retrieved.agreement(row) for row in range(3)] == [2 / 4, 1 / 4, 1 / 4]
    assert retrieved.agreement() == retrieved.agreement(0)


def test_items_that_tie_in_a_fold_count_for_the_first():
    assert Retrieved([1, 2], np.array([0.5, 0.5]), np.array([[0.5], [0.5]])).agreement() == 1


def test_agreement_is_not_known_without_folds_or_items():
    assert Retrieved([1], np.array([0.5])).agreement() is None
    assert Retrieved([], np.zeros(0), np.zeros((0, 3))).agreement() is None


def test_candidates_are_taken_with_the_mean_cosine_also_where_votes_ranked_them():
    votes = [_candidate(3, 1.4, (0.7, 0.1)), _candidate(1, 0.6, (0.3, 0.6))]
    retrieved = Retrieved.of(votes)
    assert retrieved.ids == (3, 1)
    np.testing.assert_allclose(retrieved.similarities, [0.4, 0.45])
    assert retrieved.agreement() == 0.5
    assert [i.item_id for i in fuse(retrieved, {})] == [3, 1]


def test_candidates_without_fold_cosines_keep_their_similarity():
    retrieved = Retrieved.of([_candidate(3, 0.4, ()), _candidate(1, 0.2, ())])
    assert retrieved.similarities.tolist() == [0.4, 0.2]
    assert retrieved.fold_cosines is None
    assert fuse(Retrieved.of([]), {}) == []


def test_ids_of_numpy_become_numbers_that_json_knows():
    fused = fuse(Retrieved(np.array([5, 6]), np.array([0.2, 0.1])), {5: 0.5})
    assert json.dumps([i.item_id for i in fused]) == "[5, 6]"


@pytest.mark.parametrize(
    ("similarities", "cosines", "says"),
    [
        (np.zeros(3), None, r"shape \(3,\); expected \(2,\)"),
        (np.zeros(2), np.zeros((3, 4)), r"shape \(3, 4\); expected \(2, folds\)"),
        (np.zeros(2), np.zeros(2), r"shape \(2,\)"),
        (np.zeros(2), np.zeros((2, 0)), r"shape \(2, 0\)"),
        (np.array([0.1, np.nan]), None, "not a finite number"),
        (np.zeros(2), np.array([[np.inf], [0.0]]), "not a finite number"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(similarities, cosines, says):
    with pytest.raises(InvalidInputError, match=says):
        Retrieved([1, 2], similarities, cosines)
