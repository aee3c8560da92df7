"""Tuning: it maximises MRR on its own queries, and never sees those that it is judged by."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the training environment")
from benchmarks.evaluation.fused_orders import Shown, fused_orders, judged_of, orders_of, retrieved_of
from benchmarks.evaluation.tuning import FAMILIES, joined_rows, out_of_fold, pos_fuse_grid, rrf_grid, tune, tuned_splits
from runtime.errors import InvalidInputError
from runtime.fusion import ConvexSettings, PosFuseSettings, fuse

from .synthetic_trials import noisy_scores, synthetic_trials

TRIALS = synthetic_trials()
SCORES = noisy_scores(TRIALS, missing=0.2)


def _mrr(trials, scores, settings, rows=slice(None)):
    return Shown.of(trials, scores).reciprocal_ranks(fused_orders(trials, scores, settings))[rows].mean()


@pytest.mark.parametrize("grid", [pos_fuse_grid, rrf_grid])
def test_a_grid_starts_with_the_defaults_and_repeats_nothing(grid):
    settings = list(grid(0.5))
    default = PosFuseSettings() if grid is pos_fuse_grid else PosFuseSettings(strategy="rrf")
    assert settings[0] == default
    assert len(set(settings)) == len(settings) < 700
    assert all(s.prior == 0.5 for s in settings)


def test_the_grid_holds_every_judge_weight_with_and_without_agreement():
    settings = list(pos_fuse_grid(0.5))
    assert {s.judge_weight for s in settings} == {i / 10 for i in range(11)}
    assert {s.decay for s in settings} == {"exponential", "linear", "logarithmic", "reciprocal"}
    assert {s.judge_weight for s in settings if s.agreement} == {i / 10 for i in range(1, 10)}


@pytest.mark.parametrize(("family", "grid"), [("pos_fuse", pos_fuse_grid), ("rrf", rrf_grid)])
def test_tuned_settings_have_the_highest_mrr_of_the_grid(family, grid):
    chosen = tune([TRIALS], [SCORES], family)
    mean = round(float(np.nanmean(SCORES)), 3)
    best = max(_mrr(TRIALS, SCORES, s) for prior in (0.5, 0.3, mean) for s in grid(prior))
    assert _mrr(TRIALS, SCORES, chosen) == best
    assert best > _mrr(TRIALS, SCORES, next(iter(grid(0.5))))


def test_the_gain_is_what_the_runtime_gives_query_by_query():
    chosen = tune([TRIALS], [SCORES], "pos_fuse")
    reciprocal = []
    for query, row in enumerate(SCORES):
        fused = fuse(retrieved_of(TRIALS, query, 5), judged_of(TRIALS, query, row), chosen)
        order = [i.item_id for i in fused] + TRIALS.order[query, 5:].tolist()
        reciprocal.append(1 / next(rank for rank, item in enumerate(order, 1) if TRIALS.grades[query, item] == 2))
    assert np.mean(reciprocal) == pytest.approx(_mrr(TRIALS, SCORES, chosen))


def test_of_settings_that_do_equally_well_the_published_values_win():
    trials = synthetic_trials(queries=20)
    trials.grades[:] = 0
    np.put_along_axis(trials.grades, trials.top(5), 2, 1)  # all five relevant: every order is as good
    assert tune([trials], [noisy_scores(trials)], "pos_fuse") == PosFuseSettings()


def test_a_judge_that_guesses_loses_its_weight_and_one_that_knows_keeps_it():
    trials = synthetic_trials(queries=400, signal=0.3)
    guessed = np.random.default_rng(0).random((400, 5))
    assert tune([trials], [guessed], "pos_fuse").judge_weight <= 0.3
    known = np.take_along_axis(trials.grades, trials.top(5), 1) / 2
    chosen = tune([trials], [known], "pos_fuse")
    relevant = np.take_along_axis(trials.relevant, trials.top(5), 1).any(1)
    assert _mrr(trials, known, chosen, relevant) == 1.0


@pytest.mark.parametrize("family", FAMILIES)
def test_only_the_chosen_rows_are_used_as_mask_or_as_indices(family):
    rows = np.arange(120) % 3 == 0
    chosen = tune([TRIALS], [SCORES], family, [rows])
    assert chosen == tune([TRIALS], [SCORES], family, [np.flatnonzero(rows)])
    elsewhere = replace(TRIALS, grades=TRIALS.grades.copy())
    elsewhere.grades[~rows] = 2 - elsewhere.grades[~rows]
    other_scores = np.where(rows[:, None], SCORES, 0.1)
    assert chosen == tune([elsewhere], [other_scores], family, [rows])


@pytest.mark.parametrize("family", FAMILIES)
def test_several_trial_sets_are_tuned_together(family):
    first, second = np.arange(120) < 60, np.arange(120) >= 60
    halves = [replace(TRIALS, **_part(TRIALS, half)) for half in (first, second)]
    both = tune(halves, [SCORES[first], SCORES[second]], family)
    assert both == tune([TRIALS], [SCORES], family)


def _part(trials, rows):
    lists = {
        name: [x for x, yes in zip(getattr(trials, name), rows, strict=True) if yes] for name in ("texts", "groups")
    }
    return lists | {"cosines": trials.cosines[rows], "grades": trials.grades[rows]}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_groups_own_labels_and_scores_have_no_part_in_its_settings(family):
    """Everything about one group is poisoned: its settings stay, those tuned with it change."""
    trials = synthetic_trials(queries=200, groups=5)
    scores = noisy_scores(trials, missing=0.2)
    poisoned = replace(trials, grades=trials.grades.copy())
    own = np.array(trials.groups) == "group 2"
    poisoned.grades[own] = 0
    poisoned.grades[own, 6:] = 2
    worst = np.take_along_axis(poisoned.grades, poisoned.top(5), 1) < 2
    bad_scores = np.where(own[:, None], np.where(worst, 0.9, 0.05), scores)

    plain = tuned_splits([trials], [scores], family, 5)
    after = tuned_splits([poisoned], [bad_scores], family, 5)
    changed = 0
    for before, now in zip(plain, after, strict=True):
        np.testing.assert_array_equal(before.held_out[0], now.held_out[0])
        if before.held_out[0][own].any():
            assert now.settings == before.settings
        else:
            changed += now.settings != before.settings
    assert changed or family == "rrf"  # k alone hardly moves


def test_out_of_fold_orders_are_those_of_the_splits_settings():
    splits = tuned_splits([TRIALS], [SCORES], "pos_fuse", 4)
    (orders,) = out_of_fold([TRIALS], [SCORES], "pos_fuse", 4)
    for split in splits:
        out = split.held_out[0]
        np.testing.assert_array_equal(orders[out], fused_orders(TRIALS, SCORES, split.settings)[out])


@pytest.mark.parametrize("family", FAMILIES)
def test_out_of_fold_gives_every_trial_set_its_own_orders(family):
    other = synthetic_trials(queries=60, items=8, seed=4)
    scores = [SCORES, noisy_scores(other, seed=4)]
    orders = out_of_fold([TRIALS, other], scores, family, 3)
    assert [order.shape for order in orders] == [(120, 5), (60, 5)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order, axis=1), np.broadcast_to(np.arange(5), order.shape))


def test_a_group_that_two_trial_sets_share_is_held_out_in_both():
    other = synthetic_trials(queries=60, seed=4)  # the same names of groups
    for split in tuned_splits([TRIALS, other], [SCORES, noisy_scores(other)], "rrf", 3):
        first, second = (
            {group for group, out in zip(one.groups, mask, strict=True) if out}
            for one, mask in zip((TRIALS, other), split.held_out, strict=True)
        )
        assert first == second


def test_the_prior_is_only_tuned_where_something_is_missing():
    assert tune([TRIALS], [noisy_scores(TRIALS)], "pos_fuse").prior == PosFuseSettings.prior


def test_a_judge_that_said_nothing_leaves_the_defaults():
    nothing = np.full((120, 5), np.nan)
    assert tune([TRIALS], [nothing], "pos_fuse") == PosFuseSettings()
    convex = tune([TRIALS], [nothing], "convex")
    assert isinstance(convex, ConvexSettings)
    np.testing.assert_array_equal(orders_of(Shown.of(TRIALS, nothing), convex), np.broadcast_to(np.arange(5), (120, 5)))


def test_masks_and_none_become_one_mask():
    other = synthetic_trials(queries=4)
    joined = joined_rows([other, other], [np.array([True, False, False, True]), np.array([2])])
    assert joined.tolist() == [True, False, False, True, False, False, True, False]
    assert joined_rows([other], None).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_no_query_is_refused(family):
    with pytest.raises(InvalidInputError, match="no query to tune on"):
        tune([TRIALS], [SCORES], family, [np.zeros(120, bool)])


def test_an_unknown_family_is_refused():
    with pytest.raises(InvalidInputError, match="choose one of pos_fuse, convex, rrf"):
        tune([TRIALS], [SCORES], "borda")
