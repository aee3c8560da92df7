import math

import numpy as np
import pytest

from runtime.errors import InvalidInputError
from runtime.fusion import Calibration, ConvexSettings, PosFuseSettings, Retrieved, fuse, pos_fuse

A, B, C = 11, 22, 33
RETRIEVED = Retrieved([A, B, C], np.array([0.8, 0.5, 0.2]))
SETTINGS = ConvexSettings(
    judge_weight=0.7,
    retrieval=Calibration("platt", slope=3.0, intercept=-2.0),
    judge=Calibration("isotonic", x=(0.0, 1.0), y=(0.2, 0.6)),
    prior=0.25,
)


def _sigmoid(z):
    return 1 / (1 + math.exp(-z))


def test_a_convex_combination_is_its_arithmetic():
    fused = {i.item_id: i for i in fuse(RETRIEVED, {B: 0.9, C: 0.5}, SETTINGS)}
    assert fused[A].score == pytest.approx(0.3 * _sigmoid(3 * 0.8 - 2) + 0.7 * 0.25)  # unjudged: the prior
    assert fused[B].score == pytest.approx(0.3 * _sigmoid(3 * 0.5 - 2) + 0.7 * (0.2 + 0.4 * 0.9))
    assert fused[C].score == pytest.approx(0.3 * _sigmoid(3 * 0.2 - 2) + 0.7 * (0.2 + 0.4 * 0.5))
    assert fused[B].judge_part == pytest.approx(0.7 * 0.56)
    for item in fused.values():
        assert item.retrieval_part + item.judge_part == pytest.approx(item.score)
    assert [i.item_id for i in fuse(RETRIEVED, {B: 0.9, C: 0.5}, SETTINGS)] == [B, A, C]


def test_every_item_reports_its_ranks_and_the_judges_own_score():
    first = fuse(RETRIEVED, {B: 0.9, C: None}, SETTINGS)[0]
    assert (first.item_id, first.rank, first.retrieval_rank, first.rank_change) == (B, 1, 2, 1)
    assert first.judge_score == 0.9
    assert {i.item_id: i.judge_score for i in fuse(RETRIEVED, {B: 0.9, C: None}, SETTINGS)}[C] is None


@pytest.mark.parametrize("judged", [{}, {A: None, B: None}])
def test_without_any_judgement_the_ranking_is_retrievals(judged):
    fused = fuse(RETRIEVED, judged, SETTINGS)
    assert [i.item_id for i in fused] == [A, B, C]
    assert [i.score for i in fused] == pytest.approx([_sigmoid(0.4), _sigmoid(-0.5), _sigmoid(-1.4)])
    assert all(i.judge_part == 0 for i in fused)


def test_without_any_judgement_votes_keep_their_order_although_cosines_would_not():
    by_votes = Retrieved([A, B], np.array([0.4, 0.6]))
    assert [i.item_id for i in fuse(by_votes, {}, SETTINGS)] == [A, B]
    assert [i.item_id for i in fuse(by_votes, {A: 0.5, B: 0.5}, SETTINGS)] == [B, A]


def test_equal_scores_keep_retrieval_order():
    flat = ConvexSettings(0.5, Calibration("isotonic", x=(0.0,), y=(0.4,)), Calibration(), 0.5)
    assert [i.item_id for i in fuse(RETRIEVED, {C: 0.5, B: 0.5, A: 0.5}, flat)] == [A, B, C]


@pytest.mark.parametrize(("weight", "order"), [(0.0, [A, B, C]), (1.0, [C, B, A])])
def test_a_weight_of_zero_or_one_silences_a_side(weight, order):
    settings = ConvexSettings(weight)
    assert [i.item_id for i in fuse(RETRIEVED, {A: 0.1, B: 0.2, C: 0.3}, settings)] == order


def test_the_type_of_the_settings_chooses_the_fusion():
    judged = {B: 0.9}
    assert fuse(RETRIEVED, judged) == pos_fuse([A, B, C], judged)
    published = PosFuseSettings(variant="published", strategy="rrf")
    assert fuse(RETRIEVED, judged, published) == pos_fuse([A, B, C], judged, published)
    assert fuse(RETRIEVED, judged, SETTINGS) != fuse(RETRIEVED, judged)


def test_nothing_retrieved_is_nothing_fused():
    assert fuse(Retrieved([], np.zeros(0)), {}, SETTINGS) == []


@pytest.mark.parametrize(
    ("judged", "says"), [({99: 0.5}, "not retrieved"), ({A: 1.5}, "expected 0 to 1"), ({A: math.nan}, "0 to 1")]
)
def test_judgements_that_make_no_ranking_are_refused(judged, says):
    with pytest.raises(InvalidInputError, match=says):
        fuse(RETRIEVED, judged, SETTINGS)


@pytest.mark.parametrize("given", [{"judge_weight": 1.1}, {"judge_weight": math.nan}, {"prior": -0.1}])
def test_settings_outside_zero_to_one_are_refused(given):
    with pytest.raises(InvalidInputError, match="expected 0 to 1"):
        ConvexSettings(**given)
