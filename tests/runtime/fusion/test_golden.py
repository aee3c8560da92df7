"""Every published formula through the whole of `pos_fuse`, its expectation written as arithmetic.

Five items are retrieved in the order A to E; the judge's list, best first, is C .9, A .6, D .3.
"""

import math
from itertools import product

import pytest

from runtime.fusion import PosFuseSettings, pos_fuse

A, B, C, D, E = RETRIEVAL = [1, 2, 3, 4, 5]
JUDGED = {C: 0.9, A: 0.6, D: 0.3}  # min-max: 1, .5, 0
STRETCHED = {C: 1.0, A: (0.6 - 0.3) / (0.9 - 0.3), D: 0.0}

# masses of lists of five and of three before they are normalised
MASSES = {
    "exponential": ([1, 0.8, 0.8**2, 0.8**3, 0.8**4], [1, 0.8, 0.8**2]),
    "linear": ([5 / 5, 4 / 5, 3 / 5, 2 / 5, 1 / 5], [3 / 3, 2 / 3, 1 / 3]),
    "logarithmic": ([1 / math.log(i) for i in (2, 3, 4, 5, 6)], [1 / math.log(i) for i in (2, 3, 4)]),
    "reciprocal": ([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5], [1, 1 / 2, 1 / 3]),
}
SIDES = {
    "position_and_score": lambda p, s: 0.6 * p + 0.4 * s,
    "confidence_weighted": lambda p, s: p * (0.3 + 0.7 * s),
}


def _sides(decay, side):
    five, three = ([m / sum(masses) for m in masses] for masses in MASSES[decay])
    r = dict(zip(RETRIEVAL, five, strict=True))
    return r, {item: SIDES[side](three[place], STRETCHED[item]) for place, item in enumerate(JUDGED)}


def _fused(**settings):
    return {i.item_id: i for i in pos_fuse(RETRIEVAL, JUDGED, PosFuseSettings(variant="published", **settings))}


@pytest.mark.parametrize(("decay", "side"), list(product(MASSES, SIDES)))
def test_weighted_is_four_to_six_over_the_lists_in_which_the_item_stands(decay, side):
    r, g = _sides(decay, side)
    fused = _fused(decay=decay, judge_side=side)
    for item in JUDGED:
        assert fused[item].score == pytest.approx((0.4 * r[item] + 0.6 * g[item]) / (0.4 + 0.6))
        assert fused[item].judge_part == pytest.approx(0.6 * g[item])
    for item in (B, E):
        assert fused[item].score == pytest.approx(0.4 * r[item] / 0.4)
        assert fused[item].judge_part == 0


@pytest.mark.parametrize(("decay", "side"), list(product(MASSES, SIDES)))
def test_max_and_min_compare_the_two_sides_and_a_missing_one_is_zero(decay, side):
    r, g = _sides(decay, side)
    largest, smallest = (_fused(decay=decay, judge_side=side, strategy=strategy) for strategy in ("max", "min"))
    for item in RETRIEVAL:
        assert largest[item].score == pytest.approx(max(r[item], g.get(item, 0)))
        assert smallest[item].score == pytest.approx(min(r[item], g.get(item, 0)))


@pytest.mark.parametrize("side", SIDES)
def test_reciprocal_rank_fusion_of_sixty_knows_ranks_alone(side):
    fused = _fused(strategy="rrf", judge_side=side)
    expected = {A: 1 / 61 + 1 / 62, B: 1 / 62, C: 1 / 63 + 1 / 61, D: 1 / 64 + 1 / 63, E: 1 / 65}
    assert {item: i.score for item, i in fused.items()} == pytest.approx(expected)


def test_weights_that_do_not_sum_to_one_are_renormalised():
    r, g = _sides("exponential", "position_and_score")
    fused = _fused(retrieval_weight=0.3, judge_weight=0.9)
    assert fused[C].score == pytest.approx((0.3 * r[C] + 0.9 * g[C]) / 1.2)
    assert fused[B].score == pytest.approx(r[B])


@pytest.mark.parametrize("judged", [{C: 0.9}, {C: 0.9, A: 0.9}])
@pytest.mark.parametrize(("side", "factor"), [("position_and_score", 0.6), ("confidence_weighted", 0.3)])
def test_min_max_of_one_score_and_of_equal_scores_is_zero(judged, side, factor):
    settings = PosFuseSettings(variant="published", judge_side=side)
    total = sum(0.8**i for i in range(len(judged)))
    r = 0.8**2 / sum(0.8**i for i in range(5))
    fused = {i.item_id: i.score for i in pos_fuse(RETRIEVAL, judged, settings)}
    assert fused[C] == pytest.approx(0.4 * r + 0.6 * factor * (1 / total))


def test_the_judges_rank_is_the_order_of_its_list():
    """Equal scores tell the two orders apart: position is all that differs."""
    r = [0.8**i / sum(0.8**i for i in range(5)) for i in range(5)]
    for order in ((C, A), (A, C)):
        listed = dict.fromkeys(order, 0.5)
        fused = {i.item_id: i.score for i in pos_fuse(RETRIEVAL, listed, PosFuseSettings(variant="published"))}
        for place, item in enumerate(order):
            assert fused[item] == pytest.approx(0.4 * r[item - 1] + 0.6 * 0.6 * 0.8**place / 1.8)


def test_a_badly_judged_pair_stays_below_the_unjudged_in_numbers():
    """The missing-item case with A .2 and B .1: completed with the prior .5 the judge's list is the unjudged, A, B."""
    first, b, a, fourth, fifth = RETRIEVAL
    p = [0.8**i / sum(0.8**i for i in range(5)) for i in range(5)]
    fused = pos_fuse(RETRIEVAL, {a: 0.2, b: 0.1}, PosFuseSettings())
    scores = {i.item_id: i.score for i in fused}
    assert scores[first] == pytest.approx(0.4 * p[0] + 0.6 * (0.6 * p[0] + 0.4 * 1))
    assert scores[fourth] == pytest.approx(0.4 * p[3] + 0.6 * (0.6 * p[1] + 0.4 * 1))
    assert scores[fifth] == pytest.approx(0.4 * p[4] + 0.6 * (0.6 * p[2] + 0.4 * 1))
    assert scores[a] == pytest.approx(0.4 * p[2] + 0.6 * (0.6 * p[3] + 0.4 * (0.2 - 0.1) / (0.5 - 0.1)))
    assert scores[b] == pytest.approx(0.4 * p[1] + 0.6 * (0.6 * p[4] + 0.4 * 0))
    assert [i.item_id for i in fused] == [first, fourth, fifth, a, b]
