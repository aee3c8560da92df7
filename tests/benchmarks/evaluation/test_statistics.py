"""Intervals and tests over queries, held against exact counts."""

import itertools

import numpy as np
import pytest

from benchmarks.evaluation.statistics import every_pair, holm, interval, paired_p
from runtime.errors import InvalidInputError

pytest.importorskip("scipy")


def exact_p(sums):
    """Two-sided p by counting all signs: twice the smaller tail, at most 1."""
    totals = [
        sum(s * x for s, x in zip(signs, sums, strict=True)) for signs in itertools.product((1, -1), repeat=len(sums))
    ]
    observed = sum(sums)
    tails = (np.mean([t >= observed - 1e-12 for t in totals]), np.mean([t <= observed + 1e-12 for t in totals]))
    return min(1.0, 2 * min(tails))


def test_p_is_the_share_of_sign_changes_that_are_as_extreme():
    differences = np.array([0.5, 0.25, -0.1, 0.7, 0.3, 0.05, 0.9])
    assert paired_p(differences) == pytest.approx(exact_p(differences))
    assert paired_p(-differences) == pytest.approx(exact_p(differences))


def test_groups_are_swapped_whole():
    differences = np.array([0.5, 0.5, 0.5, -0.2, -0.2, 0.4, 0.4, 0.4])
    groups = ["a", "a", "a", "b", "b", "c", "c", "c"]
    assert paired_p(differences, groups) == pytest.approx(exact_p([1.5, -0.4, 1.2]))
    assert paired_p(differences, groups) > paired_p(differences)


def test_equal_systems_have_p_1_and_one_group_proves_nothing():
    assert paired_p(np.zeros(50)) == 1
    assert paired_p(np.array([0.0, 0.9, 0.0])) == 1
    assert paired_p(np.full(20, 0.5), ["one"] * 20) == 1


def test_many_queries_are_drawn_with_a_seed():
    differences = np.random.default_rng(3).normal(0.05, 0.3, 300)
    first = paired_p(differences, resamples=2000)
    assert first == paired_p(differences, resamples=2000)
    # the normal approximation of the same test
    z = differences.sum() / np.sqrt((differences**2).sum())
    assert first == pytest.approx(2 * (1 - _normal(z)), abs=0.01)


def _normal(z):
    from statistics import NormalDist

    return NormalDist().cdf(abs(z))


def test_holm_multiplies_the_smallest_by_all_and_never_falls():
    # sorted: .01·4, .02·3, .03·2 raised to .06, .9
    assert holm([0.03, 0.01, 0.9, 0.02]) == pytest.approx([0.06, 0.04, 0.9, 0.06])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([]) == []


def test_an_interval_covers_the_mean_and_is_wider_over_groups_that_agree():
    rng = np.random.default_rng(0)
    per_group = rng.normal(0.5, 0.2, 20)
    values, groups = np.repeat(per_group, 10), np.repeat(np.arange(20), 10).tolist()
    single, grouped = interval(values), interval(values, groups)
    assert single.low < single.mean < single.high
    assert single.mean == grouped.mean == pytest.approx(values.mean())
    assert grouped.high - grouped.low > 2 * (single.high - single.low)
    # the usual normal interval of 20 group means
    assert grouped.high - grouped.low == pytest.approx(2 * 1.96 * per_group.std() / np.sqrt(20), rel=0.15)


def test_what_has_no_spread_has_no_width_and_nothing_to_draw_from_is_refused():
    assert interval(np.ones(5)).low == interval(np.ones(5)).high == 1
    with pytest.raises(InvalidInputError, match="no query"):
        interval(np.array([]))
    with pytest.raises(InvalidInputError, match="5 values and 2 groups"):
        interval(np.arange(5.0), ["a", "b"])


def test_every_pair_is_tested_once_in_the_order_given():
    rng = np.random.default_rng(1)
    base = rng.random(60)
    systems = {"a": base, "b": base + rng.normal(0.2, 0.05, 60), "c": base.copy()}
    pairs = every_pair(systems, resamples=999)
    assert [(pair.first, pair.second) for pair in pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert pairs[0].difference == pytest.approx((systems["b"] - base).mean())
    assert pairs[2].difference == pytest.approx(-pairs[0].difference)
    assert pairs[1].p == pairs[1].p_holm == 1
    assert pairs[0].p < 0.01
    assert pairs[0].p_holm == pytest.approx(3 * pairs[0].p)
