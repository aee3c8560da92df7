"""Times that can be compared: variants measured in turn in one process, with the machine's load beside them."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np


def paired(
    variants: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    warmup: int = 3,
    prime: int = 0,
    cpu: dict[str, list[float]] | None = None,
) -> dict[str, list[float]]:
    """Wall seconds of every variant in every round, {name: `rounds` values}, in the variants' own order.

    All variants are called once a round, so that a slow moment of the machine hits all of them; each round starts
    with the next variant, so that none always follows the same one. `warmup` calls of each come first, untimed.
    `prime` untimed calls come before every timed one: the caches then hold the variant's own weights, as in a server
    that does nothing else, and not those of the variant before.
    `cpu`, where given, receives the processor seconds of the whole process (all threads) in the same form: they
    tell work from waiting on a machine that others use, too.
    """
    names = list(variants)
    for name in names:
        for _ in range(warmup):
            variants[name]()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    used: dict[str, list[float]] = {name: [] for name in names}
    for i in range(rounds):
        first = i % len(names)
        for name in names[first:] + names[:first]:
            for _ in range(prime):
                variants[name]()
            processor, started = time.process_time(), time.perf_counter()
            variants[name]()
            seconds[name].append(time.perf_counter() - started)
            used[name].append(time.process_time() - processor)
    if cpu is not None:
        cpu.update(used)
    return seconds


def summary(seconds: Sequence[float]) -> dict[str, Any]:
    """{"median_ms", "p95_ms", "n"} of wall seconds."""
    return {
        "median_ms": float(np.median(seconds)) * 1000,
        "p95_ms": float(np.percentile(seconds, 95)) * 1000,
        "n": len(seconds),
    }


def ratio(above: Sequence[float], below: Sequence[float]) -> dict[str, float]:
    """How many times as long `above` took as `below`, two variants of one `paired` call.

    `ratio` is the quotient of the medians; `low` and `high` are its 95 % bootstrap interval over rounds (10 000
    seeded draws, rounds drawn together because both variants share a round's slow moment).
    """
    a, b = np.asarray(above), np.asarray(below)
    rows = np.random.default_rng(0).integers(0, len(a), (10_000, len(a)))
    drawn = np.median(a[rows], axis=1) / np.median(b[rows], axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {"ratio": float(np.median(a) / np.median(b)), "low": float(low), "high": float(high)}


@contextmanager
def machine_load() -> Iterator[dict[str, Any]]:
    """Fills {"load_before", "load_after"} (one-minute averages), {"wall_s", "cpu_s"} of this process, and `omp`.

    A load above the threads in use means that others worked on the machine meanwhile.
    """
    record: dict[str, Any] = {"load_before": load_average(), "omp": omp_environment()}
    started, processor = time.perf_counter(), time.process_time()
    try:
        yield record
    finally:
        record["wall_s"] = round(time.perf_counter() - started, 3)
        record["cpu_s"] = round(time.process_time() - processor, 3)
        record["load_after"] = load_average()


def load_average() -> float:
    """Mean number of runnable processes over the last minute."""
    return round(os.getloadavg()[0], 2)


def omp_environment() -> dict[str, str]:
    """The OMP_* variables of this process: they decide how thread pools wait."""
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith("OMP_")}
