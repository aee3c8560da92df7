"""Metrics against examples worked out by hand."""

import numpy as np
import pytest

from runtime import metrics
from runtime.errors import InvalidInputError

# query 0: relevant item first; query 1: relevant items second and third; query 2: last
SIMILARITIES = np.array([[0.9, 0.5, 0.1, 0.0], [0.8, 0.7, 0.6, 0.5], [0.4, 0.3, 0.2, 0.1]])
RELEVANT = np.array([[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]], bool)


def test_ranks_success_and_mrr_of_a_worked_example():
    ranks = metrics.first_relevant_rank(SIMILARITIES, RELEVANT)
    np.testing.assert_array_equal(ranks, [1, 2, 4])
    assert ranks.dtype == np.int64
    assert metrics.success_at(ranks, 1) == pytest.approx(1 / 3)
    assert metrics.success_at(ranks, 2) == pytest.approx(2 / 3)
    assert metrics.mrr(ranks) == pytest.approx((1 + 1 / 2 + 1 / 4) / 3)
    table = metrics.table(SIMILARITIES, RELEVANT)
    assert table == pytest.approx({"r1": 1 / 3, "r5": 1.0, "r10": 1.0, "mrr": (1 + 1 / 2 + 1 / 4) / 3})


def test_success_and_recall_differ_where_many_items_are_relevant():
    ranks = metrics.first_relevant_rank(SIMILARITIES, RELEVANT)
    assert metrics.success_at(ranks, 2) == pytest.approx((1 + 1 + 0) / 3)
    assert metrics.recall_at(SIMILARITIES, RELEVANT, 2) == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert metrics.recall_at(SIMILARITIES, RELEVANT, 3) == pytest.approx((1 + 1 + 0) / 3)


def test_ties_count_against_the_query():
    constant = np.zeros((2, 4))
    relevant = np.array([[1, 0, 0, 0], [0, 1, 1, 0]], bool)
    np.testing.assert_array_equal(metrics.first_relevant_rank(constant, relevant), [4, 3])
    assert metrics.recall_at(constant, relevant, 2) == 0
    assert metrics.recall_at(constant, relevant, 3) == pytest.approx((0 + 1 / 2) / 2)


def test_relevant_items_that_tie_with_each_other_do_not_hurt():
    tied = np.array([[0.9, 0.9, 0.1]])
    np.testing.assert_array_equal(metrics.first_relevant_rank(tied, np.array([[1, 1, 0]], bool)), [1])


def test_a_rank_equals_a_sort_on_random_scores():
    rng = np.random.default_rng(0)
    similarities = rng.normal(size=(50, 30)).astype(np.float32)
    relevant = rng.random((50, 30)) < 0.1
    relevant[:, 3] = True
    for row, (scores, truth) in enumerate(zip(similarities, relevant, strict=True)):
        order = sorted(range(30), key=lambda i: -scores[i])
        expected = next(place for place, i in enumerate(order, start=1) if truth[i])
        assert metrics.first_relevant_rank(similarities, relevant)[row] == expected


def test_scores_that_are_no_numbers_are_refused():
    """A fold that diverged would otherwise have every rank 1: nothing is greater than NaN."""
    with pytest.raises(InvalidInputError, match="NaN"):
        metrics.table(np.full((2, 2), np.nan), np.eye(2, dtype=bool))


def test_a_query_without_a_relevant_item_and_unequal_shapes_are_refused():
    with pytest.raises(InvalidInputError, match="needs a relevant item"):
        metrics.first_relevant_rank(np.zeros((1, 3)), np.zeros((1, 3), bool))
    with pytest.raises(InvalidInputError, match=r"\(1, 3\).*\(1, 2\)"):
        metrics.first_relevant_rank(np.zeros((1, 3)), np.ones((1, 2), bool))


GRADES = np.array([[0, 2, 1, 0], [1, 0, 0, 2], [0, 0, 0, 1]])


def test_ndcg_of_a_worked_example_has_linear_gains_and_a_log2_discount():
    first = (2 / np.log2(3)) / (2 / np.log2(2) + 1 / np.log2(3))  # grades 0, 2 of the ideal 2, 1
    second = (1 / np.log2(2)) / (2 / np.log2(2) + 1 / np.log2(3))
    assert metrics.ndcg_at(SIMILARITIES, GRADES, 2) == pytest.approx((first + second + 0) / 3)
    last = (1 / np.log2(2) + 2 / np.log2(5)) / (2 / np.log2(2) + 1 / np.log2(3))
    whole = ((2 / np.log2(3) + 1 / np.log2(4)) / (2 + 1 / np.log2(3)), last, 1 / np.log2(5))
    assert metrics.ndcg_at(SIMILARITIES, GRADES, 10) == pytest.approx(np.mean(whole))


def test_ndcg_counts_ties_against_the_query():
    constant = np.zeros((1, 3))
    grades = np.array([[2, 0, 1]])
    assert metrics.ndcg_at(constant, grades, 1) == 0
    assert metrics.ndcg_at(constant, grades, 2) == pytest.approx((1 / np.log2(3)) / (2 + 1 / np.log2(3)))
    assert metrics.ndcg_at(-np.array([[0, 2, 1]]), grades, 3) == 1.0


@pytest.mark.parametrize("k", [1, 5, 10, 50])
def test_ndcg_equals_ir_measures_on_random_scores(k):
    ir_measures = pytest.importorskip("ir_measures", reason="the benchmark environment")
    rng = np.random.default_rng(k)
    scores, grades = rng.normal(size=(25, 20)), rng.integers(0, 3, (25, 20))
    grades[:, 4] = 2
    pairs = [(q, d) for q in range(25) for d in range(20)]
    run = [ir_measures.ScoredDoc(str(q), str(d), float(scores[q, d])) for q, d in pairs]
    truth = [ir_measures.Qrel(str(q), str(d), int(grades[q, d])) for q, d in pairs]
    measure = ir_measures.nDCG @ k
    expected = ir_measures.calc_aggregate([measure], truth, run)[measure]
    assert metrics.ndcg_at(scores, grades, k) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("similarities", "grades", "k", "says"),
    [
        (np.zeros((1, 3)), np.ones((1, 2), int), 1, r"\(1, 3\).*\(1, 2\)"),
        (np.full((1, 2), np.nan), np.ones((1, 2), int), 1, "NaN"),
        (np.zeros((1, 2)), np.array([[1, -1]]), 1, "lowest grade of -1"),
        (np.zeros((1, 2)), np.ones((1, 2), int), 0, "k ≥ 1"),
        (np.zeros((1, 2)), np.zeros((1, 2), int), 1, "needs a relevant item"),
    ],
)
def test_ndcg_refuses_what_has_no_value(similarities, grades, k, says):
    with pytest.raises(InvalidInputError, match=says):
        metrics.ndcg_at(similarities, grades, k)
