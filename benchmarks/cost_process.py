"""What one process of the cost benchmark measures: everything at one thread count, in groups timed in turn."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from runtime.entry import quiet_threads

from . import cost_image, cost_text
from .cost_graphs import FOLDS, Graphs
from .cost_rows import Timed
from .floors import machine_rates
from .gpu_cost import gpu_rows
from .ten_sessions import one_pool, own_pools
from .timing import machine_load

SESSIONS, FUSED, ONE = (
    "ten sessions, published recipe",
    "one graph, published recipe",
    "one session, published recipe",
)


@dataclass(frozen=True)
class Settings:
    """What one process measures; `rounds` are those of the shortest groups."""

    work: Path
    images: int
    threads: int
    rounds: int
    batch: int

    @property
    def graphs(self) -> Graphs:
        """The bundles, made already."""
        return Graphs(self.work, self.images)

    def part(self, divisor: int) -> int:
        """Rounds of a group whose calls take longer; at least three."""
        return max(3, self.rounds // divisor)


def in_own_process(task: Callable[[Settings], dict[str, Any]], settings: Settings) -> dict[str, Any]:
    """The result of `task(settings)` in a fresh process: no pool, cache or heap of an earlier part."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=quiet_threads) as pool:
        return pool.submit(task, settings).result()


def measure(settings: Settings) -> dict[str, Any]:
    """{"threads", "rates", "load", "rows", "ratios", "ladder", "peers", "gpu"} with `settings.threads` threads."""
    graphs, opener = settings.graphs, own_pools(settings.threads)
    with machine_load() as load:
        rates = machine_rates(settings.threads)
        texts = cost_text.time_sizes(graphs, opener, rates, settings.rounds)
        exact = cost_text.time_recipe(graphs, opener, rates, settings.rounds)
        ladder, peers = cost_text.time_ladder(graphs, opener, rates, settings.part(2), settings.threads)
        images = cost_image.time_sizes(graphs, opener, rates, settings.part(3), ("fp32", "int8"))
        exact_image = cost_image.time_recipe(graphs, opener, rates, settings.part(3))
        bulk = cost_image.time_bulk(graphs, opener, rates, settings.part(8), settings.batch)
        gpu = gpu_rows(graphs)
    return {
        "threads": settings.threads,
        "rates": rates,
        "load": load,
        "rows": [row for timed in (texts, exact, ladder, images, exact_image, bulk) for row in timed.rows],
        "ratios": {
            **_ten_over_one(texts, images),
            **_against_sessions(exact, exact_image, bulk),
            "torch_loop_over_ours_int8": ladder.ratio(cost_text.STEPS[0], cost_text.STEPS[-1]),
            "torch_unpadded_over_ours_int8": ladder.ratio(cost_text.STEPS[1], cost_text.STEPS[-1]),
        },
        "ladder": [
            {"changed": cost_text.CHANGED[i], **ladder.ratio(above, below)}
            for i, (above, below) in enumerate(pairwise(cost_text.STEPS))
        ],
        "peers": peers,
        "gpu": gpu,
    }


def measure_one_pool(settings: Settings) -> dict[str, Any]:
    """Ten sessions against one graph again, all on ONE thread pool of the process: were the many pools in the way?"""
    graphs, opener = settings.graphs, one_pool(settings.threads)
    rates = {"threads": float(settings.threads)}  # nothing is counted: that would open sessions with other pools
    text = cost_text.time_recipe(graphs, opener, rates, settings.rounds, counted=False)
    image = cost_image.time_recipe(graphs, opener, rates, settings.part(3), counted=False)
    return {
        "threads": settings.threads,
        "rows": [*text.rows, *image.rows],
        "sessions_over_fused_text": text.ratio(SESSIONS, FUSED),
        "sessions_over_fused_image": image.ratio(SESSIONS, FUSED),
    }


def _ten_over_one(texts: Timed, images: Timed) -> dict[str, Any]:
    found = {}
    for precision in ("fp32", "int8"):
        ten, one = cost_text.readout(FOLDS, precision), cost_text.readout(1, precision)
        found[f"text_ten_over_one_{precision}"] = texts.ratio(ten, one)
        found["image_ten_over_one" + ("" if precision == "fp32" else "_int8")] = images.ratio(ten, one)
    return found


def _against_sessions(exact: Timed, exact_image: Timed, bulk: Timed) -> dict[str, Any]:
    return {
        "sessions_over_fused_text": exact.ratio(SESSIONS, FUSED),
        "sessions_over_fused_image": exact_image.ratio(SESSIONS, FUSED),
        "ten_sessions_over_one_text": exact.ratio(SESSIONS, ONE),
        "ten_sessions_over_one_image": exact_image.ratio(SESSIONS, ONE),
        "bulk_speedup_exact": bulk.ratio(*cost_image.bulk_names("paper")),
        "bulk_speedup_readout": bulk.ratio(*cost_image.bulk_names("readout")),
    }
