"""After repeated failures nobody is asked for a while."""

from dataclasses import replace

import pytest

from runtime.judge.breaker import CircuitBreaker, CircuitOpenError
from runtime.judge.openai import OpenAiJudge

from .cases import FAST, QUERY, candidate, image_file
from .loopback import Loopback, completed, failed


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(3, 60.0, clock)


def opened(breaker):
    for _ in range(3):
        breaker.check()
        breaker.failed("HTTP 500")
    return breaker


def test_it_opens_after_so_many_failures_in_a_row_and_says_why(breaker):
    opened(breaker)
    with pytest.raises(CircuitOpenError, match=r"switched off for 60 s after 3 failures in a row \(last: HTTP 500\)"):
        breaker.check()
    assert breaker.open_reason == "switched off after 3 failures in a row (last: HTTP 500)"


def test_a_success_between_failures_starts_the_count_anew(breaker):
    for _ in range(5):
        breaker.failed("x")
        breaker.failed("x")
        breaker.succeeded()
    breaker.check()
    assert breaker.open_reason == ""


def test_after_the_cool_down_one_may_try_and_the_others_still_wait(breaker, clock):
    opened(breaker)
    clock.now += 59.9
    with pytest.raises(CircuitOpenError):
        breaker.check()
    clock.now += 0.2
    breaker.check()
    with pytest.raises(CircuitOpenError):
        breaker.check()


def test_the_one_that_tries_closes_it_or_opens_it_again(breaker, clock):
    opened(breaker)
    clock.now += 61
    breaker.check()
    breaker.failed("still down")
    with pytest.raises(CircuitOpenError, match=r"for 60 s after 4 failures .*still down"):
        breaker.check()
    clock.now += 61
    breaker.check()
    breaker.succeeded()
    breaker.check()
    breaker.check()
    assert breaker.open_reason == ""


def test_one_that_tried_and_never_came_back_does_not_shut_it_for_good(breaker, clock):
    opened(breaker)
    for _ in range(3):
        clock.now += 61
        breaker.check()


def test_of_a_dead_service_only_so_many_are_asked_and_it_is_asked_again_after_the_cool_down(clock):
    alive = []
    with Loopback(lambda n, request: completed(0.7) if alive else failed(500, "down")) as server:
        chosen = replace(FAST, base_url=server.url, model="loopback", concurrency=1, attempts=1)
        with OpenAiJudge(chosen, environ={}) as judge:
            judge._asker.breaker.clock = clock
            judged = judge.judge(QUERY, [candidate(i) for i in range(8)], image_file)
            assert len(server.requests) == 5
            assert [j.score for j in judged] == [None] * 8
            assert [j.reason for j in judged[:5]] == ["HTTP 500: down"] * 5
            assert judged[7].reason.startswith("not asked: the judge is switched off for 60 s after 5 failures")
            assert [j.attempts for j in judged] == [1] * 5 + [0] * 3
            (note,) = judge.notes
            assert note.startswith("the judge is switched off after 5 failures in a row (last: HTTP 500: down); ")
            assert note.endswith("what is unjudged is ranked by retrieval alone")
            clock.now += 61
            judge.judge(QUERY, [candidate(i) for i in range(8)], image_file)
            assert len(server.requests) == 6, "one request tries"
            alive.append(True)
            clock.now += 61
            judged = judge.judge(QUERY, [candidate(i) for i in range(8)], image_file)
            assert [j.score for j in judged] == [0.7] * 8
            assert judge.notes == ()
