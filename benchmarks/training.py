"""What ten folds cost to train beside one: the frozen stream is computed once, a read-out fold trains on what is kept.

Processor seconds, by training's own account of a fresh run: the trunks' passes over all data, and each fold.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from .pipeline import run_module
from .results import command_line, print_table, save_result

# name → options; epochs as the recipes of `quality`. One fold of the dear ones tells their price: two are the fewest
RUNS: dict[str, tuple[object, ...]] = {
    "readout": ("--adapt", "readout:2"),
    "lora": ("--adapt", "lora:8", "--folds", 2, "--epochs", 1),
    "unfreeze": ("--adapt", "unfreeze:4", "--folds", 2, "--epochs", 1),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--work", type=Path, default=Path("runs/training"), help="emptied first: cached work is no work"
    )
    parser.add_argument("--images", type=int, default=400, help="phantoms to train on")


def run(args: argparse.Namespace) -> int:
    """Trains each kind of fold on fresh phantoms and writes `training_cost.json`."""
    shutil.rmtree(args.work, ignore_errors=True)
    data = args.work / "data"
    run_module("assets.phantoms", data, "--images", args.images, "--seed", 7)
    rows = [_row(name, options, data, args.work) for name, options in RUNS.items()]
    print_table(rows)
    figures = {f"{row['folds']} over one: {row['name']}": row["all_over_one"] for row in rows if row["folds"] == 10}
    save_result("training_cost", command_line(), {"images": args.images, "rows": rows, **figures})
    return 0


def _row(name: str, options: tuple[object, ...], data: Path, work: Path) -> dict[str, Any]:
    folder = work / name.replace(", ", "-").replace("/", "")
    command = ("kger", "--data", data, "--out", folder, "--cache", folder / "cache", "--threads", 2)
    run_module("train", *command, *options)
    times = json.loads((folder / "times.json").read_text("utf-8"))
    frozen, folds = times["frozen_cpu_s"], times["fold_cpu_s"]
    epochs = json.loads((folder / "run.json").read_text("utf-8"))["recipe"]["epochs"]
    mean = sum(folds) / len(folds)
    return {
        "name": name,
        "folds": len(folds),
        "epochs": epochs,
        "frozen_cpu_s": frozen,
        "fold_epoch_cpu_s": mean / epochs,
        "all_over_one": (frozen + sum(folds)) / (frozen + mean),
    }
