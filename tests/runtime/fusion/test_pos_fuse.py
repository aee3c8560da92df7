import random
from itertools import product

import pytest

from runtime.errors import InvalidInputError
from runtime.fusion import DECAYS, JUDGE_SIDES, STRATEGIES, PosFuseSettings, pos_fuse

X, B, A, Y, Z = RETRIEVAL = [10, 20, 30, 40, 50]
PUBLISHED = PosFuseSettings(variant="published")
CORRECTED = PosFuseSettings()

FIVE = [0.8**i / (1 + 0.8 + 0.8**2 + 0.8**3 + 0.8**4) for i in range(5)]
TWO = [1 / 1.8, 0.8 / 1.8]


def _scores(items):
    return {item.item_id: item.score for item in items}


def _ids(items):
    return [item.item_id for item in items]


def test_published_form_lets_an_unjudged_first_beat_a_well_judged_second():
    fused = pos_fuse(RETRIEVAL, {A: 0.9, B: 0.8}, PUBLISHED)
    scores = _scores(fused)
    assert scores[X] == pytest.approx(0.4 * FIVE[0] / 0.4)
    assert scores[A] == pytest.approx(0.4 * FIVE[2] + 0.6 * (0.6 * TWO[0] + 0.4 * 1))
    assert scores[B] == pytest.approx(0.4 * FIVE[1] + 0.6 * (0.6 * TWO[1] + 0.4 * 0))
    assert scores[X] == pytest.approx(0.2975, abs=5e-5)
    assert scores[B] == pytest.approx(0.2552, abs=5e-5)
    assert _ids(fused) == [A, X, B, Y, Z]


def test_corrected_form_puts_both_judged_items_first():
    fused = pos_fuse(RETRIEVAL, {A: 0.9, B: 0.8}, CORRECTED)
    scores = _scores(fused)
    # completed with the prior .5 the judge's list is A .9, B .8, X .5, Y .5, Z .5
    assert scores[A] == pytest.approx(0.4 * FIVE[2] + 0.6 * (0.6 * FIVE[0] + 0.4 * 1))
    assert scores[B] == pytest.approx(0.4 * FIVE[1] + 0.6 * (0.6 * FIVE[1] + 0.4 * (0.8 - 0.5) / (0.9 - 0.5)))
    assert scores[X] == pytest.approx(0.4 * FIVE[0] + 0.6 * (0.6 * FIVE[2] + 0.4 * 0))
    assert scores[A] == pytest.approx(0.42325, abs=5e-6)
    assert scores[B] == pytest.approx(0.36087, abs=5e-6)
    assert scores[X] == pytest.approx(0.18753, abs=5e-6)
    assert _ids(fused) == [A, B, X, Y, Z]


def test_corrected_form_keeps_unjudged_items_above_badly_judged_ones():
    fused = pos_fuse(RETRIEVAL, {A: 0.2, B: 0.1}, CORRECTED)
    scores = _scores(fused)
    assert min(scores[X], scores[Y], scores[Z]) > max(scores[A], scores[B])


def test_corrected_prior_is_a_setting():
    high, low = (pos_fuse(RETRIEVAL, {A: 0.5}, PosFuseSettings(prior=prior)) for prior in (0.9, 0.1))
    assert _ids(low)[0] == A
    assert _ids(high)[0] == X


@pytest.mark.parametrize(("decay", "strategy", "side"), list(product(DECAYS, STRATEGIES, JUDGE_SIDES)))
def test_with_nothing_unjudged_corrected_equals_published(decay, strategy, side):
    rng = random.Random(f"{decay} {strategy} {side}")
    settings = {"decay": decay, "strategy": strategy, "judge_side": side}
    for _ in range(50):
        retrieval = rng.sample(range(1000), rng.randint(1, 12))
        judged = {item: rng.randint(0, 10) / 10 for item in retrieval}  # tenths, so that ties occur
        corrected = pos_fuse(retrieval, judged, PosFuseSettings(**settings))
        assert corrected == pos_fuse(retrieval, judged, PosFuseSettings(variant="published", **settings))


@pytest.mark.parametrize(
    ("variant", "decay", "strategy"), list(product(("corrected", "published"), DECAYS, STRATEGIES))
)
@pytest.mark.parametrize("judged", [{}, dict.fromkeys(RETRIEVAL)])
def test_without_any_judgement_the_ranking_is_retrievals(variant, decay, strategy, judged):
    fused = pos_fuse(RETRIEVAL, judged, PosFuseSettings(variant=variant, decay=decay, strategy=strategy))
    assert _ids(fused) == RETRIEVAL
    assert all(item.judge_part == 0 and item.judge_score is None for item in fused)
    assert all(item.rank_change == 0 for item in fused)


def test_equal_scores_of_the_judge_keep_retrieval_order():
    fused = pos_fuse(RETRIEVAL, dict.fromkeys(reversed(RETRIEVAL), 0.7), CORRECTED)
    assert _ids(fused) == RETRIEVAL
    # min-max of equal scores is 0, so position alone counts
    assert fused[0].score == pytest.approx(0.4 * FIVE[0] + 0.6 * 0.6 * FIVE[0])


def test_published_form_takes_equal_scores_in_the_order_of_the_given_list():
    ahead, behind = (_scores(pos_fuse(RETRIEVAL, judged, PUBLISHED)) for judged in ({A: 0.7, B: 0.7}, {B: 0.7, A: 0.7}))
    assert ahead[A] == pytest.approx(0.4 * FIVE[2] + 0.6 * 0.6 * TWO[0])
    assert behind[A] == pytest.approx(0.4 * FIVE[2] + 0.6 * 0.6 * TWO[1])


def test_equal_fused_scores_keep_retrieval_order():
    # retrieval says 1, 2; the judge 2, 1; equal weights and no score part: both items end up equal
    settings = PosFuseSettings(retrieval_weight=0.5, judge_weight=0.5, position_weight=1, score_weight=0)
    fused = pos_fuse([1, 2], {1: 0.3, 2: 0.4}, settings)
    assert fused[0].score == pytest.approx(fused[1].score)
    assert _ids(fused) == [1, 2]


def test_confidence_weighted_judge_side_is_its_formula():
    settings = PosFuseSettings(variant="published", judge_side="confidence_weighted")
    scores = _scores(pos_fuse(RETRIEVAL, {A: 0.9, B: 0.8}, settings))
    assert scores[A] == pytest.approx(0.4 * FIVE[2] + 0.6 * TWO[0] * (0.3 + 0.7 * 1))
    assert scores[B] == pytest.approx(0.4 * FIVE[1] + 0.6 * TWO[1] * (0.3 + 0.7 * 0))


def test_max_counts_a_missing_judgement_as_zero():
    scores = _scores(pos_fuse(RETRIEVAL, {A: 0.9, B: 0.8}, PosFuseSettings(variant="published", strategy="max")))
    assert scores[X] == pytest.approx(max(FIVE[0], 0))
    assert scores[A] == pytest.approx(max(FIVE[2], 0.6 * TWO[0] + 0.4))


def test_min_is_zero_unless_the_item_stands_in_both_lists():
    scores = _scores(pos_fuse(RETRIEVAL, {A: 0.9, B: 0.8}, PosFuseSettings(variant="published", strategy="min")))
    assert scores[X] == 0
    assert scores[A] == pytest.approx(min(FIVE[2], 0.6 * TWO[0] + 0.4))
    assert scores[B] == pytest.approx(min(FIVE[1], 0.6 * TWO[1]))


def test_reciprocal_rank_fusion_sums_over_the_lists_that_hold_the_item():
    scores = _scores(pos_fuse(RETRIEVAL, {A: 0.9, B: 0.8}, PosFuseSettings(variant="published", strategy="rrf")))
    assert scores[X] == pytest.approx(1 / 61)
    assert scores[A] == pytest.approx(1 / 63 + 1 / 61)
    assert scores[B] == pytest.approx(1 / 62 + 1 / 62)


@pytest.mark.parametrize("variant", ["corrected", "published"])
@pytest.mark.parametrize("strategy", ["weighted", "rrf"])
def test_the_two_parts_add_up_to_the_score(variant, strategy):
    for item in pos_fuse(RETRIEVAL, {A: 0.9, B: 0.8}, PosFuseSettings(variant=variant, strategy=strategy)):
        assert item.retrieval_part + item.judge_part == pytest.approx(item.score)


def test_every_item_reports_its_ranks_its_score_and_how_far_it_moved():
    fused = pos_fuse(RETRIEVAL, {A: 0.9, B: None}, CORRECTED)
    assert sorted(_ids(fused)) == sorted(RETRIEVAL)
    first = fused[0]
    assert (first.item_id, first.rank, first.retrieval_rank, first.rank_change) == (A, 1, 3, 2)
    assert {item.item_id: item.judge_score for item in fused} == {X: None, B: None, A: 0.9, Y: None, Z: None}
    assert [item.rank for item in fused] == [1, 2, 3, 4, 5]


def test_a_weight_of_zero_silences_its_side():
    judged = {A: 0.9, B: 0.8}
    assert _ids(pos_fuse(RETRIEVAL, judged, PosFuseSettings(judge_weight=0))) == RETRIEVAL
    only_judge = pos_fuse(RETRIEVAL, judged, PosFuseSettings(variant="published", retrieval_weight=0))
    assert _ids(only_judge) == [A, B, X, Y, Z]
    assert only_judge[2].score == 0


def test_nothing_retrieved_is_nothing_fused():
    assert pos_fuse([], {}, CORRECTED) == []


@pytest.mark.parametrize(
    ("retrieval", "judged", "says"),
    [
        ([1, 1], {}, "repeats"),
        ([1, 2], {3: 0.5}, "not retrieved"),
        ([1, 2], {1: 1.5}, "expected 0 to 1"),
        ([1, 2], {1: float("nan")}, "expected 0 to 1"),
    ],
)
def test_inputs_that_make_no_ranking_are_refused_with_a_sentence(retrieval, judged, says):
    with pytest.raises(InvalidInputError, match=says):
        pos_fuse(retrieval, judged, CORRECTED)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"variant": "improved"}, "corrected, published"),
        ({"decay": "cubic"}, "exponential, linear, logarithmic, reciprocal"),
        ({"strategy": "sum"}, "weighted, max, min, rrf"),
        ({"judge_side": "score"}, "position_and_score, confidence_weighted"),
        ({"decay_rate": 0.0}, "more than 0, at most 1"),
        ({"decay_rate": 1.5}, "more than 0, at most 1"),
        ({"prior": -0.1}, "0 to 1"),
        ({"prior": float("nan")}, "0 to 1"),
        ({"judge_weight": -1.0}, "at least 0"),
        ({"rrf_k": float("inf")}, "at least 0"),
        ({"retrieval_weight": 0.0, "judge_weight": 0.0}, "both 0"),
        ({"position_weight": 0.0, "score_weight": 0.0}, "both 0"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_a_sentence(setting, says):
    with pytest.raises(InvalidInputError, match=says):
        PosFuseSettings(**setting)
