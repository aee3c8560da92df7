"""Each correction undone by itself: what the corrected form loses without it."""

import argparse
from pathlib import Path
from typing import Any

from runtime.carim.encoder import open_carim_encoder

from .asked import Asked
from .measured import COMPARED, Values, query_values, table_of
from .models import trained
from .trainings import exported

UNDONE: dict[str, tuple[str, ...]] = {
    "elements as plain means": ("--no-normalise-elements",),
    "negatives drawn uniformly": ("--draw", "uniform"),
    "whole captions as queries": ("--queries", "caption"),
    "false negatives kept": ("--no-leave-out-false-negatives",),
    "injected elements joined": ("--injected", "joined"),
}


def ablation(args: argparse.Namespace, data: Path, asked: Asked, corrected: Values, seed: int) -> list[dict[str, Any]]:
    """Rows {"undone", "r1", "mrr", "r1_change", "mrr_change"}: intervals by scene, changes paired over queries."""
    every = {"all": asked.relevant.any(1)}
    rows = []
    for name, options in UNDONE.items():
        bundle = exported(args, data, "corrected", seed, name=f"without {options[0].strip('-')}", options=options)
        encoder = open_carim_encoder(bundle, threads=args.threads, provider="cpu")
        values = query_values(trained(asked, encoder).scores, asked.relevant)
        changes = {f"{key}_change": values[key] - corrected[key] for key in COMPARED}
        measured = {key: values[key] for key in COMPARED} | changes
        table = table_of(measured, every, asked.scenes)["all"]
        rows.append({"undone": name, **{key: table[key] for key in measured}})
    return rows
