"""The drive's text scenes, and trainings on them by their command lines; finished steps are kept."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from runtime.errors import InvalidInputError

from ..pipeline import export_once, run_module

FORMS = ("published", "corrected")
SCENES, QUICK_SCENES = 2000, 150
SEED = 11  # of the drive: the recipe's settings were chosen on validation queries of seed 7


def work_folder(args: argparse.Namespace) -> Path:
    """Where finished steps are kept; small ones apart."""
    folder: Path = args.work / "quick" if args.quick else args.work
    return folder


def drawn(args: argparse.Namespace) -> Path:
    """The folder of the drive's text scenes; drawn once."""
    scenes = QUICK_SCENES if args.quick else SCENES
    folder = work_folder(args) / f"drive-{scenes}"
    if not (folder / "text" / "carim.json").is_file():
        run_module("assets.drive", folder, "--only", "text", "--text-scenes", scenes, "--seed", SEED)
    return folder / "text"


def exported(
    args: argparse.Namespace, data: Path, form: str, seed: int, *, name: str = "", options: Sequence[object] = ()
) -> Path:
    """The bundle of one training of a form; `name` tells one with other `options` apart."""
    run = run_folder(args, name or form, seed)
    bundle = run.with_name(f"{run.name}-bundle")
    epochs = 1 if args.quick else args.epochs
    settings = ("--seed", seed, "--threads", args.threads, *(() if epochs is None else ("--epochs", epochs)))
    run_module("train", "carim", "--data", data, "--out", run, "--ani", form, *settings, *options)
    export_once("carim", run, bundle)
    return bundle


def held_out_scenes(args: argparse.Namespace, seed: int) -> list[str]:
    """The test scenes of a seed's runs, the same for both forms; InvalidInputError where they differ."""
    splits = [run_folder(args, form, seed) / "split.json" for form in FORMS]
    lists = [sorted(json.loads(split.read_text("utf-8"))["test"]) for split in splits]
    if lists[0] != lists[1]:
        raise InvalidInputError(
            f"{splits[0]} and {splits[1]} hold out different scenes; expected the same: delete both folders and run "
            "`python -m benchmarks carim --parts drive` again"
        )
    return [str(scene) for scene in lists[0]]


def run_folder(args: argparse.Namespace, name: str, seed: int) -> Path:
    """The run of one training."""
    return work_folder(args) / f"{name.replace(' ', '-')}-{seed}"
