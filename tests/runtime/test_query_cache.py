"""A query is encoded once while it is remembered, and once for all who ask at the same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from runtime.errors import InvalidInputError
from runtime.query_cache import QueryCache

WAIT_S = 30  # never reached: a hang becomes a failure


class Encoder:
    """Counts its calls, and holds each until `go` is set."""

    def __init__(self, *, ready: bool = True) -> None:
        self.calls: list[str] = []
        self.began, self.go = threading.Event(), threading.Event()
        self.error: BaseException | None = None
        if ready:
            self.go.set()

    def __call__(self, text: str) -> np.ndarray:
        self.calls.append(text)
        self.began.set()
        assert self.go.wait(WAIT_S)
        if self.error is not None:
            raise self.error
        return np.full((2, 3), len(text), np.float32)


def asked_together(cache: QueryCache, encoder: Encoder, text: str, askers: int) -> list[object]:
    """What `askers` threads get (a vector or an error) that all ask before the first answer is there."""
    at_the_door = threading.Barrier(askers + 1)

    def ask() -> object:
        at_the_door.wait(WAIT_S)
        try:
            return cache(text)
        except ValueError as error:
            return error

    with ThreadPoolExecutor(askers) as pool:
        answers = [pool.submit(ask) for _ in range(askers)]
        at_the_door.wait(WAIT_S)
        assert encoder.began.wait(WAIT_S)
        encoder.go.set()
        return [answer.result(WAIT_S) for answer in answers]


def test_a_repeated_text_is_encoded_once_and_every_text_gets_its_own_vector():
    encoder = Encoder()
    cache = QueryCache(encoder)
    first = cache("ear")
    assert cache("ear") is first
    np.testing.assert_array_equal(cache("throat"), np.full((2, 3), 6, np.float32))
    assert encoder.calls == ["ear", "throat"]
    assert len(cache) == 2


def test_vectors_are_read_only_because_callers_share_them():
    vector = QueryCache(Encoder())("ear")
    with pytest.raises(ValueError, match="read-only"):
        vector[0, 0] = 1


def test_the_text_used_longest_ago_is_forgotten_first():
    encoder = Encoder()
    cache = QueryCache(encoder, size=2)
    for text in ("a", "b", "a", "c", "a", "b"):  # c drops b, b drops c
        cache(text)
    assert encoder.calls == ["a", "b", "c", "b"]
    assert len(cache) == 2


def test_a_cache_of_nothing_keeps_nothing_and_still_answers():
    encoder = Encoder()
    cache = QueryCache(encoder, size=0)
    cache("a")
    cache("a")
    assert (encoder.calls, len(cache)) == (["a", "a"], 0)
    with pytest.raises(InvalidInputError, match="-1 texts; expected 0 or more"):
        QueryCache(encoder, size=-1)


def test_sixteen_threads_with_one_question_cost_one_computation_and_get_one_vector():
    encoder = Encoder(ready=False)
    answers = asked_together(QueryCache(encoder), encoder, "ear", 16)
    assert encoder.calls == ["ear"]
    assert len({id(answer) for answer in answers}) == 1


def test_a_slow_text_does_not_hold_up_another():
    slow = Encoder(ready=False)
    cache = QueryCache(lambda text: slow(text) if text == "slow" else np.zeros((1, 1), np.float32))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(cache, "slow")
        assert slow.began.wait(WAIT_S)
        assert cache("quick").shape == (1, 1)
        assert not waiting.done()
        slow.go.set()
        waiting.result(WAIT_S)


def test_an_error_reaches_whoever_waits_and_is_not_kept():
    encoder = Encoder(ready=False)
    cache = QueryCache(encoder)
    encoder.error = ValueError("the tower is gone")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cache, "ear")
        assert encoder.began.wait(WAIT_S)
        flight = cache._flying["ear"]
        encoder.go.set()
        with pytest.raises(ValueError, match="the tower is gone"):
            first.result(WAIT_S)
        with pytest.raises(ValueError, match="the tower is gone"):
            flight.result(WAIT_S)  # what every other thread waits for
    encoder.error = None
    np.testing.assert_array_equal(cache("ear"), np.full((2, 3), 3, np.float32))
    assert len(encoder.calls) == 2


def test_an_error_reaches_all_of_many_threads():
    encoder = Encoder(ready=False)
    encoder.error = ValueError("the tower is gone")
    answers = asked_together(QueryCache(encoder), encoder, "ear", 8)
    assert [str(answer) for answer in answers] == ["the tower is gone"] * 8
