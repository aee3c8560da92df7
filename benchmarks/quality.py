"""What each way to adapt a fold gives, on the same splits: single fold, ensemble, soup and student.

The text tower (real MiniLM weights) is adapted; the image tower has heads on a frozen EfficientNet-Lite2, which is
no transformer. A second table adapts the image tower, on the real ViT-S/14 weights that vit_weights.py finds: heads
and read-outs only, since a LoRA or unfrozen ViT costs a processor hours. Differences are paired over queries: every
system answers the same ones.
"""

import argparse
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from runtime import metrics
from runtime.bundle import Bundle
from runtime.dataset import read_dataset
from runtime.encoder import DualEncoder, open_encoder
from runtime.ensemble import stack_folds
from runtime.errors import InvalidInputError
from runtime.images import read_image
from runtime.sessions import SessionSettings

from .phantoms import HELD_OUT_SHARE, TRAIN_OPTIONS, same_truth, unseen_patients
from .pipeline import export_once, run_module, train_and_export
from .results import command_line, print_table, save_result
from .timing import paired, summary
from .tuxpaint import COLUMNS, Pictures, same
from .vit_weights import write_timm_weights

Floats = NDArray[np.float64]

# name → options of training; lora and unfreeze get fewer epochs: each costs as much as dozens of a read-out
RECIPES: dict[str, tuple[object, ...]] = {
    "heads": ("--adapt", "heads"),
    "readout": ("--adapt", "readout:2"),
    "readout-4": ("--adapt", "readout:4"),
    "readout-shared-start": ("--adapt", "readout:2", "--start", "shared"),
    "lora": ("--adapt", "lora:8", "--epochs", 15),
    "unfreeze": ("--adapt", "unfreeze:4", "--epochs", 10),
}
# the image tower adapted, the text tower as in "readout"
VIT_RECIPES: dict[str, tuple[object, ...]] = {
    "vit-heads": ("--text-adapt", "readout:2", "--image-adapt", "heads"),
    "vit-readout": ("--text-adapt", "readout:2", "--image-adapt", "readout:4"),
}
REFERENCES = {"tuxpaint": "readout", "phantoms": "readout", "vit": "vit-heads"}
DERIVED = {"soup": "readout-shared-start", "student": "readout"}  # one model each, made from a run of ten folds
PHANTOMS, PHANTOM_SEED = 400, 7
QUERY = "purulent discharge in the left middle meatus"


@dataclass(frozen=True, eq=False)
class Task:
    """A split: training data and options, and the questions about what was held out."""

    name: str
    data: Path
    options: tuple[object, ...]
    hold_out: list[str]
    images: list[Path]
    texts: list[str]
    relevant: NDArray[np.bool_]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--tuxpaint", type=Path, default=Path("../shared/data/tuxpaint"))
    parser.add_argument("--work", type=Path, default=Path("runs/quality"), help="finished steps are kept here")
    parser.add_argument("--seeds", type=int, default=2, help="row splits of the real pictures")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--only", nargs="+", choices=(*RECIPES, *DERIVED, *VIT_RECIPES), help="fewer systems: writes no result"
    )


def run(args: argparse.Namespace) -> int:
    """Trains what is not yet trained, answers every query with every system, writes `adapt_quality.json`."""
    tasks = [*(tuxpaint_task(args.tuxpaint, seed) for seed in range(args.seeds)), phantoms_task(args.work / "phantoms")]
    work = [*itertools.product((*RECIPES, *DERIVED), tasks), *itertools.product(VIT_RECIPES, [vit_task(args)])]
    bundles: dict[str, Path] = {}
    answers: dict[str, dict[str, list[dict[str, Any]]]] = {}
    chosen = [(system, task) for system, task in work if not args.only or system in args.only]
    for system, task in tqdm(chosen, desc="systems", file=sys.stderr):
        bundle = made(system, task, args.work, args.threads)
        bundles.setdefault(system, bundle)
        kind = task.name.split("-")[0]
        answers.setdefault(kind, {}).setdefault(system, []).append(answer(open_encoder(bundle), task))
    if args.only:
        return 0
    rows = [row for kind, by_system in answers.items() for row in compared(kind, by_system)]
    milliseconds = query_times(bundles, args.threads)
    for row in rows:
        row["query_ms"] = milliseconds[row["system"]]
    print_table([{k: v for k, v in row.items() if not isinstance(v, dict)} for row in rows])
    keys = ("single_r1", "single_mrr", "ensemble_r1", "ensemble_mrr")
    table = {kind: {r["system"]: {k: r[k] for k in keys} for r in rows if r["data"] == kind} for kind in answers}
    figures = {**table["tuxpaint"], "phantoms": table["phantoms"], "vit": table["vit"], "rows": rows}
    figures |= {"queries": {kind: next(r["queries"] for r in rows if r["data"] == kind) for kind in answers}}
    figures |= {"recipes": {name: " ".join(map(str, options)) for name, options in (RECIPES | VIT_RECIPES).items()}}
    figures |= {"references": REFERENCES}
    save_result("adapt_quality", command_line(), figures)
    return 0


def tuxpaint_task(root: Path, seed: int) -> Task:
    """The real pictures' row split of `seed`, English."""
    pictures = Pictures.read(root)
    test = pictures.held_out("row", seed)
    captions = [pictures.en[i] for i in test]
    files = [pictures.files[i] for i in test]
    return Task(
        f"tuxpaint-{seed}",
        root,
        (*COLUMNS, "--languages", "en"),
        files,
        [root / "img" / file for file in files],
        captions,
        same(captions),
    )


def vit_task(args: argparse.Namespace) -> Task:
    """The first row split of the real pictures with a ViT as image trunk."""
    task = tuxpaint_task(args.tuxpaint, 0)
    weights = write_timm_weights(args.work / "vit_s14.safetensors") if _wants_vit(args) else ""
    options = (*task.options, "--image-trunk", "dinov2-s", "--image-weights", weights)
    return replace(task, name="vit-0", options=options)


def _wants_vit(args: argparse.Namespace) -> bool:
    return not args.only or bool(set(args.only) & set(VIT_RECIPES))


def phantoms_task(folder: Path) -> Task:
    """Synthetic phantoms of held-out patients, English and Vietnamese queries, relevance by what was drawn."""
    data = folder / "data"
    run_module("assets.phantoms", data, "--images", PHANTOMS, "--seed", PHANTOM_SEED)
    test = unseen_patients(read_dataset(data).records, PHANTOM_SEED, HELD_OUT_SHARE)
    texts, relevant = same_truth(test)
    images = [record.path for record in test]
    return Task("phantoms", data, TRAIN_OPTIONS, [record.file for record in test], images, texts, relevant)


def made(system: str, task: Task, work: Path, threads: int) -> Path:
    """The bundle of `system` for `task`; finished steps are kept."""
    recipe = DERIVED.get(system, system)
    folder = work / task.name / recipe
    options = (*task.options, *(RECIPES | VIT_RECIPES)[recipe], "--threads", threads)
    bundle = train_and_export(task.data, folder, hold_out=task.hold_out, options=options)
    if system not in DERIVED:
        return bundle
    derived = folder / system
    command, soup = ("kger", ("--soup",)) if system == "soup" else ("distil", ())
    export_once(command, folder / "run", derived, *soup)
    return derived


def answer(encoder: DualEncoder, task: Task) -> dict[str, Any]:
    """Each query's reciprocal rank and first-place hit (Q,) by the ensemble, and the folds' mean of both."""
    images = encoder.encode_images([read_image(path) for path in task.images])
    texts = encoder.encode_texts(task.texts)
    ensemble = metrics.first_relevant_rank(stack_folds(texts) @ stack_folds(images).T, task.relevant)
    folds = [metrics.first_relevant_rank(texts[:, k] @ images[:, k].T, task.relevant) for k in range(encoder.folds)]
    return {
        "ensemble_r1": ensemble == 1,
        "ensemble_mrr": 1 / ensemble,
        "single_r1": np.mean([ranks == 1 for ranks in folds], axis=0),
        "single_mrr": np.mean([1 / ranks for ranks in folds], axis=0),
    }


def compared(kind: str, by_system: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """A row a system: means over all queries of all splits, and the ensemble's difference to the reference."""
    reference = REFERENCES[kind]
    joined = {
        system: {key: np.concatenate([part[key] for part in parts]).astype(float) for key in parts[0]}
        for system, parts in by_system.items()
    }
    rows = []
    for system, values in joined.items():
        row: dict[str, Any] = {"data": kind, "system": system, "queries": len(values["ensemble_r1"])}
        row |= {key: float(value.mean()) for key, value in values.items()}
        if system != reference:
            for key in ("ensemble_r1", "ensemble_mrr"):
                row[f"{key}_minus_reference"] = interval(values[key] - joined[reference][key])
        rows.append(row)
    return rows


def interval(differences: Floats) -> dict[str, float]:
    """Mean of paired differences (Q,) with its 95 % bootstrap interval (percentile, 10 000 draws, seeded)."""
    from scipy.stats import bootstrap  # noqa: PLC0415

    mean = float(differences.mean())
    if not differences.any():
        return {"mean": mean, "low": mean, "high": mean}
    found = bootstrap((differences,), np.mean, n_resamples=10_000, method="percentile", random_state=0, batch=1000)
    low, high = found.confidence_interval
    return {"mean": mean, "low": float(low), "high": float(high)}


def query_times(bundles: dict[str, Path], threads: int) -> dict[str, float]:
    """Median milliseconds of encoding one text by every system, in turn in this process."""
    encoders = {  # none spins: the idle pools of the others would take the cores
        system: DualEncoder(Bundle.open(bundle), threads=threads, provider="cpu", text_settings=SessionSettings())
        for system, bundle in bundles.items()
    }
    if not encoders:
        raise InvalidInputError("no system to time")
    seconds = paired({name: lambda e=e: e.encode_texts([QUERY]) for name, e in encoders.items()}, rounds=60)
    return {name: summary(times)["median_ms"] for name, times in seconds.items()}


def plot(figures: dict[str, Any], folder: Path) -> Sequence[Path]:
    """The frontier: quality against the time of a query."""
    from .plots import plot_frontier  # noqa: PLC0415

    rows = [
        {"name": row["system"], "r1": row["ensemble_r1"], "ms": row["query_ms"]}
        for row in figures["rows"]
        if row["data"] == "tuxpaint"
    ]
    return [plot_frontier(rows, folder)]
