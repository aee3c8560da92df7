"""Fits against scikit-learn's own predictions, and where there is little to fit."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the training environment")
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from benchmarks.evaluation import calibrate
from benchmarks.evaluation.calibrate import convex_settings, isotonic, log_odds, platt
from benchmarks.evaluation.fused_orders import Shown, orders_of
from runtime.errors import InvalidInputError
from runtime.fusion import Calibration, ConvexSettings

from .synthetic_trials import noisy_scores, synthetic_trials

RNG = np.random.default_rng(0)
SCORES = RNG.random(400)
RELEVANT = RNG.random(400) < 1 / (1 + np.exp(-(8 * SCORES - 5)))


def test_platt_is_a_logistic_regression_on_the_scores_own_scale():
    free = LogisticRegression(C=1e6, max_iter=1000).fit(SCORES[:, None], RELEVANT)
    expected = free.predict_proba(SCORES[:, None])[:, 1]
    np.testing.assert_allclose(platt(SCORES, RELEVANT)(SCORES), expected, atol=2e-3)


def test_isotonic_is_scikit_learns():
    expected = IsotonicRegression(out_of_bounds="clip").fit(SCORES, RELEVANT)
    given = np.linspace(-0.5, 1.5, 200)
    np.testing.assert_allclose(isotonic(SCORES, RELEVANT)(given), expected.predict(given), atol=1e-12)


@pytest.mark.parametrize("fit", [platt, isotonic])
def test_calibrated_probabilities_have_the_datas_mean(fit):
    assert fit(SCORES, RELEVANT)(SCORES).mean() == pytest.approx(RELEVANT.mean(), abs=0.002)


def test_scores_that_separate_perfectly_give_a_finite_calibration():
    calibration = platt(SCORES, SCORES > 0.5)
    low, high = calibration([0.1, 0.9])
    assert low < 0.05
    assert high > 0.95


@pytest.mark.parametrize(
    ("scores", "relevant", "share"),
    [
        (SCORES[:8], np.ones(8, bool), 9 / 10),
        (SCORES[:8], np.zeros(8, bool), 1 / 10),
        (np.full(8, 0.4), np.arange(8) < 2, 3 / 10),
        (np.zeros(0), np.zeros(0, bool), 1 / 2),
    ],
)
def test_without_anything_to_tell_apart_platt_is_the_smoothed_share(scores, relevant, share):
    assert platt(scores, relevant)([0.0, 0.5, 1.0]).tolist() == pytest.approx([share] * 3)


def test_a_side_that_must_rise_does_not_fall():
    falling = RNG.random(400) < 1 - SCORES
    assert platt(SCORES, falling).slope < 0
    assert platt(SCORES, falling, rising=True)([0.0, 1.0]).tolist() == pytest.approx([(falling.sum() + 1) / 402] * 2)


def test_log_odds_are_smoothed():
    assert log_odds([True, True, False]) == pytest.approx(np.log(3 / 2))
    assert log_odds([]) == 0


def test_few_pairs_are_never_fitted_by_isotonic_regression():
    trials = synthetic_trials(queries=100)
    shown = Shown.of(trials, noisy_scores(trials))
    assert shown.scores.size < calibrate.ISOTONIC_PAIRS
    assert convex_settings(shown).judge.kind == "platt"


def test_a_step_that_no_sigmoid_fits_is_fitted_by_isotonic_regression():
    trials = synthetic_trials(queries=1200)
    relevant = np.take_along_axis(trials.relevant, trials.top(5), 1)
    rng = np.random.default_rng(1)
    upper = rng.random(relevant.shape) < np.where(relevant, 0.95, 0.4)  # the half says all, the place in it nothing
    chosen = convex_settings(Shown.of(trials, rng.random(relevant.shape) / 2 + upper / 2))
    assert (chosen.retrieval.kind, chosen.judge.kind) == ("isotonic", "isotonic")


def test_the_kind_is_not_chosen_on_the_queries_that_it_was_fitted_on(monkeypatch):
    monkeypatch.setattr(calibrate, "ISOTONIC_PAIRS", 0)  # 300 pairs: enough rope for steps to fit noise
    trials = synthetic_trials(queries=60, signal=0.1)
    shown = Shown.of(trials, np.random.default_rng(5).random((60, 5)))
    own = {}
    for kind in ("platt", "isotonic"):
        tried = [replace(calibrate._calibrated(shown, kind), judge_weight=weight) for weight in calibrate.WEIGHTS]
        own[kind] = max(shown.reciprocal_ranks(orders_of(shown, settings)).mean() for settings in tried)
    assert own["isotonic"] > own["platt"]
    assert convex_settings(shown).judge.kind == "platt"


def test_the_prior_is_the_share_of_relevant_items_among_the_unjudged():
    trials = synthetic_trials(queries=400)
    scores = noisy_scores(trials)
    relevant = np.take_along_axis(trials.relevant, trials.top(5), 1)
    complete = convex_settings(Shown.of(trials, scores))
    assert complete.prior == pytest.approx((relevant.sum() + 1) / (relevant.size + 2))
    refused = np.where(~relevant & (RNG.random(scores.shape) < 0.5), np.nan, scores)  # irrelevant ones only
    missing = np.isnan(refused).sum()
    assert convex_settings(Shown.of(trials, refused)).prior == pytest.approx(1 / (missing + 2))


def test_a_useless_judge_gets_little_weight_and_a_good_one_much():
    trials = synthetic_trials(queries=400, signal=0.3)
    useless = convex_settings(Shown.of(trials, RNG.random((400, 5))))
    flat = useless.judge([0.1, 0.9])
    assert abs(flat[1] - flat[0]) * useless.judge_weight < 0.1
    good = convex_settings(Shown.of(trials, noisy_scores(trials, skill=8.0)))
    assert good.judge([0.99])[0] * good.judge_weight > 0.4


def test_without_any_judgement_retrieval_has_all_the_weight():
    trials = synthetic_trials(queries=60)
    settings = convex_settings(Shown.of(trials, np.full((60, 5), np.nan)))
    assert settings.judge_weight == 0


def test_shown_items_that_are_all_irrelevant_teach_nothing():
    trials = synthetic_trials(queries=20)
    trials.grades[:] = 0
    with pytest.raises(InvalidInputError, match="no fusion can be tuned"):
        convex_settings(Shown.of(trials, noisy_scores(trials)))


def test_one_group_is_enough_and_nothing_warns():
    trials = synthetic_trials(queries=300, groups=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        settings = convex_settings(Shown.of(trials, noisy_scores(trials, missing=0.2)))
    assert isinstance(settings, ConvexSettings)
    assert isinstance(settings.judge, Calibration)
