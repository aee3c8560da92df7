"""Lillis' PosFuse through ranx: probabilities by position, learnt on other groups only."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.evaluation.lillis import apply, learn, lillis_out_of_fold

from .synthetic_trials import noisy_scores, synthetic_trials

pytest.importorskip("ranx")
pytest.importorskip("sklearn")
pytestmark = pytest.mark.slow  # numba compiles ranx at first use

NAN = np.nan


def test_probabilities_are_the_shares_of_relevant_items_by_place():
    # judge's rankings: (2, 0, 1), (0, 2) and (1, 2, 0)
    scores = np.array([[0.5, 0.1, 0.9], [0.8, NAN, 0.3], [0.2, 0.6, 0.4]])
    relevant = np.array([[True, False, True], [True, False, False], [False, False, False]])
    retrieval, judge = learn(scores, relevant)
    np.testing.assert_allclose(retrieval, [2 / 3, 0, 1 / 3])
    np.testing.assert_allclose(judge, [2 / 3, 1 / 3, 0])


def test_places_are_summed_and_equal_sums_keep_retrievals_order():
    scores = np.array([[0.1, 0.9, 0.5], [NAN, 0.4, NAN], [0.3, 0.3, 0.3]])
    probabilities = [np.array([0.5, 0.3, 0.2]), np.array([0.6, 0.2, 0.1])]
    # sums: .5 + .1, .3 + .6, .2 + .2; then .5, .3 + .6, .2; then .5 + .6, .3 + .2, .2 + .1
    np.testing.assert_array_equal(apply(scores, probabilities), [[1, 0, 2], [1, 0, 2], [0, 1, 2]])
    even = [np.full(3, 0.5), np.full(3, 0.5)]
    np.testing.assert_array_equal(apply(scores, even)[[0, 2]], [[0, 1, 2], [0, 1, 2]])


def test_a_querys_own_group_has_no_part_in_its_probabilities():
    trials = [synthetic_trials(queries=60, groups=6)]
    scores = [noisy_scores(trials[0], missing=0.2)]
    scores[0][3] = NAN
    orders, learnt = lillis_out_of_fold(trials, scores, splits=3)
    assert len(learnt) == 3
    np.testing.assert_array_equal(orders[0][3], np.arange(5))  # nothing judged
    own = np.array([group == "group 0" for group in trials[0].groups])
    poisoned = trials[0].grades.copy()
    poisoned[own] = 2 - poisoned[own]
    others, _ = lillis_out_of_fold([replace(trials[0], grades=poisoned)], scores, splits=3)
    np.testing.assert_array_equal(orders[0][own], others[0][own])
    assert (np.sort(orders[0], axis=1) == np.arange(5)).all()
