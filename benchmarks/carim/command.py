"""`python -m benchmarks carim`: driving scenes by text on the synthetic phantom drive, and what a query costs."""

import argparse
from pathlib import Path
from typing import Any

from . import drive, latency
from .plots import plot_latency, plot_retrieval

PARTS = {"drive": drive.run, "latency": latency.run}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--parts", nargs="+", choices=tuple(PARTS), default=list(PARTS), help="what is measured")
    parser.add_argument("--work", type=Path, default=Path("runs/carim"), help="finished steps are kept here")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="small sizes that prove the path and measure nothing")
    parser.add_argument("--seeds", type=int, default=1, help="of the drive part: trainings of either form")
    parser.add_argument("--epochs", type=int, help="of the drive part (default: what training takes)")
    parser.add_argument("--ablate", action="store_true", help="of the drive part: train without each correction, too")
    parser.add_argument("--rounds", type=int, default=60, help="of the latency part: timed queries a path")
    parser.add_argument("--bundle", type=Path, default=Path("assets/bundles/carim"), help="of the latency part")


def run(args: argparse.Namespace) -> int:
    """Runs the chosen parts in order; each writes its own results file."""
    for part in args.parts:
        PARTS[part](args)
    return 0


def plot(figures: dict[str, Any], folder: Path) -> list[Path]:
    """R@1 by model and kind of query, or times by set of scenes: whichever the figures hold."""
    return plot_retrieval(figures, folder) if "models" in figures else plot_latency(figures, folder)
