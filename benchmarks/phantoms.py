"""Synthetic phantoms of held-out patients: relevance by what was drawn (region, side, finding), not by caption."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime import metrics
from runtime.bundle import Bundle
from runtime.dataset import Record, captions_of, read_dataset
from runtime.encoder import DualEncoder, open_encoder
from runtime.ensemble import stack_folds
from runtime.errors import ImageDecodeError
from runtime.images import read_image

from .pipeline import run_module, train_and_export
from .results import command_line, print_table, save_result

TRUTH = ("region", "side", "finding")
HELD_OUT_SHARE = 0.2
GATE_IMAGES, GATE_SEED_STEP = 2000, 92  # new patients for the gate of int8: 8 000 queries
# what the shipped bundle is trained with, too
TRAIN_OPTIONS = ("--positive-columns", "region,side,state,finding", "--sides")


@dataclass(frozen=True, eq=False)
class Queries:
    """Captions of the test images in one language, with the truth of the image each was written for."""

    texts: list[str]
    truth: list[Record]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--work", type=Path, default=Path("runs/phantoms"), help="finished steps are kept here")
    parser.add_argument("--images", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=7)


def run(args: argparse.Namespace) -> int:
    """Draws, trains, exports, measures, and writes `kger_phantoms.json`; int8 is gated on patients of another seed."""
    data = args.work / "data"
    run_module("assets.phantoms", data, "--images", args.images, "--seed", args.seed)
    dataset = read_dataset(data)
    test = unseen_patients(dataset.records, args.seed, HELD_OUT_SHARE)
    gate = args.work / "gate"
    run_module("assets.phantoms", gate, "--images", GATE_IMAGES, "--seed", args.seed + GATE_SEED_STEP)
    bundles = {
        precision: train_and_export(
            data,
            args.work / "model",
            hold_out=[record.file for record in test],
            precision=precision,
            options=TRAIN_OPTIONS,
            export_options=options,
        )
        for precision, options in (("int8-weights", ()), ("int8", ("--gate", gate)))
    }
    encoder = open_encoder(bundles["int8-weights"])  # as shipped
    images = encoder.encode_images(_pictures(test))
    rows: list[dict[str, Any]] = []
    confusion: dict[str, Any] = {}
    for language in ("en", "vi"):
        queries = _queries(test, language)
        vectors = encoder.encode_texts(queries.texts)
        rows += [{"language": language, **row} for row in _by_region(encoder, queries, test, vectors, images)]
        if language == "en":
            confusion = _side_confusion(stack_folds(vectors) @ stack_folds(images).T, queries, test)
    print_table(rows)
    every = next(row for row in rows if row["region"] == "all" and row["system"] == "ensemble")
    figures = {
        "r1": every["r1"],
        "mrr": every["mrr"],
        "side_confusion": confusion["wrong_side_share"],
        "side_table": confusion["table"],
        "test_images": len(test),
        "test_patients": len({record.group for record in test}),
        "int8_gate": dict(Bundle.open(bundles["int8"]).manifest.certificate["int8"]),
        "rows": rows,
        "kind": "synthetic phantoms",
    }
    save_result("kger_phantoms", command_line(), figures)
    return 0


def unseen_patients(records: Sequence[Record], seed: int, share: float) -> list[Record]:
    """The records of a seeded choice of that share of the patients: the test set."""
    patients = sorted({str(record.group) for record in records})
    order = np.random.default_rng(seed).permutation(len(patients))
    chosen = {patients[i] for i in order[: round(share * len(patients))]}
    return [record for record in records if record.group in chosen]


def same_truth(test: list[Record]) -> tuple[list[str], NDArray[np.bool_]]:
    """Queries in both languages, and which test images (Q, N) show what each was written for."""
    items = [_truth(record) for record in test]
    both = [_queries(test, language) for language in ("en", "vi")]
    truth = [_truth(asked) for queries in both for asked in queries.truth]
    texts = [text for queries in both for text in queries.texts]
    return texts, np.array([[asked == item for item in items] for asked in truth])


def _pictures(test: list[Record]) -> list[NDArray[np.uint8]]:
    pictures = []
    for record in test:
        try:
            pictures.append(read_image(record.path))
        except ImageDecodeError as error:
            raise ImageDecodeError(f"{error}; remove the work folder to draw the phantoms again") from error
    return pictures


def _queries(test: list[Record], language: str) -> Queries:
    # distinct captions a truth: an image written about twice in the same words is one query
    seen: dict[tuple[str, ...], tuple[str, Record]] = {}
    for record in test:
        for caption in captions_of(record, "vi" if language == "vi" else "en"):
            seen.setdefault((caption, *_truth(record)), (caption, record))
    return Queries([caption for caption, _ in seen.values()], [record for _, record in seen.values()])


def _truth(record: Record) -> tuple[str, ...]:
    return tuple(str(record.metadata[key]) for key in TRUTH)


def _by_region(
    encoder: DualEncoder,
    queries: Queries,
    test: list[Record],
    texts: NDArray[np.float32],
    images: NDArray[np.float32],
) -> list[dict[str, Any]]:
    items = [_truth(record) for record in test]
    relevant = np.array([[_truth(asked) == item for item in items] for asked in queries.truth])
    ensemble = stack_folds(texts) @ stack_folds(images).T
    regions = np.array([str(record.metadata["region"]) for record in queries.truth])
    rows = []
    for region in ["all", *sorted(set(regions))]:
        mask = np.ones(len(regions), bool) if region == "all" else regions == region
        rows.append(
            {"region": region, "system": "ensemble", "queries": int(mask.sum())}
            | metrics.table(ensemble[mask], relevant[mask])
        )
    singles = [metrics.table(texts[:, k] @ images[:, k].T, relevant) for k in range(encoder.folds)]
    mean = {key: float(np.mean([single[key] for single in singles])) for key in singles[0]}
    rows.append({"region": "all", "system": "single fold (mean)", "queries": len(regions), **mean})
    return rows


def _side_confusion(similarities: NDArray[np.float32], queries: Queries, test: list[Record]) -> dict[str, Any]:
    """First hits of the queries about a left or right side: share with the right region and the wrong side."""
    best = similarities.argmax(1)
    table = {asked: dict.fromkeys(("left", "right", "another region"), 0) for asked in ("left", "right")}
    for asked, hit in zip(queries.truth, best, strict=True):
        side, found = asked.metadata["side"], test[int(hit)].metadata
        if side in table:
            same = found["region"] == asked.metadata["region"]
            table[side][found["side"] if same else "another region"] += 1
    total = sum(sum(row.values()) for row in table.values())
    wrong = table["left"]["right"] + table["right"]["left"]
    return {"table": table, "wrong_side_share": wrong / total}
