"""The published recipe with ten folds, the whole way: phantoms, training, export, certificate, index, search.

The image tower is random, not pretrained, and training is cut short, so that this runs anywhere: what is found
means nothing, that it is found by every fold's exact numbers in an environment without torch is the result.
"""

import argparse
import json
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runtime.bundle import IMAGE_MODEL, TEXT_MODEL, Bundle
from runtime.dataset import captions_of, read_dataset
from runtime.errors import InvalidInputError

from .pipeline import ROOT, CommandFailedError, run_module
from .results import command_line, print_table, save_result

KIND = "image tower random, not pretrained: proves the path; its retrieval quality means nothing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--images", type=int, default=160)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=8, help="batches of 16 pairs that each fold trains")
    parser.add_argument("--runtime-python", default=str(ROOT / ".venv/bin/python"), help="an environment without torch")


def run(args: argparse.Namespace) -> int:
    """Goes the whole way in a temporary folder and writes `kger_paper_path.json`."""
    _refuse_torch(args.runtime_python)
    with tempfile.TemporaryDirectory() as folder:
        figures = _whole_way(Path(folder), args)
    cpu = figures["cpu_seconds"]
    print_table([{"stage": name, "seconds": s, "cpu_seconds": cpu[name]} for name, s in figures["seconds"].items()])
    save_result("kger_paper_path", command_line(), figures)
    return 0


def _whole_way(work: Path, args: argparse.Namespace) -> dict[str, Any]:
    data, trained, bundle, gallery = (work / name for name in ("data", "run", "bundle", "gallery"))
    options = ("--image-weights", "random", "--epochs", 1, "--steps", args.steps, "--batch", 16)
    places = ("--bundle", bundle, "--gallery", gallery)
    lean = args.runtime_python
    seconds: dict[str, float] = {}
    cpu_seconds: dict[str, float] = {}

    @contextmanager
    def timed(stage: str) -> Iterator[None]:
        started, used = time.perf_counter(), _children_cpu()
        yield
        seconds[stage], cpu_seconds[stage] = time.perf_counter() - started, _children_cpu() - used

    recipe = ("--recipe", "paper", "--folds", args.folds)
    with timed("draw"):
        run_module("assets.phantoms", data, "--images", args.images, "--seed", 7)
    with timed("train"):
        run_module("train", "kger", "--data", data, *recipe, "--out", trained, *options)
    with timed("export"):
        run_module("export", "kger", trained, "--out", bundle)
    with timed("index"):
        run_module("runtime", "index", data, *places, "--strict", python=lean)
    records = read_dataset(data).records
    query = captions_of(records[0], "en")[0]
    with timed("search, process start included"):
        found = _search(lean, query, places)
    return {
        **_exported(bundle),
        "trained_mb_a_fold": (trained / "fold-0" / "weights.safetensors").stat().st_size / 1e6,
        "images": len(records),
        "training": {"epochs": 1, "steps": args.steps, "batch": 16, "data": "synthetic phantoms"},
        "search": {
            "query": query,
            "torch": False,
            "candidates": [
                {"file": Path(item["path"]).name, "folds": len(item["fold_cosines"]), "similarity": item["similarity"]}
                for item in found["candidates"]
            ],
        },
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
    }


def _exported(bundle: Path) -> dict[str, Any]:
    manifest = Bundle.open(bundle).manifest
    fp32 = manifest.certificate["fp32"]
    return {
        "kind": KIND,
        "folds": manifest.folds,
        "max_abs_difference": max(*fp32["text_max_abs_difference"], *fp32["image_max_abs_difference"]),
        "certificate": dict(manifest.certificate),
        "image_mb": manifest.files[IMAGE_MODEL].size_bytes / 1e6,
        "text_mb": manifest.files[TEXT_MODEL].size_bytes / 1e6,
    }


def _search(python: str, query: str, places: tuple[object, ...]) -> dict[str, Any]:
    command = [python, "-m", "runtime", "search", query, "--json", *map(str, places)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandFailedError(f"{' '.join(command[1:])} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _refuse_torch(python: str) -> None:
    code = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is not None)"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, check=False)
    except OSError as error:
        raise InvalidInputError(
            f"--runtime-python {python}: cannot be run ({error.strerror}); give an interpreter"
        ) from error
    if done.returncode:
        raise InvalidInputError(f"--runtime-python {python}: torch is installed there; search must do without it")
