"""The confidence model's fit: its signals are the runtime's, its probabilities mean what they say."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the training environment")
from benchmarks.evaluation.confidence import confidence_out_of_fold, first_is_relevant, fit_confidence, signal_table
from benchmarks.evaluation.fused_orders import fused_orders, judged_of, retrieved_of
from runtime.confidence import SIGNALS, signals

from .synthetic_trials import noisy_scores, synthetic_trials

TRIALS = synthetic_trials(queries=300, seed=5)
SCORES = noisy_scores(TRIALS, missing=0.2)
ORDERS = fused_orders(TRIALS, SCORES)


def test_the_table_of_signals_equals_the_runtimes_query_by_query():
    table = signal_table(TRIALS, SCORES, ORDERS)
    for query, row in enumerate(SCORES):
        retrieved = retrieved_of(TRIALS, query, 5)
        top = retrieved.ids[ORDERS[query, 0]]
        expected = signals(retrieved, judged_of(TRIALS, query, row), top)
        assert table[query].tolist() == pytest.approx([expected[name] for name in SIGNALS], abs=1e-12)


def test_one_shown_item_has_no_margin():
    table = signal_table(TRIALS, SCORES[:, :1], np.zeros((300, 1), np.int64))
    assert (table[:, SIGNALS.index("margin")] == 0).all()


def test_the_first_of_the_final_order_is_what_counts():
    top = TRIALS.top(5)
    expected = [TRIALS.relevant[q, top[q, ORDERS[q, 0]]] for q in range(300)]
    assert first_is_relevant(TRIALS, ORDERS).tolist() == expected


def test_probabilities_out_of_fold_beat_the_constant_and_have_the_right_mean():
    (probabilities,) = confidence_out_of_fold([TRIALS], [SCORES], [ORDERS])
    relevant = first_is_relevant(TRIALS, ORDERS)
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert np.mean((probabilities - relevant) ** 2) < 0.9 * relevant.mean() * (1 - relevant.mean())
    assert probabilities.mean() == pytest.approx(relevant.mean(), abs=0.02)
    surest = probabilities > np.median(probabilities)
    assert relevant[surest].mean() > relevant[~surest].mean() + 0.1


def test_a_groups_own_labels_have_no_part_in_its_probabilities():
    poisoned = replace(TRIALS, grades=TRIALS.grades.copy())
    own = np.array(TRIALS.groups) == "group 3"
    poisoned.grades[own] = 2 - poisoned.grades[own]
    (plain,), (after,) = (confidence_out_of_fold([one], [SCORES], [ORDERS], splits=10) for one in (TRIALS, poisoned))
    np.testing.assert_array_equal(plain[own], after[own])
    assert (plain[~own] != after[~own]).all()


def test_rows_choose_what_is_fitted_and_trial_sets_are_joined():
    half = np.arange(300) < 150
    model = fit_confidence([TRIALS], [SCORES], [ORDERS], [half])
    scrambled = np.where(half[:, None], SCORES, 0.5)
    assert model == fit_confidence([TRIALS], [scrambled], [ORDERS], [np.flatnonzero(half)])
    twice = fit_confidence([TRIALS, TRIALS], [SCORES, SCORES], [ORDERS, ORDERS])
    assert twice.mean == pytest.approx(fit_confidence([TRIALS], [SCORES], [ORDERS]).mean)


@pytest.mark.parametrize(("grade", "share"), [(2, 301 / 302), (0, 1 / 302)])
def test_first_hits_that_are_all_right_or_all_wrong_give_the_smoothed_share(grade, share):
    trials = replace(TRIALS, grades=np.full_like(TRIALS.grades, grade))
    model = fit_confidence([trials], [SCORES], [ORDERS])
    row = dict(zip(SIGNALS, signal_table(trials, SCORES, ORDERS)[0].tolist(), strict=True))
    assert model.probability(row) == pytest.approx(share)


def test_a_signal_that_never_changes_has_no_weight():
    model = fit_confidence([TRIALS], [noisy_scores(TRIALS)], [ORDERS])
    assert model.weights[SIGNALS.index("judged")] == 0
