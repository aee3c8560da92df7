"""Real larynx frames, leave one sequence out: do the frames of a sequence that was never learned find each other?

Every frame is asked over all other frames; its near-duplicates never answer. Frames of one sequence look alike, so the
tower alone is right mostly: what is measured is whether a field that learned seven sequences helps or harms the
eighth. Validation frames are of the sequences that are learned, so nothing is chosen by the one that is asked.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.bundle import Bundle
from runtime.dataset import duplicate_labels, read_dataset, read_signatures
from runtime.ent.classes import read_classes
from runtime.ent.flow import FlowGraph
from runtime.ent.measures import answers
from runtime.ent.relevance import Relevance, relevance

from ..evaluation.grouped_interval import grouped_interval
from ..pipeline import export_once, run_module
from ..results import command_line, print_table, save_result
from .phantoms import tower_rows

Floats = NDArray[np.float32]
RAW, T0, FLOW = SPACES = ("raw", "0 steps", "10 steps")


@dataclass(frozen=True, eq=False)
class Found:
    """What N frames find in one space, each by the field that never saw its sequence.

    `ranks` (N,) int64: place of the first frame of the same sequence, 0 where none may answer. `cosines` (N,) float64:
    of the frame and its first hit, in the tower's own space.
    """

    ranks: NDArray[np.int64]
    cosines: NDArray[np.float64]

    @classmethod
    def empty(cls, count: int) -> "Found":
        """Nothing asked yet."""
        return cls(np.zeros(count, np.int64), np.zeros(count))

    def take(self, held: NDArray[np.intp], space: Floats, raw: Floats, asked: Relevance) -> None:
        """Enters the answers of the frames `held` among the rows (N, D) of `space`."""
        found = answers(space, asked)
        self.ranks[held] = found.ranks["exact"][held]
        self.cosines[held] = np.einsum("nd,nd->n", raw[held], raw[found.best[held]])


def run(args: argparse.Namespace) -> None:
    """Trains a field a sequence, asks it about the sequence it never saw; writes `ent_vocalfolds.json`."""
    dataset = read_dataset(args.frames, group_column="sequence")
    records = list(dataset.records)
    sequences = np.array([str(record.group) for record in records])
    asked = relevance(records, sequences.tolist(), read_classes(), duplicate_labels(read_signatures(records)))
    found = {name: Found.empty(len(records)) for name in SPACES}
    raw: Floats | None = None
    for sequence in np.unique(sequences):
        held = np.flatnonzero(sequences == sequence)
        bundle = trained_without(args, str(sequence), [records[i].file for i in held])
        if raw is None:  # the tower is the same in every bundle
            raw = tower_rows(bundle, records, args.threads)
        flow = FlowGraph.of(Bundle.open(bundle), threads=args.threads, provider="cpu")
        for name, space in ((RAW, raw), (T0, flow.transform(raw, 0)), (FLOW, flow.transform(raw, 10))):
            found[name].take(held, space, raw, asked)
    figures = figures_of(found, sequences) | {
        "frames": len(records),
        "near_duplicates_excluded": asked.duplicates,
        "epochs": args.epochs,
        "warmup": args.warmup,
        "kind": "real larynx frames, leave one sequence out",
    }
    print_table(figures["rows"])
    save_result("ent_vocalfolds", command_line(), figures)


def trained_without(args: argparse.Namespace, sequence: str, files: list[str]) -> Path:
    """The bundle of a field that learned all sequences but this one, whose frames are `files`; finished ones stay."""
    work = args.work / "vocalfolds" / sequence
    run, bundle, listing = work / "run", work / "bundle", work / "test.txt"
    work.mkdir(parents=True, exist_ok=True)
    listing.write_text("\n".join(files), "utf-8")
    settings = ("--epochs", args.epochs, "--warmup", args.warmup, "--learning-rate", args.learning_rate)
    options = ("--class-column", "sequence", "--test", listing, "--threads", args.threads)
    run_module("train", "ent", "--data", args.frames, "--out", run, *settings, *options)
    export_once("ent", run, bundle)
    return bundle


def figures_of(found: dict[str, Found], sequences: NDArray[np.str_]) -> dict[str, Any]:
    """Success@1 and MRR of every space with 95 % intervals over sequences, the difference to raw, and each sequence.

    The intervals draw whole sequences. Eight of them are few: an interval of eight groups is too narrow rather than
    too wide, so each sequence's own figures stand beside it.
    """
    answerable = found[RAW].ranks > 0
    groups = sequences[answerable].tolist()
    first = {name: (space.ranks[answerable] == 1).astype(float) for name, space in found.items()}
    spaces = {
        name: {
            "r1": grouped_interval(first[name], groups),
            "r1_over_raw": grouped_interval(first[name] - first[RAW], groups),
            "mrr": grouped_interval(1 / space.ranks[answerable], groups),
            "clip_score": float(space.cosines[answerable].mean()),
        }
        for name, space in found.items()
    }
    return {
        "r1_raw": spaces[RAW]["r1"]["mean"],
        "r1_t0": spaces[T0]["r1"]["mean"],
        "r1_flow": spaces[FLOW]["r1"]["mean"],
        "spaces": spaces,
        "queries": len(groups),
        "sequences": len(set(groups)),
        "rows": _by_sequence(first, np.array(groups)),
    }


def _by_sequence(first: dict[str, NDArray[np.float64]], groups: NDArray[np.str_]) -> list[dict[str, Any]]:
    return [
        {
            "sequence": str(name),
            "queries": int((groups == name).sum()),
            **{space: float(right[groups == name].mean()) for space, right in first.items()},
        }
        for name in np.unique(groups)
    ]
