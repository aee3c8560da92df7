"""Session settings measured: each changed alone against the runtime's defaults, on the shipped bundle.

A setting that helps one lone query may harm the next stage or a neighbour: idle threads that spin hold the cores
that NumPy or another session waits for. So a query is timed alone, together with its search, and beside a second
session that is kept busy, whose own pace stands in the table, too; images alone and from two callers at once. Last:
what opening a graph costs, and whether an optimised graph kept from an earlier start would be faster to open.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from runtime.bundle import TEXT_MODEL, Bundle
from runtime.encoder import DualEncoder
from runtime.ensemble import stack_folds
from runtime.files import sha256_file
from runtime.index import ExactIndex
from runtime.options import DEFAULT_BUNDLE
from runtime.sessions import FOR_IMAGES, FOR_QUERIES, GRAPH_LEVELS, SessionSettings, open_session

from .results import command_line, print_table, save_result
from .timing import machine_load, paired, ratio, summary

CHANGES: dict[str, dict[str, Any]] = {  # to the settings of both towers
    "defaults": {},
    "none spins": {"spinning": False},
    "both spin": {"spinning": True},
    "one thread": {"threads": 1},
    "no arena": {"arena": False},
    "graph extended": {"graph_level": "extended"},
    "graph basic": {"graph_level": "basic"},
}
TEXT = "purulent discharge in the left middle meatus"
ITEMS, TOP = 10_000, 5
QUERIES_BESIDE, IMAGES_AT_ONCE, CALLERS = 5, 8, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--rounds", type=int, default=60, help="timed calls of each variant; fewer where each is long")


def run(args: argparse.Namespace) -> int:
    """Times every variant in every scenario and writes `session_options.json`."""
    bundle = Bundle.open(args.bundle)
    with machine_load() as load:
        encoders = {
            name: DualEncoder(
                bundle, text_settings=replace(FOR_QUERIES, **change), image_settings=replace(FOR_IMAGES, **change)
            )
            for name, change in CHANGES.items()
        }
        rows = alone(encoders, rounds=args.rounds) + together(encoders, rounds=max(5, args.rounds // 3))
        rows += beside(encoders, rounds=max(5, args.rounds // 6))
        opening = opened(bundle.path(TEXT_MODEL), rounds=max(5, args.rounds // 4))
    print_table(rows)
    print_table(opening)
    defaults = {"text": asdict(FOR_QUERIES), "image": asdict(FOR_IMAGES)}
    save_result(
        "session_options", command_line(), {"defaults": defaults, "rows": rows, "opening": opening, "run": load}
    )
    return 0


def alone(encoders: dict[str, DualEncoder], *, rounds: int) -> list[dict[str, Any]]:
    """One query, one query and its search, one image: no other work in the process."""
    index = _index(next(iter(encoders.values())))
    pixels = _pixels(next(iter(encoders.values())))
    scenarios: dict[str, Callable[[DualEncoder], object]] = {
        "one text": lambda encoder: encoder.encode_texts([TEXT]),
        "one text and its search": lambda encoder: index.search(stack_folds(encoder.encode_texts([TEXT])), TOP),
        "one image": lambda encoder: encoder.encode_pixels(pixels),
    }
    rows = []
    for scenario, work in scenarios.items():
        seconds = paired({name: partial(work, encoder) for name, encoder in encoders.items()}, rounds=rounds)
        rows += _rows(scenario, seconds)
    return rows


def together(encoders: dict[str, DualEncoder], *, rounds: int) -> list[dict[str, Any]]:
    """Eight images from two threads that share the session, as bulk encoding and an app's users do."""
    pixels = _pixels(next(iter(encoders.values())))
    with ThreadPoolExecutor(CALLERS) as pool:

        def work(encoder: DualEncoder) -> None:
            list(pool.map(lambda _: encoder.encode_pixels(pixels), range(IMAGES_AT_ONCE)))

        seconds = paired({name: partial(work, encoder) for name, encoder in encoders.items()}, rounds=rounds, warmup=1)
    return _rows(f"{IMAGES_AT_ONCE} images, {CALLERS} callers", seconds)


def beside(encoders: dict[str, DualEncoder], *, rounds: int) -> list[dict[str, Any]]:
    """Queries with their search while a thread keeps the image session of the same settings busy."""
    index = _index(next(iter(encoders.values())))
    pairs = {name: Neighbours(encoder, index) for name, encoder in encoders.items()}
    for pair in pairs.values():
        pair()
        pair.forget()
    paired(pairs, rounds=rounds, warmup=0)
    rows = _rows("one text and its search, beside images", {name: pair.seconds for name, pair in pairs.items()})
    for row, pair in zip(rows, pairs.values(), strict=True):
        row["neighbour_per_s"] = float(np.median(pair.images_per_s))
    return rows


class Neighbours:
    """One call: some queries in this thread while another encodes images; keeps the time of each and the pace."""

    def __init__(self, encoder: DualEncoder, index: ExactIndex) -> None:
        self.encoder, self.index = encoder, index
        self.pixels = _pixels(encoder)
        self.forget()

    def forget(self) -> None:
        """Drops what was measured."""
        self.seconds: list[float] = []
        self.images_per_s: list[float] = []

    def __call__(self) -> None:
        """Measures some queries and the pace of the images beside them."""
        stop, under_way, done = threading.Event(), threading.Event(), []

        def images() -> None:
            while not stop.is_set():
                self.encoder.encode_pixels(self.pixels)
                done.append(time.perf_counter())
                under_way.set()

        thread = threading.Thread(target=images)
        thread.start()
        under_way.wait()
        for _ in range(QUERIES_BESIDE):
            started = time.perf_counter()
            self.index.search(stack_folds(self.encoder.encode_texts([TEXT])), TOP)
            self.seconds.append(time.perf_counter() - started)
        while len(done) < 3:  # two whole images at least, else there is no pace
            self.index.search(stack_folds(self.encoder.encode_texts([TEXT])), TOP)
        stop.set()
        thread.join()
        self.images_per_s.append((len(done) - 1) / (done[-1] - done[0]))


def opened(model: Path, *, rounds: int) -> list[dict[str, Any]]:
    """Opening the text graph: from the bundle by graph level, and an optimised copy as a cache would keep it."""
    with tempfile.TemporaryDirectory() as name:
        whole, apart = Path(name) / "whole.onnx", Path(name) / "apart.onnx"
        _save_optimised(model, whole)
        _save_optimised(model, apart, weights="apart.data")
        weights = apart.with_name("apart.data")
        plain = SessionSettings(graph_level="off")  # the copy has been optimised

        def checked() -> None:  # a cache that anybody may have changed is hashed before it is opened, as a bundle is
            sha256_file(weights)
            open_session(apart, plain, provider="cpu")

        variants: dict[str, Callable[[], object]] = {
            f"bundle's graph, level {level}": partial(
                open_session, model, SessionSettings(graph_level=level), provider="cpu"
            )
            for level in GRAPH_LEVELS
        }
        variants["kept copy, one file"] = partial(open_session, whole, plain, provider="cpu")
        variants["kept copy, weights apart (mapped)"] = partial(open_session, apart, plain, provider="cpu")
        variants["kept copy, weights apart and hashed"] = checked
        seconds = paired(variants, rounds=rounds, warmup=1)
        sizes = [model.stat().st_size] * len(GRAPH_LEVELS) + [whole.stat().st_size] + [weights.stat().st_size] * 2
    return [
        {"opening": name, **summary(values), "file_mb": size / 1e6}
        for (name, values), size in zip(seconds.items(), sizes, strict=True)
    ]


def _save_optimised(model: Path, target: Path, weights: str | None = None) -> None:
    options = ort.SessionOptions()
    options.log_severity_level = 3  # it warns that the copy suits this processor only, which is meant
    options.optimized_model_filepath = str(target)
    if weights:
        options.add_session_config_entry("session.optimized_model_external_initializers_file_name", weights)
        options.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", "1024")
    ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _rows(scenario: str, seconds: dict[str, list[float]]) -> list[dict[str, Any]]:
    return [
        {
            "scenario": scenario,
            "setting": name,
            **summary(values),
            "over_defaults": ratio(values, seconds["defaults"])["ratio"],
            "neighbour_per_s": "",
        }
        for name, values in seconds.items()
    ]


def _index(encoder: DualEncoder) -> ExactIndex:
    vectors = np.random.default_rng(0).standard_normal((ITEMS, encoder.folds, encoder.dims)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    return ExactIndex(np.arange(ITEMS, dtype=np.int64), stack_folds(vectors))


def _pixels(encoder: DualEncoder) -> NDArray[np.float32]:
    """One image as the tower takes it, (1, 3, S, S) float32; what it shows decides no time."""
    size = encoder.preprocess.size
    return np.random.default_rng(1).standard_normal((1, 3, size, size)).astype(np.float32)
