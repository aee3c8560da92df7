"""The coverage-risk curve, by hand."""

import numpy as np
import pytest

from benchmarks.evaluation.coverage import coverage_risk
from runtime.errors import InvalidInputError


def test_the_risk_at_a_coverage_is_the_share_of_wrong_hits_among_the_surest():
    curve = coverage_risk(np.array([0.2, 0.9, 0.7, 0.5]), np.array([False, True, False, True]))
    np.testing.assert_allclose(curve.coverage, [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(curve.risk, [0, 1 / 2, 1 / 3, 2 / 4])
    assert curve.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert curve.best == pytest.approx((0 + 0 + 1 / 3 + 2 / 4) / 4)


def test_equally_sure_queries_are_answered_together_in_whatever_order_they_stand():
    right = np.array([True, False, True, False])
    for order in ([0, 1, 2, 3], [3, 1, 2, 0]):
        curve = coverage_risk(np.full(4, 0.5), right[order])
        np.testing.assert_allclose(curve.risk, 0.5)
    curve = coverage_risk(np.array([0.9, 0.5, 0.5]), np.array([True, False, True]))
    np.testing.assert_allclose(curve.risk, [0, 1 / 3, 1 / 3])


def test_a_confidence_that_knows_every_error_is_the_best():
    right = np.random.default_rng(0).random(100) < 0.7
    assert coverage_risk(right.astype(float), right).area >= coverage_risk(right.astype(float), right).best
    assert coverage_risk(right - np.arange(100) * 1e-6, right).area == coverage_risk(right * 1.0, right).best


@pytest.mark.parametrize("confidence", [[], [0.5], [0.5, np.nan]])
def test_a_confidence_for_each_query_is_needed(confidence):
    with pytest.raises(InvalidInputError, match="expected one number for each"):
        coverage_risk(np.array(confidence), np.array([True] * 2 if confidence else []))
