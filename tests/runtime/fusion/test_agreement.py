"""Pos-Fuse weighed by how far the folds agree on retrieval's first."""

import numpy as np
import pytest

from runtime.errors import InvalidInputError
from runtime.fusion import PosFuseSettings, Retrieved, fuse, pos_fuse

A, B = IDS = (7, 9)
BY_AGREEMENT = PosFuseSettings(agreement=True)
P = [1 / 1.8, 0.8 / 1.8]


def _retrieved(*preferring_a):
    cosines = np.array([[0.5 if yes else 0.3 for yes in preferring_a], [0.4] * len(preferring_a)])
    return Retrieved(IDS, np.array([0.5, 0.4]), cosines)


@pytest.mark.parametrize(("folds", "share"), [((1, 1, 1, 1), 1.0), ((1, 1, 0, 0), 0.5), ((1, 0, 0, 0), 0.25)])
def test_retrievals_weight_is_multiplied_by_the_agreeing_share_and_renormalised(folds, share):
    fused = {i.item_id: i for i in fuse(_retrieved(*folds), {A: 0.2, B: 0.9}, BY_AGREEMENT)}
    weight = 0.4 * share + 0.6
    assert fused[A].retrieval_part == pytest.approx(0.4 * share * P[0] / weight)
    assert fused[B].score == pytest.approx((0.4 * share * P[1] + 0.6 * (0.6 * P[0] + 0.4 * 1)) / weight)
    for item in fused.values():
        assert item.retrieval_part + item.judge_part == pytest.approx(item.score)


def test_a_divided_ensemble_gives_way_to_the_judge_and_an_agreed_one_does_not():
    # the judge puts B before A; position alone counts, so the larger weight decides
    settings = PosFuseSettings(
        retrieval_weight=0.6, judge_weight=0.4, position_weight=1, score_weight=0, agreement=True
    )
    agreed, divided = (fuse(_retrieved(*folds), {A: 0.4, B: 0.5}, settings) for folds in ((1, 1), (1, 0)))
    assert [i.item_id for i in agreed] == [A, B]
    assert [i.item_id for i in divided] == [B, A]


def test_with_all_folds_agreed_nothing_changes():
    judged = {A: 0.2, B: 0.9}
    for variant in ("published", "corrected"):
        plain = fuse(_retrieved(1, 1), judged, PosFuseSettings(variant=variant))
        assert fuse(_retrieved(1, 1), judged, PosFuseSettings(variant=variant, agreement=True)) == plain


def test_with_no_fold_agreed_the_judge_alone_decides():
    fused = fuse(_retrieved(0, 0), {A: 0.2, B: 0.9}, BY_AGREEMENT)
    assert [i.item_id for i in fused] == [B, A]
    assert [i.retrieval_part for i in fused] == [0, 0]
    # published: what nobody judged stands in no list that still counts
    published = fuse(_retrieved(0, 0), {B: 0.1}, PosFuseSettings(variant="published", agreement=True))
    assert [(i.item_id, i.score > 0) for i in published] == [(B, True), (A, False)]


def test_without_a_judge_to_give_way_to_retrieval_keeps_its_weight():
    assert [i.item_id for i in fuse(_retrieved(0, 0), {}, BY_AGREEMENT)] == [A, B]
    no_judge_weight = PosFuseSettings(judge_weight=0, agreement=True)
    assert [i.score for i in fuse(_retrieved(0, 0), {B: 0.9}, no_judge_weight)] == pytest.approx(P)


def test_agreement_is_not_used_unless_asked_for():
    judged = {A: 0.2, B: 0.9}
    assert fuse(_retrieved(1, 0), judged, PosFuseSettings()) == pos_fuse(IDS, judged, PosFuseSettings())


@pytest.mark.parametrize("agreement", [None, -0.1, 1.1, float("nan")])
def test_agreement_that_is_not_known_is_refused_with_what_to_give(agreement):
    with pytest.raises(InvalidInputError, match="give fold cosines"):
        pos_fuse(IDS, {A: 0.5}, BY_AGREEMENT, agreement=agreement)


def test_a_list_without_fold_cosines_cannot_be_weighed_by_them():
    with pytest.raises(InvalidInputError, match="agreement=False"):
        fuse(Retrieved(IDS, np.array([0.5, 0.4])), {A: 0.5}, BY_AGREEMENT)
