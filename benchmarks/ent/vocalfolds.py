"""Real larynx frames, leave one sequence out: do the frames of a sequence that was never learned find each other?

The gallery is all 179 frames. A frame's neighbours in time look like it, so the tower alone is right nearly always;
near-duplicates are left out, and both are reported.
"""

import argparse
from typing import Any

import numpy as np

from runtime.bundle import Bundle
from runtime.dataset import duplicate_labels, read_dataset, read_signatures
from runtime.ent.classes import read_classes
from runtime.ent.flow import FlowGraph
from runtime.ent.measures import Answers, answers, clip_score
from runtime.ent.relevance import relevance

from ..pipeline import run_module
from ..results import command_line, print_table, save_result
from .phantoms import tower_rows

SPACES = ("raw", "0 steps", "10 steps")


def run(args: argparse.Namespace) -> None:
    """Trains eight fields, each asked about the sequence it never saw; writes `ent_vocalfolds.json`."""
    dataset = read_dataset(args.frames, group_column="sequence")
    records = list(dataset.records)
    sequences = [str(record.group) for record in records]
    looks = duplicate_labels(read_signatures(records))
    asked = relevance(records, sequences, read_classes(), looks)
    raw = None
    rows: list[dict[str, Any]] = []
    for sequence in sorted(set(sequences)):
        held = [i for i, name in enumerate(sequences) if name == sequence]
        bundle = _trained(args, sequence, [records[i].file for i in held])
        if raw is None:
            raw = tower_rows(bundle, records, args.threads)
        flow = FlowGraph.of(Bundle.open(bundle), threads=args.threads, provider="cpu")
        spaces = {"raw": raw, **{f"{n} steps": flow.transform(raw, n) for n in (0, 10)}}
        for name, space in spaces.items():
            found = answers(space, asked)
            part = Answers(found.best[held], {"exact": found.ranks["exact"][held]})
            ranks = part.ranks["exact"][part.ranks["exact"] > 0]
            rows.append(
                {
                    "sequence": sequence,
                    "space": name,
                    "queries": len(ranks),
                    "right": int(np.sum(ranks == 1)),
                    "mrr_sum": float(np.sum(1 / ranks)),
                    "clip_score": clip_score(Answers(found.best, found.ranks), raw),
                }
            )
    totals = {name: [row for row in rows if row["space"] == name] for name in SPACES}
    queries = sum(row["queries"] for row in totals["raw"])
    figures = {
        name: {
            "r1": sum(row["right"] for row in entries) / queries,
            "mrr": sum(row["mrr_sum"] for row in entries) / queries,
        }
        for name, entries in totals.items()
    }
    print_table([{"space": name, **entry} for name, entry in figures.items()])
    save_result(
        "ent_vocalfolds",
        command_line(),
        {
            "r1_raw": figures["raw"]["r1"],
            "r1_t0": figures["0 steps"]["r1"],
            "r1_flow": figures["10 steps"]["r1"],
            "spaces": figures,
            "queries": queries,
            "frames": len(records),
            "near_duplicates_excluded": asked.duplicates,
            "rows": rows,
            "kind": "real larynx frames, leave one sequence out",
        },
    )


def _trained(args: argparse.Namespace, sequence: str, files: list[str]) -> Any:
    work = args.work / "vocalfolds" / sequence
    run, bundle, listing = work / "run", work / "bundle", work / "test.txt"
    work.mkdir(parents=True, exist_ok=True)
    listing.write_text("\n".join(files), "utf-8")
    settings = ("--epochs", args.epochs, "--warmup", args.warmup, "--learning-rate", args.learning_rate)
    options = ("--class-column", "sequence", "--test", listing, "--threads", args.threads)
    run_module("train", "ent", "--data", args.frames, "--out", run, *settings, *options)
    if not (bundle / "manifest.json").is_file():
        run_module("export", "ent", run, "--out", bundle)
    return bundle
