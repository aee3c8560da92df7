"""PNG plots of the simulated judge's experiments."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..plots import figure

PERFECT = "accuracy of the simulated judge (.5: chance, 1: perfect)"


def plot_sweep(figures: dict[str, Any], folder: Path, *, name: str = "judge_sweep") -> Path:
    """Help and harm: every fusion's MRR minus the ensemble's over the judge's accuracy, with 95 % bands."""
    with figure(folder, name, "Where a simulated judge helps, and where it harms") as (axes, path):
        for fusion in figures["helps_from"]:
            rows = [row for row in figures["rows"] if row["fusion"] == fusion]
            _band(axes, rows, "mrr_minus_ensemble", fusion)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_xlabel(PERFECT)
        axes.set_ylabel("MRR minus the ensemble's")
        axes.legend(fontsize=8)
    return path


def plot_missing(figures: dict[str, Any], folder: Path, *, name: str = "fusion_missing") -> Path:
    """Corrected minus published Pos-Fuse over the judge's accuracy, by share and kind of missing answers."""
    with figure(folder, name, "Corrected minus published Pos-Fuse, simulated judge") as (axes, path):
        for kind in figures["by_kind"]:
            for percent in sorted({row["percent"] for row in figures["rows"]} - {"0"}, key=int):
                rows = [
                    {"accuracy": row["accuracy"], "mrr": row["corrected_minus_published"]["mrr"]}
                    for row in figures["rows"]
                    if (row["kind"], row["percent"]) == (kind, percent)
                ]
                _band(axes, rows, "mrr", f"{percent} % missing, {kind}")
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_xlabel(PERFECT)
        axes.set_ylabel("MRR, corrected minus published")
        axes.legend(fontsize=8)
    return path


def plot_order(figures: dict[str, Any], folder: Path, *, name: str = "judge_order") -> Path:
    """Kendall's tau to truth over the number of shuffles, with 95 % bars."""
    with figure(folder, name, "Averaging a simulated judge over shuffled orders") as (axes, path):
        for way in dict.fromkeys(row["way"] for row in figures["rows"]):
            rows = [row for row in figures["rows"] if row["way"] == way]
            means = [row["mean"] for row in rows]
            bars = [[r["mean"] - r["low"] for r in rows], [r["high"] - r["mean"] for r in rows]]
            axes.errorbar([r["shuffles"] for r in rows], means, yerr=bars, marker="o", capsize=3, label=way)
        axes.set_xticks(sorted({row["shuffles"] for row in figures["rows"]}))
        axes.set_xlabel("calls averaged")
        axes.set_ylabel("Kendall's tau-b to the truth grades")
        axes.legend(fontsize=8)
    return path


def _band(axes: Any, rows: Sequence[dict[str, Any]], key: str, label: str) -> None:
    x = [row["accuracy"] for row in rows]
    (line,) = axes.plot(x, [row[key]["mean"] for row in rows], marker="o", markersize=3, label=label)
    low, high = ([row[key][end] for row in rows] for end in ("low", "high"))
    axes.fill_between(x, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
