"""From process start to the first hit: `python -m runtime search` on a gallery of 10 000, against `import torch` alone.

Processes in turn, each round in another order, files in the page cache. The search runs in the runtime
interpreter, torch in the training one. The gallery is synthetic: random unit vectors, put in through
runtime.gallery; the bundle is the shipped one. A clock outside the process starts before it is created and stops
when the line arrives that names the first hit, or that says that the import is done.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from runtime.bundle import Bundle
from runtime.ensemble import stack_folds
from runtime.gallery import Gallery, NewItem
from runtime.options import DEFAULT_BUNDLE

from .pipeline import ROOT, CommandFailedError
from .results import command_line, print_table, save_result
from .timing import machine_load, ratio, summary

ITEMS, BATCH = 10_000, 1000
QUERY = "polyp in the right nasal cavity"
SEARCH, TORCH, LIBRARIES, INTERPRETER = "search", "import torch", "its libraries' imports", "interpreter"
# the same work as the search, one stage after another
STAGES = """
import time
marks = [time.perf_counter()]
def done(): marks.append(time.perf_counter())
import numpy; done()
import onnxruntime; done()
import cv2, tokenizers, tqdm, usearch.index; done()
import json, sys
from pathlib import Path
import runtime.cli, runtime.encoder, runtime.render, runtime.systems.kger as kger; done()
bundle = runtime.encoder.Bundle.open(Path(sys.argv[1])); done()
encoder = runtime.encoder.DualEncoder(bundle)
encoder.tokenizer; done()
encoder.text_tower.session(); done()
gallery = kger.Gallery.open(Path(sys.argv[2]), fingerprint=encoder.fingerprint); gallery.snapshot(); done()
encoder.encode_text(sys.argv[3]); done()
kger.KgerSystem(encoder, gallery).search(kger.Query(sys.argv[3])); done()
print(json.dumps([b - a for a, b in zip(marks, marks[1:])]))
"""
STAGE_NAMES = (
    "import numpy",
    "import onnxruntime",
    "import cv2, tokenizers, tqdm, usearch",
    "import runtime",
    "bundle check (SHA-256)",
    "tokenizer",
    "text session",
    "gallery: matrix check (SHA-256), map",
    "encode the query",
    "search, votes, items",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--runtime-python", type=Path, default=ROOT / ".venv" / "bin" / "python")
    parser.add_argument("--torch-python", type=Path, default=ROOT / ".venv-train" / "bin" / "python")


def run(args: argparse.Namespace) -> int:
    """Starts the processes in turn and writes `coldstart.json`."""
    bundle, runtime = args.bundle.resolve(), str(args.runtime_python)
    with tempfile.TemporaryDirectory() as name, machine_load() as load:
        gallery = Path(name) / "gallery"
        make_gallery(gallery, Bundle.open(bundle))
        search = [runtime, "-m", "runtime", "search", QUERY, "--bundle", str(bundle), "--gallery", str(gallery)]
        libraries = "import numpy, onnxruntime, cv2, tokenizers, tqdm, usearch.index"
        seconds = in_turn(
            {
                SEARCH: partial(seconds_to_line, search, is_first_hit),
                TORCH: partial(seconds_to_line, _imports(str(args.torch_python), "import torch")),
                LIBRARIES: partial(seconds_to_line, _imports(runtime, libraries)),
                INTERPRETER: partial(seconds_to_line, _imports(runtime, "pass")),
            },
            rounds=args.rounds,
        )
        staged = [runtime, "-c", STAGES, str(bundle), str(gallery), QUERY]
        stages = np.array([json.loads(_output(staged)) for _ in range(args.rounds)])
    rows = [{"process": what, **summary(values)} for what, values in seconds.items()]
    stage_rows = [{"stage": what, **summary(stages[:, i])} for i, what in enumerate(STAGE_NAMES)]
    print_table(rows)
    print_table(stage_rows)
    over = ratio(seconds[SEARCH], seconds[TORCH])
    figures = {
        "over_import_torch": over["ratio"],
        "over_import_torch_interval": [over["low"], over["high"]],
        "first_hit_s": rows[0]["median_ms"] / 1000,
        "first_hit_p95_s": rows[0]["p95_ms"] / 1000,
        "import_torch_s": rows[1]["median_ms"] / 1000,
        "items": ITEMS,
        "rows": rows,
        "stages": stage_rows,
        "versions": {"torch": _output(_imports(str(args.torch_python), "import torch", "torch.__version__")).strip()},
        "run": load,
    }
    save_result("coldstart", command_line(), figures)
    return 0


def make_gallery(folder: Path, bundle: Bundle, *, items: int = ITEMS) -> None:
    """A gallery of `items` random unit vectors that counts as made by `bundle`."""
    m = bundle.manifest
    vectors = np.random.default_rng(0).standard_normal((items, m.folds, m.dims)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    rows = stack_folds(vectors)
    settings = {"fingerprint": m.fingerprint, "folds": m.folds, "dims": m.dims, "precision": m.precision}
    with Gallery.create(folder, **settings) as gallery:
        for first in range(0, items, BATCH):
            gallery.add(
                [
                    NewItem(f"synthetic/{i:05d}.png", f"{i:064x}", (f"synthetic item {i}",), {}, rows[i])
                    for i in range(first, min(first + BATCH, items))
                ]
            )
        gallery.snapshot()  # writes the matrix cache, as a first search does


def in_turn(variants: dict[str, Callable[[], float]], *, rounds: int) -> dict[str, list[float]]:
    """Seconds of every variant in every round, the order rotated; one untimed call of each comes first."""
    names = list(variants)
    for name in names:
        variants[name]()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for i in range(rounds):
        first = i % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(variants[name]())
    return seconds


def seconds_to_line(command: list[str], wanted: Callable[[str], bool] = bool) -> float:
    """Wall seconds from before the process is created to the first line of its output that is `wanted`."""
    started = time.perf_counter()
    with subprocess.Popen(
        command, cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        lines = []
        for line in process.stdout or ():
            lines.append(line)
            if wanted(line):
                seconds = time.perf_counter() - started
                break
        else:
            seconds = -1.0
        rest, error = process.communicate()
    if process.returncode or seconds < 0:
        raise CommandFailedError(f"{' '.join(command)} ended with {process.returncode}:\n{''.join(lines)}{rest}{error}")
    return seconds


def is_first_hit(line: str) -> bool:
    """Whether a line of the search's table names the best hit: rank 1, image last."""
    words = line.split()
    return len(words) > 2 and words[0] == "1" and words[-1].endswith(".png")


def _imports(python: str, statement: str, shown: str = "'done'") -> list[str]:
    return [python, "-c", f"{statement}; print({shown}, flush=True)"]


def _output(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandFailedError(f"{command[0]} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def _environment() -> dict[str, str]:
    """This process's, less what would change an interpreter's start."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
