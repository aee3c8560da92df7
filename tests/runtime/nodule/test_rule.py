"""The rule score, the fusion and the measures, as arithmetic."""

import numpy as np
import pytest

from runtime.errors import InvalidInputError
from runtime.nodule.fusion import best_alpha, fuse, order
from runtime.nodule.interval import Interval
from runtime.nodule.measures import distance_at, precision_at
from runtime.nodule.rule import rule_score

FROM_6_TO_10 = Interval(6, 10)


def test_the_rule_is_one_inside_and_halves_every_two_millimetres_outside() -> None:
    scores = rule_score(FROM_6_TO_10, np.array([6, 8, 10, 12, 14, 4, np.nan]))
    assert scores == pytest.approx([1, 1, 1, 0.5, 0.25, 0.5, 0])


def test_an_open_end_scores_below_what_lies_inside() -> None:
    end, inside = rule_score(Interval(10, low_closed=False), np.array([10.0, 10.001]))
    assert end < inside == 1


def test_fusion_is_the_published_sum_and_its_ends_are_its_parts() -> None:
    cosine, rule = np.array([0.2, 0.8]), np.array([1.0, 0.5])
    assert fuse(cosine, rule, 0.25) == pytest.approx([0.25 * 0.2 + 0.75 * 1.0, 0.25 * 0.8 + 0.75 * 0.5])
    assert (fuse(cosine, rule, 1.0) == cosine).all()
    assert (fuse(cosine, rule, 0.0) == rule).all()
    for alpha in (-0.1, 1.1, float("nan")):
        with pytest.raises(InvalidInputError):
            fuse(cosine, rule, alpha)


def test_ties_stand_by_id_and_among_equal_alphas_the_largest_serves() -> None:
    assert order(np.array([0.5, 0.9, 0.5]), np.array([7, 8, 3])).tolist() == [1, 2, 0]
    assert best_alpha(lambda alpha: 1.0 if alpha <= 0.4 else 0.5) == 0.4


def test_precision_is_the_mean_over_all_orders_of_equal_scores() -> None:
    scores, relevant = np.array([[3.0, 2.0, 2.0, 1.0]]), np.array([[True, True, False, True]])
    assert precision_at(scores, relevant, 1).tolist() == [1]
    assert precision_at(scores, relevant, 2).tolist() == [(1 + 1 / 2) / 2]
    assert precision_at(scores, relevant, 4).tolist() == [3 / 4]
    assert precision_at(np.zeros((1, 4)), relevant, 2).tolist() == [3 / 4]


def test_the_mean_distance_is_of_the_first_k_only() -> None:
    scores = np.array([[3.0, 2.0, 1.0]])
    assert distance_at(scores, [FROM_6_TO_10], np.array([11.0, 8.0, 50.0]), 2) == pytest.approx([(1 + 0) / 2])


@pytest.mark.parametrize("k", [0, 4])
def test_a_k_that_the_crops_do_not_reach_is_refused(k: int) -> None:
    with pytest.raises(InvalidInputError):
        precision_at(np.zeros((1, 3)), np.ones((1, 3), bool), k)
