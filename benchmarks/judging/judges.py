"""Shuffling and fusion over a simulated judge: synthetic queries with known answers, for comparing methods only.

The judge (`simulated.py`) is a formula over the phantoms' truth; nothing here says how good a real judge is.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runtime.files import sha256_file

from ..markdown import interval
from ..results import command_line, print_table, save_result
from .fresh_phantoms import IMAGES, fresh_trials, some_queries
from .fusion_missing import missing_figures
from .judge_order import order_figures
from .judge_sweep import ACCURACIES, sweep_figures
from .simulated import FILE, SimulatedJudge


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--work", type=Path, default=Path("runs/evaluate"), help="phantoms and cosines are kept here")
    parser.add_argument("--threads", type=int, default=2, help="threads of training, where it is not done yet")
    parser.add_argument("--images", type=int, default=IMAGES, help="fresh phantoms; another number writes no result")
    parser.add_argument("--queries", type=int, help="a seeded choice of so many: writes no result")


def run(args: argparse.Namespace) -> int:
    """Runs the three experiments, writes `judge_order.json`, `fusion_missing.json` and `judge_sweep.json`."""
    judge = SimulatedJudge.from_file()
    trials = fresh_trials(args.work, args.threads, images=args.images)
    if args.queries:
        trials = some_queries(trials, args.queries)
    results = {
        "judge_order": order_figures(trials, judge),
        "fusion_missing": missing_figures(trials, judge, ACCURACIES),
        "judge_sweep": sweep_figures(trials, judge),
    }
    about = {
        "data": f"{args.images} synthetic phantoms of fresh patients, captions in English and Vietnamese",
        "judge_kind": "simulated",
        "judge_file": {"name": FILE.name, "sha256": sha256_file(FILE)},
    }
    for name, figures in results.items():
        print_table([flat(row) for row in figures["rows"]])
        if args.images == IMAGES and not args.queries:
            save_result(name, command_line(), figures | about)
    return 0


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row of figures with intervals {mean, low, high} as columns of one cell, for the printed table."""
    cells: dict[str, Any] = {}
    for name, value in row.items():
        if not isinstance(value, dict):
            cells[name] = value
        elif "mean" in value:
            cells[name] = interval(value, "+.3f", words=True)
        else:
            cells |= flat({f"{name} {inner}": part for inner, part in value.items()})
    return cells


def plot(figures: dict[str, Any], folder: Path) -> Sequence[Path]:
    """The plots of whichever of the three results `figures` are."""
    from .judge_plots import plot_missing, plot_order, plot_sweep  # noqa: PLC0415

    if "helps_from" in figures:
        return [plot_sweep(figures, folder)]
    return [plot_missing(figures, folder) if "by_kind" in figures else plot_order(figures, folder)]
