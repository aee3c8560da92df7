"""All candidates in one call: neutral names, several orders, one re-ask, and reasons for what stays unjudged."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from runtime.errors import InvalidInputError
from runtime.images import decode_image, encode_image
from runtime.judge.listwise import shuffled_orders
from runtime.judge.openai import OpenAiJudge
from runtime.judge.request import Picture
from runtime.results import Query

from .cases import FAST, QUERY, candidate
from .loopback import Loopback, completion, entries

COUNT = 5
CANDIDATES = [candidate(i) for i in range(COUNT)]


def grey(item):
    """A picture that says who it is: 50 times the id."""
    return encode_image(np.full((8, 8, 3), 50 * item.item_id, np.uint8))


def shown(request):
    """The candidates' ids in the order shown."""
    return [round(decode_image(image).mean() / 50) for image in request.images]


def truthful(n, request):
    """Scores each picture by what it shows, wherever it stands."""
    return completion(entries({name: item / 10 for name, item in zip("ABCDE", shown(request), strict=False)}))


def _judge(script, *, candidates=CANDIDATES, images=grey, **changes):
    with Loopback(script) as server:
        chosen = replace(FAST, base_url=server.url, model="loopback", mode="listwise", concurrency=1, **changes)
        with OpenAiJudge(chosen, environ={}) as judge:
            return judge.judge(QUERY, candidates, images), server


def test_scores_come_back_to_their_candidates_whatever_the_order_shown():
    judged, server = _judge(truthful, shuffles=3)
    assert [(j.item_id, j.score) for j in judged] == [(i, pytest.approx(i / 10)) for i in range(COUNT)]
    assert len(server.requests) == 3
    orders = [tuple(shown(request)) for request in server.requests]
    assert len(set(orders)) == 3
    assert all(sorted(order) == list(range(COUNT)) for order in orders)
    assert judged[0].reason.endswith("[3 orders, 100% of pairs ranked alike]")
    assert judged[0].reason.startswith("saw ")


def test_a_judge_that_goes_by_the_place_alone_is_averaged_and_its_disagreement_told():
    judged, server = _judge(
        lambda n, request: completion(entries(dict(zip("ABCDE", (1, 0.75, 0.5, 0.25, 0), strict=True))))
    )
    places = {i: [shown(request).index(i) for request in server.requests] for i in range(COUNT)}
    for j in judged:
        assert j.score == pytest.approx(np.mean([1 - place / 4 for place in places[j.item_id]]))
    alike = int(re.search(r"(\d+)% of pairs", judged[0].reason)[1])
    assert alike < 100


def test_the_names_are_neutral_and_neither_rank_nor_file_nor_caption_is_told():
    _, server = _judge(truthful)
    for request in server.requests:
        assert request.texts[-COUNT:] == [f"Candidate {name}:" for name in "ABCDE"]
        told = " ".join(request.texts)
        for hidden in ("imgs/", ".png", "caption", "rank", "0.5"):
            assert hidden not in told.replace(request.texts[0], ""), hidden


def test_the_order_shown_says_nothing_of_retrievals():
    def pictures(order):
        return [Picture(f"{i}.png", grey(candidate(i))) for i in order]

    one, other = [0, 1, 2, 3, 4], [4, 2, 0, 1, 3]
    by_one = [[one[i] for i in order] for order in shuffled_orders(pictures(one), 4)]
    by_other = [[other[i] for i in order] for order in shuffled_orders(pictures(other), 4)]
    assert by_one == by_other, "the same pictures are shown alike, whatever rank they had"


@pytest.mark.parametrize(("count", "shuffles", "different"), [(5, 20, 20), (3, 6, 6), (3, 10, 6), (2, 3, 2), (1, 3, 1)])
def test_no_order_is_shown_twice_while_there_are_others(count, shuffles, different):
    for seed in range(20):
        pictures = [Picture("", f"{seed} {i}".encode()) for i in range(count)]
        orders = shuffled_orders(pictures, shuffles)
        assert (len(orders), len({tuple(order) for order in orders})) == (shuffles, different)


def test_the_cost_of_a_call_is_counted_once():
    judged, server = _judge(truthful, shuffles=2)
    assert sum(j.attempts for j in judged) == len(server.requests) == 2
    assert sum(j.input_tokens for j in judged) == 2 * 600


@pytest.mark.parametrize("broken", [b"no picture", OSError("gone")])
def test_a_picture_that_cannot_be_read_is_left_out_and_unjudged(broken):
    def images(item):
        if item.item_id == 2 and isinstance(broken, OSError):
            raise broken
        return broken if item.item_id == 2 else grey(item)

    judged, server = _judge(truthful, images=images)
    assert [j.score for j in judged] == [pytest.approx(s) if s is not None else None for s in (0, 0.1, None, 0.3, 0.4)]
    assert "the candidate's image cannot be read" in judged[2].reason
    assert [sorted(shown(request)) for request in server.requests] == [[0, 1, 3, 4]] * 3
    assert [j.item_id for j in judged] == list(range(COUNT))


def test_nothing_is_sent_where_no_picture_can_be_read():
    judged, server = _judge(truthful, images=lambda item: b"")
    assert ([j.score for j in judged], server.requests) == ([None] * COUNT, [])


WRONG = {
    "doubled": (
        lambda scores: entries(scores)[:-2] + ', {"id": "B", "rationale": "", "score": 0.9}]}',
        "doubled id 'B'",
    ),
    "missing": (lambda scores: entries({k: v for k, v in scores.items() if k != "B"}), "missing id 'B'"),
    "unknown": (lambda scores: entries({{"B": "Q"}.get(k, k): v for k, v in scores.items()}), "unknown id 'Q'"),
    "out of range": (lambda scores: entries(scores | {"B": 3}), "id 'B': score"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_id_or_score_is_asked_for_once_more_and_mended(fault):
    make, says = WRONG[fault]

    def script(n, request):
        return completion(make(dict.fromkeys("ABCDE", 0.2))) if n == 0 else truthful(n, request)

    judged, server = _judge(script, shuffles=1)
    assert [j.score for j in judged] == [pytest.approx(i / 10) for i in range(COUNT)]
    assert len(server.requests) == 2
    assert says in server.requests[1].texts[-1]
    assert shown(server.requests[0]) == shown(server.requests[1])


@pytest.mark.parametrize("fault", WRONG)
def test_what_stays_wrong_leaves_that_candidate_alone_unjudged_with_the_reason(fault):
    make, says = WRONG[fault]
    judged, server = _judge(lambda n, request: completion(make(dict.fromkeys("ABCDE", 0.2))), shuffles=1)
    assert len(server.requests) == 2, "one re-ask and no more"
    at_b = shown(server.requests[0])[1]
    assert [j.score for j in judged] == [None if i == at_b else 0.2 for i in range(COUNT)]
    assert says in judged[at_b].reason
    assert all(j.reason.startswith("saw ") for j in judged if j.item_id != at_b)


def test_an_order_that_failed_leaves_the_mean_of_the_others_and_says_so():
    def script(n, request):
        return completion("I cannot") if n in {0, 1} else truthful(n, request)

    judged, server = _judge(script, shuffles=3)
    assert len(server.requests) == 4
    assert [j.score for j in judged] == [pytest.approx(i / 10) for i in range(COUNT)]
    assert all("mean of 2 of 3" in j.reason for j in judged)


def test_of_two_unusable_replies_the_one_with_more_counts():
    def script(n, request):
        return completion(entries(dict.fromkeys("ABCD" if n == 0 else "A", 0.5)))

    judged, _ = _judge(script, shuffles=1)
    assert [j.score for j in judged].count(None) == 1


def test_more_candidates_than_letters_are_refused_before_anything_is_sent():
    with Loopback(truthful) as server:
        chosen = replace(FAST, base_url=server.url, model="loopback", mode="listwise")
        with (
            OpenAiJudge(chosen, environ={}) as judge,
            pytest.raises(InvalidInputError, match="27 candidates in one listwise call; at most 26: lower -k"),
        ):
            judge.judge(Query("polyp"), [candidate(i) for i in range(27)], lambda item: grey(candidate(1)))
    assert server.requests == []


def test_the_schema_sent_asks_for_a_list_with_ids():
    _, server = _judge(truthful, shuffles=1)
    assert '"judgements"' in json.dumps(server.requests[0].body["response_format"])
