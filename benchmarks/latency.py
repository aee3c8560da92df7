"""One text query over 10 000 items: our ten folds in one int8 graph, stage by stage, and ten torch models as published.

The published way encodes a query with ten MiniLM models one after another, text padded to 128 tokens, and ranks
each fold's 64-d vectors. Its heads here have random weights: time does not depend on them. All variants run in
one process in turn, query by query, so that a slow moment of the machine hits all of them.
"""

import argparse
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.encoder import DualEncoder, open_encoder
from runtime.ensemble import fold_cosines, fold_top, stack_folds
from runtime.index import ExactIndex
from runtime.options import DEFAULT_BUNDLE

from .plots import plot_stages
from .results import command_line, print_table, save_result
from .timing import machine_load, paired, summary
from .upstream import TorchLoop

FOLDS, DIMS, TOP = 10, 64, 5
QUERIES = (
    "purulent discharge in the left middle meatus",
    "normal right tympanic membrane with a visible cone of light and malleus handle",
    "polyp in the right nasal cavity",
    "vocal cords closed, small nodule on the right cord",
    "enlarged tonsils with white exudate on both sides",
)
SYSTEMS = ("ours", "torch padded to 128", "torch unpadded")
STAGES = ("tokenise", "encode", "search", "votes")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=100, help="queries timed by stage; half of them against torch")
    parser.add_argument("--threads", type=int, default=2)


def run(args: argparse.Namespace) -> int:
    """Times the variants in turn and writes `kger_latency.json`."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((args.items, FOLDS, DIMS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    encoder = open_encoder(args.bundle, threads=args.threads, provider="cpu")
    with machine_load() as load:
        stages = time_stages(encoder, vectors, args.repeats)
        seconds = _against_torch(encoder, vectors, args.threads, rounds=max(1, args.repeats // 2))
    rows: list[dict[str, Any]] = [
        {"system": name, "p50_ms": found["median_ms"], "p95_ms": found["p95_ms"], "n": found["n"]}
        for name, found in ((name, summary(values)) for name, values in seconds.items())
    ]
    print_table(stages)
    print_table(rows)
    p50 = {row["system"]: row["p50_ms"] for row in rows}
    figures = {
        "query_p50_ms": p50["ours"],
        "query_p95_ms": rows[0]["p95_ms"],
        "torch_loop_p50_ms": p50["torch padded to 128"],
        "torch_unpadded_p50_ms": p50["torch unpadded"],
        "torch_loop_over_ours": p50["torch padded to 128"] / p50["ours"],
        "torch_unpadded_over_ours": p50["torch unpadded"] / p50["ours"],
        "items": args.items,
        "threads": args.threads,
        "load": load,
        "stages": stages,
        "rows": rows,
    }
    save_result("kger_latency", command_line(), figures)
    return 0


def plot(figures: dict[str, Any], folder: Path) -> list[Path]:
    """The query's stages as one bar."""
    return [plot_stages(figures["stages"], folder)]


def time_stages(encoder: DualEncoder, vectors: NDArray[np.float32], repeats: int) -> list[dict[str, Any]]:
    """[{"stage", "median_ms", "p95_ms", "n"}] of `repeats` queries over a gallery (N, K, D), one after another.

    tokenise: text to ids; encode: ids to ten unit vectors; search: the five nearest; votes: each fold's own top five.
    """
    rows = stack_folds(vectors)
    ids = np.arange(len(rows), dtype=np.int64)
    index = ExactIndex(ids, rows)
    seconds: dict[str, list[float]] = {stage: [] for stage in STAGES}
    texts = cycle(QUERIES)
    warmup = 3
    for i in range(warmup + repeats):
        marks = [time.perf_counter()]
        tokens, mask = encoder.tokenizer([next(texts)])
        marks.append(time.perf_counter())
        query = stack_folds(encoder.text_tower({"input_ids": tokens, "attention_mask": mask}))
        marks.append(time.perf_counter())
        index.search(query, TOP)
        marks.append(time.perf_counter())
        fold_top(fold_cosines(query[0], rows, encoder.folds), ids, TOP)
        marks.append(time.perf_counter())
        if i >= warmup:
            for stage, begin, end in zip(STAGES, marks, marks[1:], strict=False):
                seconds[stage].append(end - begin)
    return [{"stage": stage, **summary(values)} for stage, values in seconds.items()]


def _against_torch(
    encoder: DualEncoder, vectors: NDArray[np.float32], threads: int, rounds: int
) -> dict[str, list[float]]:
    import torch  # noqa: PLC0415  imported late: the runtime has none

    loop = TorchLoop(FOLDS)
    torch.set_num_threads(threads)
    index = ExactIndex(np.arange(len(vectors), dtype=np.int64), stack_folds(vectors))
    asks: tuple[Callable[[str], Any], ...] = (
        lambda text: index.search(stack_folds(encoder.encode_texts([text])), TOP),
        loop.searcher(vectors, 128),
        loop.searcher(vectors, None),
    )

    def asking(ask: Callable[[str], Any]) -> Callable[[], Any]:
        texts = cycle(QUERIES)
        return lambda: ask(next(texts))

    return paired({name: asking(ask) for name, ask in zip(SYSTEMS, asks, strict=True)}, rounds=rounds, prime=1)
