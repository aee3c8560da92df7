"""Paired timing: who is called when, and what the numbers are."""

import threading
import time

import numpy as np
import pytest

from benchmarks.timing import machine_load, paired, ratio, summary


def test_every_variant_is_called_once_a_round_and_another_one_starts_each_round():
    calls: list[str] = []
    variants = {name: (lambda name=name: calls.append(name)) for name in "abc"}
    seconds = paired(variants, rounds=4, warmup=2)
    assert "".join(calls) == "aabbcc" + "abc" + "bca" + "cab" + "abc"
    assert list(seconds) == ["a", "b", "c"]
    assert [len(values) for values in seconds.values()] == [4, 4, 4]


def test_seconds_are_those_of_the_call_and_processor_seconds_leave_waiting_out():
    never = threading.Event()
    cpu: dict[str, list[float]] = {}
    variants = {"waits": lambda: never.wait(0.03), "works": lambda: sum(range(200_000))}
    seconds = paired(variants, rounds=3, warmup=1, cpu=cpu)
    assert min(seconds["waits"]) >= 0.029
    assert min(cpu["waits"]) < 0.02
    assert min(cpu["works"]) > 0


def test_a_summary_is_median_and_95th_percentile_in_milliseconds():
    assert summary([0.001 * i for i in range(1, 102)]) == {
        "median_ms": pytest.approx(51.0),
        "p95_ms": pytest.approx(96.0),
        "n": 101,
    }


def test_a_ratio_is_that_of_the_medians_with_an_interval_around_it():
    rng = np.random.default_rng(1)
    slow_moments = rng.exponential(1.0, 200)  # both variants of a round share it
    below = (1 + slow_moments).tolist()
    above = (2 * (1 + slow_moments)).tolist()
    found = ratio(above, below)
    assert found["ratio"] == pytest.approx(2.0)
    assert found["low"] == pytest.approx(2.0)  # drawn round by round, the shared moment cancels
    assert found["high"] == pytest.approx(2.0)


def test_the_load_record_is_complete_after_the_block():
    with machine_load() as record:
        started = time.perf_counter()
        sum(range(100_000))
        at_least = time.perf_counter() - started
    assert record["wall_s"] >= round(at_least, 3)
    assert {"load_before", "load_after", "omp", "cpu_s"} <= set(record)
