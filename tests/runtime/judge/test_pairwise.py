"""Ties between neighbours: who is compared, and what a preference in both orders decides."""

import json
from dataclasses import replace

import numpy as np
import pytest

from runtime.images import decode_image, encode_image
from runtime.judge.openai import OpenAiJudge
from runtime.judge.pairwise import break_ties
from runtime.results import FusedItem

from .cases import FAST, QUERY, candidate
from .loopback import Loopback, completion, failed


def ranking(*scores):
    """Items 10, 11, … with these fused scores, as retrieval ranked them."""
    return [
        FusedItem(10 + i, i + 1, score, i + 1, score, 0.0, None, 0) for i, score in enumerate(scores)
    ]  # fmt: skip


def test_only_neighbours_within_the_margin_are_compared():
    asked = []

    def compare(high, low):
        asked.append((high, low))
        return 1.0

    kept = break_ties(ranking(0.9, 0.85, 0.5, 0.49, 0.1), compare, 0.06)
    assert asked == [(10, 11), (12, 13)]
    assert [item.item_id for item in kept] == [10, 11, 12, 13, 14]
    assert [item.tie_break for item in kept] == [
        "kept above item 11", "kept below item 10", "kept above item 13", "kept below item 12", "",
    ]  # fmt: skip


def test_the_lower_one_that_is_better_moves_up_one_place_and_scores_stay():
    moved = break_ties(ranking(0.9, 0.89, 0.5), lambda high, low: 0.0, 0.05)
    assert [(item.item_id, item.rank, item.rank_change, item.score) for item in moved] == [
        (11, 1, 1, 0.89), (10, 2, -1, 0.9), (12, 3, 0, 0.5),
    ]  # fmt: skip
    assert moved[0].tie_break == "moved above item 10"


@pytest.mark.parametrize(("won", "words"), [(0.5, "tied with item 11"), (None, "")])
def test_a_tie_or_no_answer_changes_nothing(won, words):
    same = break_ties(ranking(0.9, 0.9), lambda high, low: won, 0.0)
    assert [(item.item_id, item.rank) for item in same] == [(10, 1), (11, 2)]
    assert same[0].tie_break == words


def test_one_pass_moves_an_item_down_as_far_as_it_loses():
    moved = break_ties(ranking(0.9, 0.9, 0.9), lambda high, low: 0.0 if high == 10 else 1.0, 0.0)
    assert [item.item_id for item in moved] == [11, 12, 10]
    assert moved[2].tie_break == "moved below item 11; moved below item 12"
    assert moved[0].tie_break == "moved above item 10"


@pytest.mark.parametrize("count", [0, 1])
def test_without_neighbours_nobody_is_asked(count):
    assert len(break_ties(ranking(*[0.5] * count), lambda high, low: pytest.fail("asked"), 1.0)) == count


def brightness(item):
    return encode_image(np.full((8, 8, 3), 50 * item.item_id, np.uint8))


def said(better):
    return completion(json.dumps({"rationale": "", "better": better}))


def brighter(n, request):
    """Prefers the brighter picture, wherever it stands."""
    one, other = (decode_image(image).mean() for image in request.images)
    return said("A" if one > other else "B")


def _compare(script, high=1, low=4, images=brightness, **changes):
    with Loopback(script) as server:
        chosen = replace(FAST, base_url=server.url, model="loopback", **changes)
        with OpenAiJudge(chosen, environ={}) as judge:
            return judge.compare(QUERY, candidate(high), candidate(low), images), server


@pytest.mark.parametrize(("high", "low", "won"), [(4, 1, 1.0), (1, 4, 0.0)])
def test_a_preference_that_survives_the_exchange_decides(high, low, won):
    preference, server = _compare(brighter, high, low)
    assert (preference.won, preference.attempts, preference.input_tokens) == (won, 2, 1200)
    first, second = ([round(decode_image(i).mean() / 50) for i in request.images] for request in server.requests)
    assert (first, second) == ([high, low], [low, high]), "both orders are asked"
    assert server.requests[0].texts[-2:] == ["Candidate A:", "Candidate B:"]


@pytest.mark.parametrize("place", ["A", "B"])
def test_a_judge_that_always_names_the_same_place_decides_nothing(place):
    preference, _ = _compare(lambda n, request: said(place))
    assert preference.won == 0.5


def test_a_judge_that_says_tie_decides_nothing():
    assert _compare(lambda n, request: said("tie"))[0].won == 0.5


def test_one_tie_and_one_preference_decide_nothing():
    assert _compare(lambda n, request: said(["tie", "A"][n]))[0].won == 0.5


def test_a_service_that_fails_or_talks_nonsense_decides_nothing():
    assert _compare(lambda n, request: failed(400))[0].won is None
    preference, server = _compare(lambda n, request: said("C"))
    assert preference.won is None
    assert len(server.requests) == 4, "each order is asked for once more"


@pytest.mark.parametrize("content", [b"", OSError("gone")])
def test_a_picture_that_cannot_be_read_is_not_compared(content):
    def images(item):
        if isinstance(content, OSError):
            raise content
        return content

    preference, server = _compare(brighter, images=images)
    assert (preference.won, server.requests) == (None, [])
