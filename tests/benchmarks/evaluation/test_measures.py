"""The measures, held against arithmetic and against the kernels of the runtime."""

import math

import numpy as np
import pytest

from benchmarks.evaluation.measures import MEASURES, TITLES, means, measurable, measure_orders, measure_run
from runtime import metrics
from runtime.errors import InvalidInputError

from .synthetic_trials import synthetic_trials

pytest.importorskip("ir_measures")

QRELS = {"q": {"a": 2, "b": 1, "c": 2, "z": 0}, "none": {"a": 0}, "silent": {"a": 2}}
RUN = {"q": {"x": 9.0, "a": 8.0, "b": 7.0, "y": 6.0, "c": 5.0}, "none": {"a": 1.0}}


def test_every_measure_is_its_formula():
    found = {key: value[0] for key, value in measure_run(RUN, QRELS, relevant=2).items()}
    ideal = 2 + 2 / math.log2(3) + 1 / math.log2(4)
    got = 2 / math.log2(3) + 1 / math.log2(4) + 2 / math.log2(6)
    assert found == pytest.approx(
        {
            "r1": 0,
            "r5": 1,
            "recall5": 2 / 2,
            "recall10": 2 / 2,
            "mrr": 1 / 2,
            "ndcg5": got / ideal,
            "ndcg10": got / ideal,
            "map": (1 / 2 + 2 / 5) / 2,
        }
    )
    assert set(found) == set(MEASURES) == set(TITLES)


def test_with_grade_1_relevant_the_second_item_counts_too():
    found = measure_run(RUN, QRELS, relevant=1)
    assert found["map"][0] == pytest.approx((1 / 2 + 2 / 3 + 3 / 5) / 3)
    assert found["recall5"][0] == 1


def test_a_query_without_an_answer_in_the_qrels_is_left_out_and_an_unanswered_one_counts_0():
    assert measurable(QRELS, 2) == ["q", "silent"]
    found = measure_run(RUN, QRELS, relevant=2)
    assert all(len(value) == 2 and value[1] == 0 for value in found.values())
    with pytest.raises(InvalidInputError, match="no query has an item of grade 3"):
        measure_run(RUN, QRELS, relevant=3)


def test_ties_are_ordered_by_item_the_larger_first():
    tied = {"q": {"a": 1.0, "b": 1.0}}
    assert measure_run(tied, {"q": {"a": 1}})["mrr"][0] == 0.5
    assert measure_run(tied, {"q": {"b": 1}})["mrr"][0] == 1


def test_the_runtimes_kernels_agree_on_rankings_without_ties():
    trials = synthetic_trials(queries=200, items=30)
    found = measure_orders([trials], [trials.order])
    ranks = metrics.first_relevant_rank(trials.similarities, trials.relevant)
    np.testing.assert_allclose(found["mrr"], 1 / ranks)
    assert found["r1"].mean() == metrics.success_at(ranks, 1)
    assert found["r5"].mean() == metrics.success_at(ranks, 5)
    for k in (5, 10):
        assert found[f"recall{k}"].mean() == pytest.approx(metrics.recall_at(trials.similarities, trials.relevant, k))


def test_orders_of_several_sets_are_measured_one_after_the_other():
    sets = [synthetic_trials(queries=5, seed=1), synthetic_trials(queries=7, items=20, seed=2)]
    together = measure_orders(sets, [one.order for one in sets])
    apart = [measure_orders([one], [one.order]) for one in sets]
    for key in MEASURES:
        np.testing.assert_array_equal(together[key], np.concatenate([part[key] for part in apart]))
    assert means(together)["mrr"] == together["mrr"].mean()


def test_a_query_that_nothing_answers_is_named():
    trials = synthetic_trials(queries=3)
    trials.grades[1] = 0
    with pytest.raises(InvalidInputError, match="'query 1' has no relevant item"):
        measure_orders([trials], [trials.order])
