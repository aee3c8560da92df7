"""179 real larynx frames of eight sequences: each sequence is asked about by the fold that never saw it.

There are eight groups, so eight folds, and no ensemble: for a held-out sequence the seven other folds have seen
its frames. Captions are templates made from the data set's masks, not clinical reports.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from runtime import metrics
from runtime.dataset import Record, caption_key, read_dataset
from runtime.encoder import open_encoder
from runtime.images import read_image

from .pipeline import train_and_export
from .results import command_line, print_table, save_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--data", type=Path, default=Path("../shared/data/vocalfolds"))
    parser.add_argument("--work", type=Path, default=Path("runs/vocalfolds"), help="finished steps are kept here")


def run(args: argparse.Namespace) -> int:
    """Trains eight group folds, asks each about its held-out sequence, writes `kger_vocalfolds.json`."""
    columns = ["--group-column", "sequence"]
    bundle = train_and_export(args.data, args.work, options=["--folds", 8, "--languages", "en", *columns])
    dataset = read_dataset(args.data, group_column="sequence")
    encoder = open_encoder(bundle)
    records = dataset.records
    images = encoder.encode_images([read_image(record.path) for record in records])
    keys = np.array([caption_key(record.captions[0]) for record in records])
    rows: list[dict[str, Any]] = []
    for fold, held_out in enumerate(held_out_files(args.work / "run" / "folds.json")):
        asked = _distinct(held_out, records)
        texts = encoder.encode_texts([record.captions[0] for record in asked])[:, fold]
        similarities = texts @ images[:, fold].T
        relevant = np.array([keys == caption_key(record.captions[0]) for record in asked])
        groups = np.array([record.group for record in records])
        same_sequence = np.array([groups == record.group for record in asked])
        sequence_rank = metrics.first_relevant_rank(similarities, same_sequence)
        rows.append(
            {"sequence": "+".join(sorted({str(r.group) for r in asked})), "queries": len(asked)}
            | metrics.table(similarities, relevant)
            | {"sequence_r1": metrics.success_at(sequence_rank, 1)}
        )
    weights = [row["queries"] for row in rows]
    keys_measured = ("r1", "r5", "r10", "mrr", "sequence_r1")
    mean = {key: float(np.average([row[key] for row in rows], weights=weights)) for key in keys_measured}
    chance = float(np.mean([np.mean(keys == caption_key(r.captions[0])) for r in records]))
    print_table([*rows, {"sequence": "all", "queries": sum(weights), **mean}])
    save_result("kger_vocalfolds", command_line(), {**mean, "chance_r1": chance, "gallery": len(records), "rows": rows})
    return 0


def held_out_files(path: Path) -> list[set[str]]:
    """The files that each fold held out, from the run's folds.json."""
    content = json.loads(path.read_text("utf-8"))
    return [set(fold["files"]) for fold in content["folds"]]


def _distinct(files: set[str], records: tuple[Record, ...]) -> list[Record]:
    first: dict[str, Record] = {}
    for record in records:
        if record.file in files:
            first.setdefault(caption_key(record.captions[0]), record)
    return list(first.values())
