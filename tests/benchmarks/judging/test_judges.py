"""The simulated judge's experiments: shuffles, missing answers, help and harm."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evaluation.fused_orders import judged_of, retrieved_of
from benchmarks.evaluation.ladder_systems import FIXED, JUDGE, TUNED
from benchmarks.evaluation.trials import Trials
from benchmarks.judging.fusion_missing import CORRECTED, PUBLISHED, missing_figures
from benchmarks.judging.judge_order import kendall_taus, order_figures
from benchmarks.judging.judge_sweep import harms_below, helps_from, pair_accuracy, sweep_figures
from benchmarks.judging.judges import flat, plot
from benchmarks.judging.judges_section import fusion_missing_section, judge_order_section, judge_sweep_section
from benchmarks.judging.simulated import SimulatedJudge, simulated_scores
from runtime.dataset import Record
from runtime.fusion import fuse

pytest.importorskip("scipy")
pytest.importorskip("sklearn")

SIMULATED = SimulatedJudge.from_file()
NAN = np.nan


@cache
def trials() -> Trials:
    """600 queries of 40 patients over 20 items: retrieval is better than chance and far from perfect."""
    rng = np.random.default_rng(0)
    grades = rng.choice(3, (600, 20), p=(0.6, 0.2, 0.2)).astype(np.int8)
    grades[grades.max(1) < 2, 0] = 2
    grades[:20] = 2  # of one grade: no order is better than another
    cosines = 0.3 * grades[:, :, None] / 2 + 0.2 * rng.standard_normal((600, 20, 4))
    return Trials(
        name="random",
        texts=[f"query {i}" for i in range(600)],
        groups=[f"patient {i % 40}" for i in range(600)],
        strata={},
        items=[Record(f"{i}.png", Path(f"{i}.png")) for i in range(20)],
        cosines=cosines.astype(np.float32),
        grades=grades,
    )


@cache
def order_result():
    return order_figures(trials(), SIMULATED)


@cache
def missing_result():
    return missing_figures(trials(), SIMULATED, (0.5, 1.0))


@cache
def sweep_result():
    return sweep_figures(trials(), SIMULATED, (0.35, 1.0))


def test_tau_is_1_for_truth_minus_1_for_its_reverse_and_pays_for_nothing_that_truth_ties():
    truth = np.array([[0, 1, 2], [2, 1, 0], [0, 2, 2]], np.int8)
    scores = np.array([[0.1, 0.5, 0.9], [0.1, 0.5, 0.9], [0.1, 0.8, 0.9]])
    # tau-b of the third: 2 concordant pairs of 3, one tied in truth: 2 / √(3·2)
    assert kendall_taus(scores, truth) == pytest.approx([1, -1, 2 / np.sqrt(6)])


def test_tau_rises_with_every_further_shuffle():
    found = order_result()
    assert found["tau_1"] < found["tau_3"] < found["tau_5"]
    assert found["monotone"]
    assert found["steps"]["3 - 1"]["low"] > 0
    assert found["steps"]["3 - 1"]["mean"] == pytest.approx(found["tau_3"] - found["tau_1"])
    assert found["intervals"]["1"][0] < found["tau_1"] < found["intervals"]["1"][1]


def test_a_judge_without_bias_begins_higher_and_gains_less_from_shuffling():
    rows = {(row["way"], row["shuffles"]): row["mean"] for row in order_result()["rows"]}
    biased, unbiased = ([rows[way, n] for n in (1, 5)] for way in ("listwise", "listwise, without bias"))
    assert unbiased[0] > biased[0]
    assert unbiased[1] - unbiased[0] < biased[1] - biased[0]


def test_queries_of_one_grade_are_left_out_and_counted():
    found = order_result()
    top = np.take_along_axis(trials().grades, trials().top(5), axis=1)
    assert found["queries_of_one_grade"] == int((top.min(1) == top.max(1)).sum()) >= 20
    assert found["queries"] + found["queries_of_one_grade"] == 600
    assert found["judge"]["missing_at_random"] == found["judge"]["missing_by_refusal"] == 0


def test_with_nothing_missing_corrected_and_published_order_every_query_alike():
    found = missing_result()
    assert found["different_at_0"] == 0
    for by_measure in found["by_kind"].values():
        for by_percent in by_measure.values():
            assert by_percent["0"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert all(row["missing"] == 0 for row in found["rows"] if row["percent"] == "0")
    assert found["corrected_minus_published"] == found["by_kind"]["random"]["mrr"]
    assert list(found["corrected_minus_published"]) == ["0", "20", "50"]


def test_equal_scores_listed_out_of_retrieval_order_are_the_exception_at_0_percent():
    retrieved = retrieved_of(trials(), 0, 5)
    listed = dict.fromkeys(reversed(retrieved.ids), 0.7)
    orders = [[item.item_id for item in fuse(retrieved, listed, settings)] for settings in (PUBLISHED, CORRECTED)]
    assert orders[1] == list(retrieved.ids)
    assert orders[0] != orders[1]


def test_the_difference_is_that_of_the_runtimes_fusion_query_by_query():
    judge = SIMULATED.replace(missing_at_random=0.5, missing_by_refusal=0.0)
    scores = simulated_scores(trials(), 5, judge)
    gains = []
    for query in range(600):
        retrieved, judged = retrieved_of(trials(), query, 5), judged_of(trials(), query, scores[query])
        behind = trials().order[query, 5:].tolist()
        ranks = []
        for settings in (CORRECTED, PUBLISHED):
            rows = [item.item_id for item in fuse(retrieved, judged, settings)] + behind
            ranks.append(1 + int(np.argmax(trials().relevant[query, rows])))
        gains.append(1 / ranks[0] - 1 / ranks[1])
    found = missing_result()["corrected_minus_published"]["50"]
    assert found["mean"] == pytest.approx(np.mean(gains))
    assert found["low"] < found["mean"] < found["high"]


def test_a_perfect_judge_helps_every_fusion_and_one_below_chance_harms_all_that_are_not_tuned():
    found = sweep_result()
    assert set(found["helps_from"].values()) <= {0.35, 1.0}
    untuned = [JUDGE, *FIXED]
    assert {name: found["harms_below"][name] for name in untuned} == dict.fromkeys(untuned, 1.0)
    worst = {row["fusion"]: row["mrr_minus_ensemble"] for row in found["rows"] if row["accuracy"] == 0.35}
    assert list(found["helps_from"]) == [*untuned, *TUNED]
    assert all(worst[tuned]["mean"] > worst[name]["mean"] + 0.02 for tuned in TUNED for name in untuned)
    perfect = [row["pair_accuracy"] for row in found["rows"] if row["accuracy"] == 1.0]
    assert set(perfect) == {1.0}


def test_pair_accuracy_counts_judged_pairs_of_grades_2_and_0():
    top = trials().top(5)
    grades = np.take_along_axis(trials().grades, top, axis=1)
    assert pair_accuracy(trials(), grades / 2.0) == 1.0
    assert pair_accuracy(trials(), 1 - grades / 2.0) == 0.0
    assert np.isnan(pair_accuracy(trials(), np.full(top.shape, NAN)))


def points(*intervals):
    accuracies = (0.4, 0.6, 0.8, 1.0)
    return [
        {"accuracy": accuracy, "mrr_minus_ensemble": {"low": low, "high": high}}
        for accuracy, (low, high) in zip(accuracies, intervals, strict=True)
    ]


def test_help_and_harm_are_read_off_the_intervals():
    harm, level, help_ = (-0.2, -0.1), (-0.1, 0.1), (0.1, 0.2)
    assert helps_from(points(harm, level, help_, help_)) == 0.8
    assert harms_below(points(harm, level, help_, help_)) == 0.6
    assert helps_from(points(help_, level, level, help_)) == 1.0, "helping below chance alone is no start"
    assert helps_from(points(help_, help_, help_, level)) is None
    assert helps_from(points(help_, help_, help_, help_)) == 0.4
    assert harms_below(points(level, harm, level, help_)) is None
    assert harms_below(points(harm, harm, harm, harm)) == 1.0


def test_sections_say_simulated_and_hold_every_row():
    order, missing = judge_order_section(order_result()), fusion_missing_section(missing_result())
    sweep = judge_sweep_section(sweep_result())
    for text in (order, missing, sweep):
        assert "*simulated* judge" in text
        assert "synthetic" in text
    assert f"{order_result()['tau_5']:.3f}" in order
    assert missing.count("+0.0000 (+0.0000 to +0.0000)") == 4
    assert all(f"| {name} |" in sweep for name in sweep_result()["helps_from"])
    harmed = next(r for r in sweep_result()["rows"] if r["fusion"] == JUDGE)["mrr_minus_ensemble"]["mean"]
    assert f"**{harmed:+.3f}**" in sweep


def test_every_result_has_its_plot(tmp_path):
    pytest.importorskip("matplotlib")
    paths = [path for found in (order_result(), missing_result(), sweep_result()) for path in plot(found, tmp_path)]
    assert sorted(path.name for path in paths) == ["fusion_missing.png", "judge_order.png", "judge_sweep.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


def test_a_printed_row_has_one_cell_an_interval():
    interval = {"mean": 0.5, "low": -0.25, "high": 1}
    assert flat({"kind": "random", "delta": {"mrr": interval}}) == {
        "kind": "random",
        "delta mrr": "+0.500 (-0.250 to +1.000)",
    }
