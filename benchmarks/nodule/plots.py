"""What was asked and what was found, in millimetres: the plots of `python -m benchmarks nodule --plot`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.nodule.fusion import order
from runtime.nodule.prompts import Prompt

from ..plots import figure

Floats = NDArray[np.float64]
LAST_MM = 40.0  # where an open interval is drawn to
BIN_MM = 2.0
NARROW_MM = 3.0
KINDS = ("at least", "at most", f"range over {NARROW_MM:g} mm wide", f"range of {NARROW_MM:g} mm or less")
SHARES = ("p5", "p50", "p95")
COLOURS = dict(zip(KINDS, ("tab:orange", "tab:green", "tab:blue", "tab:red"), strict=True))


def found_by_question(asked: Sequence[Prompt], scores: Floats, measured_mm: Floats, k: int) -> list[dict[str, Any]]:
    """{text, low_mm, high_mm (None where open), kind, p, found_mm} of each question, by its scores (Q, N).

    `p` is the share of the k best inside the interval, `found_mm` their least, median and largest measured diameter.
    """
    rows = []
    for prompt, row in zip(asked, scores, strict=True):
        found = measured_mm[order(row, np.arange(len(row)))[:k]]
        low, high = prompt.interval.low_mm, prompt.interval.high_mm
        rows.append(
            {
                "text": prompt.text,
                "low_mm": low,
                "high_mm": high if np.isfinite(high) else None,
                "kind": _kind(low, high),
                "p": float(prompt.interval.contains(found).mean()),
                "found_mm": np.percentile(found, (0, 50, 100)).round(2).tolist(),
            }
        )
    return rows


def read_by_size(measured_mm: Floats, read_mm: Floats) -> list[dict[str, float]]:
    """{measured_mm, crops, p5, p50, p95} of the diameters read, by bins of 2 mm of those measured; no empty bin."""
    bins = np.floor(measured_mm / BIN_MM)
    rows = []
    for place in np.unique(bins):
        inside = read_mm[bins == place]
        values = dict(zip(SHARES, np.percentile(inside, (5, 50, 95)).round(2).tolist(), strict=True))
        rows.append({"measured_mm": (place + 0.5) * BIN_MM, "crops": len(inside), **values})
    return rows


def draw(figures: dict[str, Any], folder: Path) -> list[Path]:
    """Precision by interval, diameters asked and found, diameters measured and read."""
    asked = sorted(figures["asked"], key=lambda row: (KINDS.index(row["kind"]), row["low_mm"], _high(row)))
    return [_precision(asked, folder), _found(asked, folder), _read(figures["read_by_size"], folder)]


def _kind(low: float, high: float) -> str:
    if not np.isfinite(high):
        return KINDS[0]
    if low == 0:
        return KINDS[1]
    return KINDS[2] if high - low > NARROW_MM else KINDS[3]


def _high(row: dict[str, Any]) -> float:
    return LAST_MM if row["high_mm"] is None else min(row["high_mm"], LAST_MM)


def _precision(asked: Sequence[dict[str, Any]], folder: Path) -> Path:
    title = "Cosine alone: precision of the first ten, by what was asked"
    with figure(folder, "nodule_precision", title) as (axes, path):
        for row in asked:
            end = {"at least": row["low_mm"], "at most": _high(row)}
            at = end.get(row["kind"], (row["low_mm"] + _high(row)) / 2)
            half = 0.0 if row["kind"] in end else (_high(row) - row["low_mm"]) / 2
            axes.errorbar(at, row["p"], xerr=half, fmt="o", markersize=4, color=COLOURS[row["kind"]], alpha=0.5)
        for kind, colour in COLOURS.items():
            axes.scatter([], [], color=colour, label=kind)
        axes.set_xlabel("asked diameter, mm: a range with its width, else its one end")
        axes.set_ylabel("P@10")
        axes.set_ylim(-0.04, 1.04)
        axes.legend(fontsize=8, loc="lower left")
    return path


def _found(asked: Sequence[dict[str, Any]], folder: Path) -> Path:
    with figure(folder, "nodule_found", "Cosine alone: diameters asked for and found") as (axes, path):
        place = np.arange(len(asked))
        low, high = [row["low_mm"] for row in asked], [_high(row) for row in asked]
        axes.vlines(place, low, high, color="tab:green", alpha=0.3, linewidth=2, label="asked interval")
        least, median, most = np.array([row["found_mm"] for row in asked]).T
        axes.vlines(place, least, most, color="tab:blue", linewidth=0.8, label="found: least to largest of ten")
        axes.scatter(place, median, s=5, color="tab:blue", label="found: median")
        axes.set_xlabel("questions: " + ", ".join(KINDS))
        axes.set_ylabel("diameter by the readers, mm")
        axes.legend(fontsize=8)
    return path


def _read(bins: Sequence[dict[str, float]], folder: Path) -> Path:
    with figure(folder, "nodule_diameters", "Diameter by the readers, and read from the pixels") as (axes, path):
        measured, low, median, high = (np.array([row[key] for row in bins]) for key in ("measured_mm", *SHARES))
        axes.errorbar(measured, median, yerr=[median - low, high - median], fmt="o", label="median, 5 % to 95 %")
        axes.plot([0, measured.max()], [0, measured.max()], color="tab:gray", linewidth=1, label="equal")
        axes.set_xlabel("by the readers, mm, in bins of 2")
        axes.set_ylabel("read from the pixels, mm")
        axes.legend(fontsize=8)
    return path
