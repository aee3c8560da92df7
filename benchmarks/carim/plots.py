"""Bars of R@1 by model and kind of query, and of the times of a query."""

from pathlib import Path
from typing import Any

from ..plots import figure

NAMES = {
    "caption_vector": "one vector a caption",
    "maxsim_untrained": "MaxSim, not trained",
    "maxsim_untrained_renormalised": "MaxSim, not trained, re-normalised",
    "published": "trained as published",
    "corrected": "trained, corrected",
}


def plot_retrieval(figures: dict[str, Any], folder: Path) -> list[Path]:
    """R@1 with 95 % intervals over scenes, a group of bars a kind of query."""
    kinds = list(next(iter(figures["models"].values())))
    width = 0.8 / len(figures["models"])
    with figure(folder, "carim_phantom_drive", f"R@1 over {figures['scenes']} held-out scenes (synthetic)") as (
        axes,
        path,
    ):
        for number, (name, table) in enumerate(figures["models"].items()):
            found = [table[kind]["r1"] for kind in kinds]
            means = [entry["mean"] for entry in found]
            error = [
                [max(0.0, entry["mean"] - entry["low"]) for entry in found],
                [max(0.0, entry["high"] - entry["mean"]) for entry in found],
            ]
            places = [kind + (number - (len(figures["models"]) - 1) / 2) * width for kind in range(len(kinds))]
            axes.bar(places, means, width, yerr=error, capsize=2, label=NAMES[name])
        axes.set_xticks(range(len(kinds)), [kind.replace("wording ", "wording\n") for kind in kinds], fontsize=8)
        axes.set_ylim(0, 1)
        axes.set_ylabel("R@1 (Success@1)")
        axes.legend(fontsize=8, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.14))  # below: no bar is hidden
    return [path]


def plot_latency(figures: dict[str, Any], folder: Path) -> list[Path]:
    """Median ms of each path on each set, logarithmic."""
    rows = figures["rows"]
    with figure(folder, "carim_latency", "One query over generated scenes") as (axes, path):
        names = [f"{row['path']}\n{row['set']}" for row in rows]
        axes.barh(names[::-1], [row["median_ms"] for row in rows][::-1])
        axes.set_xscale("log")
        axes.set_xlabel("ms, median")
        axes.tick_params(axis="y", labelsize=7)
    return [path]
