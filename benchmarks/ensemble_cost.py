"""What ten folds cost beside one model, ten sessions, the upstream torch loop, and other projects' encoders.

All ratios are of medians of variants that ran in turn in one process, which has nothing else in it; each thread
count has a process of its own. Beside each row stands its floor: the operations and bytes of its products, counted,
at the rates of a large product and a large copy, measured in the same process.
"""

import argparse
from pathlib import Path
from typing import Any

from runtime.bundle import IMAGE_MODEL, TEXT_MODEL

from .cost_graphs import FOLDS, Graphs, bundle_bytes
from .cost_process import Settings, in_own_process, measure, measure_one_pool
from .pipeline import ROOT
from .plots import plot_cost as plot
from .results import command_line, print_table, save_result

TARGETS: dict[str, tuple[str, float]] = {
    "text_ten_over_one_fp32": ("≤", 1.25),
    "text_ten_over_one_int8": ("≤", 1.6),
    "image_ten_over_one": ("≤", 1.10),
    "torch_loop_over_ours_int8": ("≥", 150),
    "sessions_over_fused_image": ("≥", 2.4),
    "sessions_over_fused_text": ("≥", 1.3),
    "bulk_speedup_exact": ("≥", 2.4),
    "bulk_speedup_readout": ("≥", 8),
    "bundle_bytes_ratio": ("≤", 1.15),
    "bundle_bytes_ratio_int8": ("≤", 1.2),
}
TABLE = ("group", "name", "threads", "median_ms", "p95_ms", "floor_ms", "bound")
__all__ = ["add_arguments", "plot", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--work", type=Path, default=ROOT / "runs/ensemble_cost", help="bundles are kept here (3 GB)")
    parser.add_argument("--images", type=int, default=120, help="phantoms that the bundles are trained on")
    parser.add_argument("--threads", type=int, nargs="+", default=[2, 1], help="the first count gives the ratios")
    parser.add_argument("--rounds", type=int, default=60, help="rounds of the shortest groups")
    parser.add_argument("--batch", type=int, default=8, help="images a batch in bulk")


def run(args: argparse.Namespace) -> int:
    """Makes the bundles that are missing, times everything, and writes `ensemble_cost.json`."""
    graphs = Graphs(args.work.resolve(), args.images)
    prepare(graphs)
    parts = []
    for threads in args.threads:
        settings = Settings(graphs.work, args.images, threads, args.rounds, args.batch)
        parts.append(in_own_process(measure, settings))
    check = in_own_process(measure_one_pool, Settings(graphs.work, args.images, args.threads[0], args.rounds, 1))
    figures = assemble(parts, check, sizes(graphs))
    rows = figures["rows"]
    print_table([{key: "" if row.get(key) is None else row[key] for key in TABLE} for row in rows])
    print_table([{"figure": key, "measured": figures[key], "target": _target(key)} for key in TARGETS])
    save_result("ensemble_cost", command_line(), figures)
    return 0


def prepare(graphs: Graphs) -> None:
    """Trains and exports all that `measure` opens, before anything is timed."""
    for precision in ("fp32", "int8"):
        for folds in (1, 2, 5, FOLDS):
            graphs.bundle("readout", precision, folds)
    for folds in (1, FOLDS):
        graphs.bundle("paper", "fp32", folds)


def sizes(graphs: Graphs) -> dict[str, Any]:
    """Bytes of read-out bundles of ten folds and of one, whole and by graph."""
    found: dict[str, Any] = {}
    for precision in ("fp32", "int8"):
        one, ten = (graphs.bundle("readout", precision, folds) for folds in (1, FOLDS))
        found[precision] = {
            "ten_bytes": bundle_bytes(ten),
            "one_bytes": bundle_bytes(one),
            **{
                f"{name}_ratio": ten.manifest.files[name].size_bytes / one.manifest.files[name].size_bytes
                for name in (TEXT_MODEL, IMAGE_MODEL)
            },
        }
    return found


def assemble(parts: list[dict[str, Any]], check: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """The results file's figures: the first part's ratios at the top level, everything beneath."""
    ratios = parts[0]["ratios"]
    top = {key: ratios[key]["ratio"] for key in (*TARGETS, "torch_unpadded_over_ours_int8") if key in ratios}
    return {
        **top,
        "bundle_bytes_ratio": found["fp32"]["ten_bytes"] / found["fp32"]["one_bytes"],
        "bundle_bytes_ratio_int8": found["int8"]["ten_bytes"] / found["int8"]["one_bytes"],
        "targets": {key: f"{sign} {value}" for key, (sign, value) in TARGETS.items()},
        "threads": parts[0]["threads"],
        "parts": [{key: value for key, value in part.items() if key != "rows"} for part in parts],
        "one_pool": check,
        "bytes": found,
        "rows": [row for part in parts for row in part["rows"]],
        "kind": "image tower with random weights: time does not depend on their values",
    }


def met(key: str, measured: float) -> bool:
    """Whether a figure meets its target."""
    sign, target = TARGETS[key]
    return measured <= target if sign == "≤" else measured >= target


def _target(key: str) -> str:
    sign, value = TARGETS[key]
    return f"{sign} {value}"
