"""The rungs: each is the ranking that its name says, and nothing is chosen by a query's own group."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.evaluation.fused_orders import judged_of, retrieved_of
from benchmarks.evaluation.ladder_systems import (
    DEFAULT,
    FIXED,
    JUDGE,
    POSFUSE_LILLIS,
    REFERENCE,
    SINGLE,
    SOUP,
    TUNED,
    VOTES,
    by_votes,
    judge_alone,
    reordered,
    rungs,
    single_fold,
)
from runtime import metrics
from runtime.fusion import fuse

from .synthetic_trials import noisy_scores, synthetic_trials

pytest.importorskip("sklearn")
NAN = np.nan


def test_the_judge_alone_orders_what_it_judged_and_leaves_the_rest_in_place():
    scores = np.array([[0.1, 0.9, 0.5], [0.2, NAN, 0.6], [NAN, NAN, NAN], [0.5, 0.5, 0.7], [NAN, 0.1, NAN]])
    np.testing.assert_array_equal(judge_alone(scores), [[1, 2, 0], [2, 1, 0], [0, 1, 2], [2, 0, 1], [0, 1, 2]])


def test_a_final_order_moves_the_first_k_and_nothing_behind_them():
    trials = synthetic_trials(queries=3, items=6)
    order = reordered(trials, np.array([[2, 0, 1], [0, 1, 2], [1, 2, 0]]))
    np.testing.assert_array_equal(order[0, :3], trials.order[0, [2, 0, 1]])
    np.testing.assert_array_equal(order[1], trials.order[1])
    np.testing.assert_array_equal(order[:, 3:], trials.order[:, 3:])


def test_votes_rank_by_the_published_sum_and_then_by_mean_cosine():
    trials = synthetic_trials(queries=20, items=12)
    for order, votes, similarity in zip(by_votes(trials), trials.votes, trials.similarities, strict=True):
        key = [(-votes[i], -similarity[i]) for i in order]
        assert key == sorted(key)
        assert sorted(order) == list(range(12))


def test_the_best_fold_is_chosen_by_the_other_groups():
    trials = synthetic_trials(queries=60, groups=6, folds=3, signal=0.0)
    cosines = trials.cosines.copy()
    own = np.array([group in {"group 0", "group 1"} for group in trials.groups])
    truth = trials.relevant.astype(np.float32)
    cosines[~own, :, 1] = truth[~own]  # elsewhere fold 1 knows everything
    cosines[own, :, 2] = truth[own]  # here fold 2 does, which the others cannot know
    trials = replace(trials, cosines=cosines)
    rung = single_fold([trials], splits=6)
    assert rung.name == SINGLE
    expected = np.argsort(-cosines[own, :, 1], axis=1, kind="stable")
    np.testing.assert_array_equal(rung.orders[0][own], expected)
    assert {row["fold"] for row in rung.chosen} == {1}


def test_every_rung_is_a_whole_ranking_of_every_query_under_its_own_name():
    pytest.importorskip("ranx")
    sets = [synthetic_trials(queries=40, groups=8, seed=seed) for seed in (1, 2)]
    scores = [noisy_scores(one, seed=i, missing=0.2) for i, one in enumerate(sets)]
    soup = [synthetic_trials(queries=40, folds=1, seed=seed) for seed in (1, 2)]
    found = {rung.name: rung for rung in rungs(sets, scores, soup, splits=4)}
    assert list(found) == [SINGLE, SOUP, VOTES, REFERENCE, JUDGE, *FIXED, POSFUSE_LILLIS, *TUNED]
    for rung in found.values():
        for one, order in zip(sets, rung.orders, strict=True):
            np.testing.assert_array_equal(np.sort(order, axis=1), np.tile(np.arange(len(one.items)), (40, 1)))
    np.testing.assert_array_equal(found[REFERENCE].orders[1], sets[1].order)
    np.testing.assert_array_equal(found[SOUP].orders[0], soup[0].order)
    for name in TUNED:
        assert len(found[name].chosen) == 4
    assert SOUP not in {rung.name for rung in rungs(sets[:1], scores[:1], splits=4)}
    # a row of the default equals the runtime's own fusion
    fused = fuse(retrieved_of(sets[0], 7, 5), judged_of(sets[0], 7, scores[0][7]))
    assert [item.item_id for item in fused] == found[DEFAULT].orders[0][7, :5].tolist()


def test_a_good_judge_lifts_every_fusion_above_the_ensemble():
    pytest.importorskip("ranx")
    trials = synthetic_trials(queries=200, groups=20)
    truth = np.take_along_axis(trials.relevant, trials.top(5), 1) * 0.8 + 0.1
    mrr = {}
    for rung in rungs([trials], [truth], splits=4):
        places = np.argsort(rung.orders[0], axis=1)
        mrr[rung.name] = metrics.mrr(metrics.first_relevant_rank(-places.astype(float), trials.relevant))
    assert all(mrr[name] > mrr[REFERENCE] for name in (JUDGE, *FIXED, POSFUSE_LILLIS, *TUNED))
    assert mrr[JUDGE] == max(mrr.values())
