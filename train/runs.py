"""A run's folder: run.json, folds.json, and a folder per finished fold with weights, figures and curve.

A fold's folder appears whole, by one rename, so a killed run continues at the fold where it stopped.
"""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file, save_file
from torch import Tensor

from runtime.errors import DatasetError
from runtime.files import sha256_file, write_json, write_text

from .fit import FoldResult

SCHEMA_VERSION = 2


class Run:
    """A training run on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def start(cls, folder: Path, settings: dict[str, Any]) -> "Run":
        """Creates the run, or continues it where run.json has the same settings.

        Raises DatasetError where the folder holds a run with other settings: they must not mix.
        """
        run = cls(folder)
        settings = json.loads(json.dumps({"schema_version": SCHEMA_VERSION, **settings}))
        if run.path.is_file():
            stored = run.settings()
            differ = [key for key in settings if settings[key] != stored.get(key)]
            if differ:
                raise DatasetError(
                    f"{folder}: holds a run with another {', '.join(differ)}; choose another --out, "
                    "or remove the folder to start anew"
                )
        else:
            write_json(run.path, settings)
        return run

    @property
    def path(self) -> Path:
        """run.json."""
        return self.folder / "run.json"

    def settings(self, command: str = "kger") -> dict[str, Any]:
        """What run.json says; raises DatasetError where there is no run or one of another schema version.

        `command` of `python -m train` is the one that makes such runs.
        """
        if not self.path.is_file():
            raise DatasetError(f"{self.folder}: no run here (no run.json); make one with `python -m train {command}`")
        value: dict[str, Any] = json.loads(self.path.read_text("utf-8"))
        if value.get("schema_version") != SCHEMA_VERSION:
            raise DatasetError(
                f"{self.path}: schema version {value.get('schema_version')!r}, not {SCHEMA_VERSION}; train it again"
            )
        return value

    def fold_folder(self, fold: int) -> Path:
        """Where fold `fold` lies once it is finished."""
        return self.folder / f"fold-{fold}"

    def finished(self, fold: int) -> bool:
        """Whether the fold is there and its weights are the ones that were written."""
        folder = self.fold_folder(fold)
        figures = folder / "figures.json"
        if not figures.is_file():
            return False
        stated = json.loads(figures.read_text("utf-8"))["weights_sha256"]
        return (folder / "weights.safetensors").is_file() and sha256_file(folder / "weights.safetensors") == stated

    def save_fold(self, fold: int, result: FoldResult) -> None:
        """Writes the fold beside its place and renames it there."""
        part, target = self.folder / f".fold-{fold}.part", self.fold_folder(fold)
        for stale in (part, target):
            shutil.rmtree(stale, ignore_errors=True)
        part.mkdir(parents=True)
        weights = part / "weights.safetensors"
        save_file({name: tensor.contiguous() for name, tensor in result.weights.items()}, weights)
        write_text(part / "curve.csv", _csv(result.curve))
        write_json(part / "figures.json", {**result.figures, "weights_sha256": sha256_file(weights)})
        part.rename(target)

    def weights(self, fold: int) -> dict[str, Tensor]:
        """The fold's weights; raises DatasetError where it is not finished."""
        if not self.finished(fold):
            raise DatasetError(f"{self.fold_folder(fold)}: not finished; run the same `python -m train kger` again")
        return load_file(self.fold_folder(fold) / "weights.safetensors")

    def figures(self, fold: int) -> dict[str, float]:
        """The fold's validation figures."""
        value: dict[str, float] = json.loads((self.fold_folder(fold) / "figures.json").read_text("utf-8"))
        return value


def fold_table(run: Run, folds: int) -> str:
    """The folds' validation figures as a table of plain text, mean ± standard deviation last."""
    keys = ("r1", "r5", "r10", "mrr")
    rows = np.array([[run.figures(k)[key] for key in keys] for k in range(folds)])
    lines = ["fold    R@1    R@5   R@10    MRR"]
    lines += [f"{k:>4}  " + "  ".join(f"{v:.3f}" for v in row) for k, row in enumerate(rows)]
    lines.append("mean  " + "  ".join(f"{v:.3f}" for v in rows.mean(0)))
    lines.append("  ±   " + "  ".join(f"{v:.3f}" for v in rows.std(0, ddof=1)))
    return "\n".join(lines)


def _csv(rows: list[dict[str, float]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
