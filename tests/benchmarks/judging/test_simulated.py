"""The simulated judge is what its parameters say, and its parameters are the committed ones."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evaluation.trials import Trials
from benchmarks.judging.simulated import FILE, SimulatedJudge, picture_hardness, shown_places, simulated_scores
from runtime.dataset import Record
from runtime.errors import InvalidInputError
from runtime.files import sha256_file

K = 5
PLAIN = SimulatedJudge(
    accuracy=0.8,
    order_bias=0.0,
    persistent_share=0.5,
    steepness=3.0,
    score_noise=0.0,
    pointwise_noise=1.5,
    missing_at_random=0.0,
    missing_by_refusal=0.0,
    seed=5,
)


def some_trials(queries: int = 3000, items: int = 20, seed: int = 0) -> Trials:
    """Random trials of two folds with all three grades among the first five."""
    rng = np.random.default_rng(seed)
    return Trials(
        name="random",
        texts=[f"query {i}" for i in range(queries)],
        groups=[f"group {i % 50}" for i in range(queries)],
        strata={},
        items=[Record(f"{i}.png", Path(f"{i}.png")) for i in range(items)],
        cosines=rng.uniform(-1, 1, (queries, items, 2)).astype(np.float32),
        grades=rng.integers(0, 3, (queries, items)).astype(np.int8),
    )


TRIALS = some_trials()
GRADES = np.take_along_axis(TRIALS.grades, TRIALS.top(K), axis=1)


def right_pairs(scores, high=2, low=0):
    """Whether each judged pair of the two grades is ordered rightly."""
    ahead = scores[:, :, None] - scores[:, None, :]
    pairs = (GRADES[:, :, None] == high) & (GRADES[:, None, :] == low) & ~np.isnan(ahead)
    return ahead[pairs] > 0


def test_the_committed_parameters_are_what_they_were_before_any_fusion_was_run():
    assert sha256_file(FILE) == "47a40e67f719945d6d2f51376ca697f4dbd23028e39ec5afd9e6e886de948f46"
    assert SimulatedJudge.from_file() == SimulatedJudge(
        accuracy=0.8,
        order_bias=0.5,
        persistent_share=0.5,
        steepness=3.0,
        score_noise=0.5,
        pointwise_noise=1.5,
        missing_at_random=0.05,
        missing_by_refusal=0.1,
        seed=20251121,
    )


def test_the_file_decides_what_is_read(tmp_path):
    value = json.loads(FILE.read_text("utf-8"))
    value["settings"]["accuracy"] = 0.625
    changed = tmp_path / "judge.json"
    changed.write_text(json.dumps(value), "utf-8")
    assert SimulatedJudge.from_file(changed) == SimulatedJudge.from_file().replace(accuracy=0.625)


@pytest.mark.parametrize("change", [{"schema": 2}, {"settings": {"accuracy": 0.5}}])
def test_a_file_of_another_schema_or_with_other_names_is_refused(tmp_path, change):
    other = tmp_path / "judge.json"
    other.write_text(json.dumps(json.loads(FILE.read_text("utf-8")) | change), "utf-8")
    with pytest.raises(InvalidInputError, match="expected schema 1"):
        SimulatedJudge.from_file(other)


@pytest.mark.parametrize(
    "change",
    [{"accuracy": 1.1}, {"missing_by_refusal": -0.1}, {"steepness": math.inf}, {"order_bias": math.nan}, {"seed": -1}],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(change):
    with pytest.raises(InvalidInputError, match=next(iter(change))):
        PLAIN.replace(**change)


@pytest.mark.parametrize("accuracy", [0.35, 0.5, 0.65, 0.8, 0.95])
def test_a_relevant_candidate_outscores_an_irrelevant_one_as_often_as_the_accuracy_says(accuracy):
    right = right_pairs(simulated_scores(TRIALS, K, PLAIN.replace(accuracy=accuracy, score_noise=1.0)))
    # pairs of one query share candidates: twice the error of independent ones is allowed, at three sigma
    assert right.mean() == pytest.approx(accuracy, abs=6 * math.sqrt(accuracy * (1 - accuracy) / right.size))
    assert right.size > 5000


def test_accuracy_1_is_perfect_over_every_grade_even_with_the_committed_bias_and_0_is_its_reverse():
    perfect = simulated_scores(TRIALS, K, PLAIN.replace(accuracy=1.0, order_bias=0.5))
    assert all(right_pairs(perfect, *grades).all() for grades in ((2, 1), (1, 0), (2, 0)))
    assert not right_pairs(simulated_scores(TRIALS, K, PLAIN.replace(accuracy=0.0))).any()


def test_scores_are_inside_0_to_1_and_score_noise_keeps_a_calls_ranks_but_not_the_scale():
    plain = simulated_scores(TRIALS, K, PLAIN)
    distorted = simulated_scores(TRIALS, K, PLAIN.replace(score_noise=1.0))
    assert distorted.min() > 0
    assert distorted.max() < 1
    assert np.array_equal(plain.argsort(1), distorted.argsort(1))
    pooled = [np.corrcoef(scores.ravel(), GRADES.ravel())[0, 1] for scores in (plain, distorted)]
    assert pooled[1] < 0.8 * pooled[0]


def test_what_is_shown_first_gains_and_more_shuffles_take_the_gain_away():
    biased = PLAIN.replace(order_bias=0.5)
    first = shown_places((len(TRIALS.texts), K), biased, 0) == 0
    assert np.array_equal(np.sort(shown_places((9, K), biased, 0), axis=1), np.tile(np.arange(K), (9, 1)))

    def gain(settings, shuffles):
        scores = simulated_scores(TRIALS, K, settings, shuffles)
        return scores[first].mean() - scores[~first].mean()

    assert abs(gain(PLAIN, 1)) < 0.02
    once, thrice, often = (gain(biased, shuffles) for shuffles in (1, 3, 12))
    assert once > 0.1
    assert once > 2 * thrice > 4 * often


def test_pointwise_has_no_order_bias_and_orders_fewer_pairs_rightly():
    biased = PLAIN.replace(order_bias=5.0)
    pointwise = simulated_scores(TRIALS, K, biased, mode="pointwise")
    assert np.array_equal(pointwise, simulated_scores(TRIALS, K, PLAIN, mode="pointwise"))
    assert right_pairs(pointwise).mean() < right_pairs(simulated_scores(TRIALS, K, PLAIN)).mean() - 0.05


def test_averaging_heals_only_the_error_that_does_not_repeat():
    shares = {}
    for persistent in (0.0, 0.5, 1.0):
        settings = PLAIN.replace(persistent_share=persistent, accuracy=0.7)
        shares[persistent] = right_pairs(simulated_scores(TRIALS, K, settings, 9)).mean()
    assert shares[0.0] > shares[0.5] + 0.05
    assert shares[0.5] > shares[1.0] + 0.02
    assert shares[1.0] == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize("kind", ["missing_at_random", "missing_by_refusal"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.2, 0.5, 0.8, 1.0])
def test_the_share_of_missing_answers_holds(kind, share):
    missing = np.isnan(simulated_scores(TRIALS, K, PLAIN.replace(**{kind: share})))
    assert missing.mean() == pytest.approx(share, abs=0.02)


def test_harder_pictures_are_refused_more_and_random_gaps_do_not_care():
    hardness = picture_hardness(TRIALS)[TRIALS.top(K)]
    hard = hardness > np.median(hardness)
    refused = np.isnan(simulated_scores(TRIALS, K, PLAIN.replace(missing_by_refusal=0.2)))
    lost = np.isnan(simulated_scores(TRIALS, K, PLAIN.replace(missing_at_random=0.2)))
    assert refused[hard].mean() > 4 * refused[~hard].mean()
    assert lost[hard].mean() == pytest.approx(lost[~hard].mean(), abs=0.03)


def test_a_pictures_hardness_is_its_distance_from_the_queries_it_answers():
    trials = some_trials(queries=3, items=3)
    grades = np.array([[2, 0, 0], [2, 1, 2], [0, 0, 0]], np.int8)
    trials = Trials("small", trials.texts, trials.groups, {}, trials.items, trials.cosines, grades)
    s = trials.similarities
    first, third = 1 - (s[0, 0] + s[1, 0]) / 2, 1 - s[1, 2]
    assert picture_hardness(trials) == pytest.approx([first, (first + third) / 2, third])


def test_the_same_arguments_give_the_same_scores_and_another_seed_others():
    judge = SimulatedJudge.from_file()
    again = [simulated_scores(some_trials(), K, judge, 3) for _ in range(2)]
    assert np.array_equal(*again, equal_nan=True)
    other = simulated_scores(TRIALS, K, judge.replace(seed=1), 3)
    assert np.mean(np.isclose(other, again[0], equal_nan=True)) < 0.1


def test_a_candidate_keeps_its_errors_whatever_else_is_shown():
    few, many = (simulated_scores(TRIALS, k, PLAIN.replace(missing_at_random=0.1)) for k in (3, 8))
    assert np.array_equal(few, many[:, :3], equal_nan=True)


@pytest.mark.parametrize(("mode", "shuffles"), [("pairwise", 1), ("listwise", 0)])
def test_an_unknown_mode_and_no_shuffle_are_refused(mode, shuffles):
    with pytest.raises(InvalidInputError, match="expected listwise or pointwise, at least 1"):
        simulated_scores(TRIALS, K, PLAIN, shuffles, mode)
