"""Where the flow takes each class: the means of t = 0 … 1 in the two directions of largest variance."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..plots import figure

SHOWN = 12  # images of a class that are drawn beside its mean


def class_paths(points: NDArray[np.float32], classes: Sequence[str]) -> dict[str, Any]:
    """{class: {"mean": (11, 2), "images": up to 12 × (11, 2)}}: 2-D PCA of all points (N, 11, D) of all images."""
    flat = points.reshape(-1, points.shape[-1]).astype(np.float64)
    centre = flat.mean(0)
    axes = np.linalg.svd(flat - centre, full_matrices=False)[2][:2]
    plane = ((points - centre) @ axes.T).round(5)
    names = np.asarray(classes)
    return {
        str(name): {"mean": plane[names == name].mean(0).tolist(), "images": plane[names == name][:SHOWN].tolist()}
        for name in np.unique(names)
    }


def plot_paths(paths: dict[str, Any], folder: Path) -> list[Path]:
    """Every class's mean path and some of its images' as thin lines; the dot is t = 1."""
    with figure(folder, "ent_paths", "The flow by class, t = 0 to 1 (dot), two principal directions") as (axes, path):
        for number, (name, entry) in enumerate(paths.items()):
            colour = f"C{number}"
            for line in entry["images"]:
                axes.plot(*zip(*line, strict=True), color=colour, linewidth=0.4, alpha=0.5)
            axes.plot(*zip(*entry["mean"], strict=True), color=colour, linewidth=2, label=name)
            axes.scatter(*entry["mean"][-1], color=colour, zorder=3)
        axes.legend(fontsize=8)
    return [path]
