"""The vectorised fusion against the runtime's, query by query, and what it makes of ranks."""

from itertools import product

import numpy as np
import pytest

from benchmarks.evaluation.fused_orders import Shown, fused_orders, judged_of, orders_of, retrieved_of
from runtime.errors import InvalidInputError
from runtime.fusion import (
    DECAYS,
    JUDGE_SIDES,
    STRATEGIES,
    VARIANTS,
    Calibration,
    ConvexSettings,
    PosFuseSettings,
    Retrieved,
    fuse,
)

from .synthetic_trials import noisy_scores, synthetic_trials

TRIALS = synthetic_trials(queries=150, seed=3)
# complete and continuous; ties; missing and ties; nearly all missing, so that many queries have none or one
SCORES = [
    noisy_scores(TRIALS),
    noisy_scores(TRIALS, tenths=True),
    noisy_scores(TRIALS, seed=1, tenths=True, missing=0.3),
    noisy_scores(TRIALS, seed=2, missing=0.8),
    noisy_scores(TRIALS, k=1, missing=0.5),
]


def _one_by_one(scores, settings):
    orders = []
    for query, row in enumerate(scores):
        retrieved = retrieved_of(TRIALS, query, len(row))
        place = {item: p for p, item in enumerate(retrieved.ids)}
        orders.append([place[i.item_id] for i in fuse(retrieved, judged_of(TRIALS, query, row), settings)])
    return np.array(orders)


@pytest.mark.parametrize(("variant", "strategy", "side"), list(product(VARIANTS, STRATEGIES, JUDGE_SIDES)))
def test_pos_fuse_over_all_queries_equals_the_runtimes_one_by_one(variant, strategy, side):
    for scores, (decay, agreement) in zip(SCORES, product(DECAYS, (False, True)), strict=False):
        settings = PosFuseSettings(
            variant=variant, strategy=strategy, judge_side=side, decay=decay, agreement=agreement, prior=0.4
        )
        np.testing.assert_array_equal(fused_orders(TRIALS, scores, settings), _one_by_one(scores, settings))


@pytest.mark.parametrize("agreement", [False, True])
@pytest.mark.parametrize(("retrieval_weight", "judge_weight"), [(0.5, 0.5), (0.3, 0.9), (0.0, 1.0), (1.0, 0.0)])
def test_weights_and_agreement_equal_the_runtimes(retrieval_weight, judge_weight, agreement):
    for variant, scores in product(VARIANTS, SCORES):
        settings = PosFuseSettings(
            variant=variant,
            retrieval_weight=retrieval_weight,
            judge_weight=judge_weight,
            position_weight=1.0,
            score_weight=0.0,
            agreement=agreement,
        )
        np.testing.assert_array_equal(fused_orders(TRIALS, scores, settings), _one_by_one(scores, settings))


@pytest.mark.parametrize("scores", SCORES)
@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
def test_the_convex_combination_equals_the_runtimes(scores, weight):
    steps = Calibration("isotonic", x=(0.1, 0.3, 0.5), y=(0.1, 0.2, 0.8))
    for judge in (Calibration("platt", 5.0, -2.0), steps):
        settings = ConvexSettings(weight, steps, judge, 0.3)
        np.testing.assert_array_equal(fused_orders(TRIALS, scores, settings), _one_by_one(scores, settings))


def test_settings_change_orders_so_that_equality_says_something():
    orders = {fused_orders(TRIALS, SCORES[2], PosFuseSettings(agreement=yes)).tobytes() for yes in (False, True)}
    orders.add(fused_orders(TRIALS, SCORES[2], PosFuseSettings(variant="published")).tobytes())
    assert len(orders) == 3


def test_the_default_is_the_corrected_form():
    expected = fused_orders(TRIALS, SCORES[2], PosFuseSettings(variant="corrected"))
    np.testing.assert_array_equal(fused_orders(TRIALS, SCORES[2]), expected)


def test_a_query_is_retrieved_as_the_trials_hold_it():
    retrieved = retrieved_of(TRIALS, 4, 5)
    assert isinstance(retrieved, Retrieved)
    assert list(retrieved.ids) == TRIALS.top(5)[4].tolist()
    np.testing.assert_allclose(retrieved.similarities, retrieved.fold_cosines.mean(1), rtol=1e-6)
    assert list(judged_of(TRIALS, 4, np.array([0.5, np.nan])).values()) == [0.5, None]


def test_reciprocal_ranks_count_through_the_shown_and_behind_them():
    shown = Shown.of(TRIALS, SCORES[0])
    orders = orders_of(shown)
    whole = TRIALS.order.copy()
    whole[:, :5] = np.take_along_axis(whole, orders, 1)
    hit = np.take_along_axis(TRIALS.relevant, whole, 1)
    expected = 1 / (1 + hit.argmax(1))
    np.testing.assert_allclose(shown.reciprocal_ranks(orders), expected)
    assert (expected < 1 / 5).any()  # some stand behind the five, so that part is tried


def test_trial_sets_are_joined_in_their_order():
    other, scores = synthetic_trials(queries=30, items=9, seed=8), SCORES[0]
    both = Shown.joined([TRIALS, other], [scores, noisy_scores(other)])
    np.testing.assert_array_equal(both.scores[:150], scores)
    np.testing.assert_array_equal(both.at(np.arange(150, 180)).behind, Shown.of(other, noisy_scores(other)).behind)
    assert both.groups.tolist() == TRIALS.groups + other.groups


@pytest.mark.parametrize(
    ("scores", "says"),
    [
        (np.zeros((3, 5)), r"shape \(3, 5\); expected \(150, k\), k ≤ 12"),
        (np.zeros(150), r"shape \(150,\)"),
        (np.zeros((150, 13)), "k ≤ 12"),
        (np.zeros((150, 0)), "k ≤ 12"),
        (np.full((150, 5), 1.5), "outside 0 to 1"),
    ],
)
def test_scores_that_do_not_fit_the_trials_are_refused(scores, says):
    with pytest.raises(InvalidInputError, match=says):
        fused_orders(TRIALS, scores)


def test_trial_sets_with_other_k_cannot_be_joined():
    with pytest.raises(InvalidInputError, match=r"show \[1, 5\] items"):
        Shown.joined([TRIALS, TRIALS], [SCORES[0], SCORES[4]])
