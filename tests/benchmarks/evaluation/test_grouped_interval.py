"""Intervals over groups of queries that stand or fall together."""

import numpy as np
import pytest

from benchmarks.evaluation.grouped_interval import grouped_interval

pytest.importorskip("scipy")


def test_the_mean_is_over_queries_not_over_groups():
    values, groups = np.array([1.0, 1.0, 1.0, 0.0]), ["a", "a", "a", "b"]
    found = grouped_interval(values, groups)
    assert found["mean"] == 0.75
    assert (found["low"], found["high"]) == (0.0, 1.0)


def test_queries_that_fall_with_their_group_make_a_wider_interval_than_independent_ones():
    rng = np.random.default_rng(3)
    values = np.repeat(rng.standard_normal(40), 10)
    together = grouped_interval(values, [f"group {i // 10}" for i in range(400)])
    apart = grouped_interval(values, [f"query {i}" for i in range(400)])
    width = {name: found["high"] - found["low"] for name, found in (("together", together), ("apart", apart))}
    assert together["mean"] == apart["mean"]
    # 40 independent values against 400
    assert width["together"] / width["apart"] == pytest.approx(np.sqrt(10), rel=0.1)


def test_the_interval_of_independent_values_is_the_normal_one():
    values = np.random.default_rng(4).standard_normal(900)
    found = grouped_interval(values, [str(i) for i in range(900)])
    error = 1.96 * values.std() / 30
    assert found["low"] == pytest.approx(values.mean() - error, abs=0.005)
    assert found["high"] == pytest.approx(values.mean() + error, abs=0.005)


def test_the_same_values_give_the_same_interval_and_equal_ones_have_no_spread():
    values, groups = np.random.default_rng(5).random(30), [str(i % 7) for i in range(30)]
    assert grouped_interval(values, groups) == grouped_interval(values, groups)
    assert grouped_interval(np.zeros(30), groups) == {"mean": 0.0, "low": 0.0, "high": 0.0}
    one = grouped_interval(values, ["a"] * 30)
    assert one["low"] == one["mean"] == one["high"]
