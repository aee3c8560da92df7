"""Plots of an evaluation: the ladder with its intervals, and the coverage-risk curve."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..plots import figure
from .coverage import CoverageRisk


def plot_systems(rows: Sequence[dict[str, Any]], reference: str, folder: Path, *, name: str, title: str) -> Path:
    """A point and interval a system, the first on top; the dashed line is the reference's mean."""
    with figure(folder, name, title) as (axes, path):
        places = range(len(rows), 0, -1)
        for place, row in zip(places, rows, strict=True):
            low, high = row["interval"]
            color = "tab:gray" if row["p"] is None or row["p"] >= 0.05 else "tab:blue"
            axes.plot([low, high], [place, place], color=color)
            axes.scatter(row["mean"], place, color=color, s=24)
        axes.set_yticks(list(places), [row["system"] for row in rows], fontsize=8)
        middle = next(row["mean"] for row in rows if row["system"] == reference)
        axes.axvline(middle, color="black", linestyle="--", linewidth=0.8)
        axes.set_xlabel(f"MRR, 95 % interval; blue differs from {reference} (p < .05, Holm)", fontsize=8)
    return path


def plot_coverage(curves: Mapping[str, CoverageRisk], folder: Path, *, name: str = "coverage_risk") -> Path:
    """Share of wrong first hits against the share of queries that are answered; a curve a system."""
    with figure(folder, name, "Answering only where sure") as (axes, path):
        for label, curve in curves.items():
            axes.plot(curve.coverage, curve.risk, label=f"{label} (area {curve.area:.3f}, best {curve.best:.3f})")
        axes.set_xlabel("coverage: share of queries answered, the surest first")
        axes.set_ylabel("risk: share of wrong first hits")
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8)
    return path
