import math

import numpy as np
import pytest

from runtime.confidence import SIGNALS, ConfidenceModel, signals
from runtime.errors import InvalidInputError
from runtime.fusion import Retrieved

A, B, C = 4, 5, 6
COSINES = np.array([[0.9, 0.5, 0.4], [0.3, 0.6, 0.6], [0.1, 0.2, 0.3]])
RETRIEVED = Retrieved([A, B, C], COSINES.mean(1), COSINES)


def test_signals_of_the_first_are_their_arithmetic():
    found = signals(RETRIEVED, {A: 0.7, B: 0.2}, A)
    mean = (0.9 + 0.5 + 0.4) / 3
    assert list(found) == list(SIGNALS)
    assert found == pytest.approx(
        {
            "similarity": mean,
            "margin": mean - (0.3 + 0.6 + 0.6) / 3,
            "fold_agreement": 1 / 3,
            "fold_spread": math.sqrt(((0.9 - mean) ** 2 + (0.5 - mean) ** 2 + (0.4 - mean) ** 2) / 3),
            "judge_score": 0.7,
            "judged": 1.0,
        }
    )


def test_signals_are_about_the_item_that_fusion_put_first():
    found = signals(RETRIEVED, {A: 0.1, B: 0.9}, B)
    assert found["margin"] == pytest.approx(0.5 - 0.6)  # below 0: retrieval preferred another
    assert found["fold_agreement"] == pytest.approx(2 / 3)
    assert found["judge_score"] == 0.9


@pytest.mark.parametrize("judged", [{}, {A: None}, {B: 0.9}])
def test_an_unjudged_first_and_no_judge_say_so(judged):
    found = signals(RETRIEVED, judged, A)
    assert (found["judge_score"], found["judged"]) == (0.0, 0.0)


def test_a_score_of_zero_is_not_unjudged():
    found = signals(RETRIEVED, {A: 0.0}, A)
    assert (found["judge_score"], found["judged"]) == (0.0, 1.0)


def test_one_item_without_folds_has_no_margin_and_agrees_with_itself():
    found = signals(Retrieved([A], np.array([0.4])), {}, A)
    assert (found["margin"], found["fold_agreement"], found["fold_spread"]) == (0.0, 1.0, 0.0)


def test_an_item_that_was_not_retrieved_has_no_signals():
    with pytest.raises(InvalidInputError, match=r"item 99 is not among the retrieved \[4, 5, 6\]"):
        signals(RETRIEVED, {}, 99)


MODEL = ConfidenceModel(("margin", "judge_score"), (0.1, 0.5), (0.2, 0.25), (1.5, -2.0), 0.3)


def test_probability_is_the_logistic_of_standardised_signals():
    values = {"margin": 0.4, "judge_score": 0.25, "similarity": 9.0}  # what the model does not name is not used
    logit = 1.5 * (0.4 - 0.1) / 0.2 - 2.0 * (0.25 - 0.5) / 0.25 + 0.3
    assert MODEL.probability(values) == pytest.approx(1 / (1 + math.exp(-logit)))


@pytest.mark.parametrize("far", [-1e300, 1e300])
def test_probability_stays_strictly_between_zero_and_one(far):
    assert 0 < MODEL.probability({"margin": far, "judge_score": 0.0}) < 1


@pytest.mark.parametrize("values", [{"margin": 0.1}, {"margin": 0.1, "judge_score": math.nan}])
def test_signals_that_are_missing_or_no_numbers_are_refused(values):
    with pytest.raises(InvalidInputError, match=r"\['judge_score'\] are missing or no numbers"):
        MODEL.probability(values)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"mean": (0.1,)}, "as many"),
        ({"names": (), "mean": (), "scale": (), "weights": ()}, "as many"),
        ({"names": ("margin", "mood")}, r"no signals \['mood'\]; choose of similarity, margin"),
        ({"weights": (1.0, math.inf)}, "finite"),
        ({"scale": (0.2, 0.0)}, "more than 0"),
    ],
)
def test_numbers_that_make_no_model_are_refused(given, says):
    fields = {name: getattr(MODEL, name) for name in ("names", "mean", "scale", "weights", "intercept")}
    with pytest.raises(InvalidInputError, match=says):
        ConfidenceModel(**fields | given)
