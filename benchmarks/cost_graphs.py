"""The bundles whose cost is measured, made by the command lines and kept: weights' values do not decide the time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runtime.bundle import Bundle

from .pipeline import run_module

FOLDS = 10
# what `--adapt` does to both towers, at full size: MiniLM-L6 and a ViT-S/14 at 224 pixels with random weights
READOUT = (
    *("--image-trunk", "dinov2-s", "--image-weights", "random", "--adapt", "readout:4", "--text-adapt", "readout:2"),
    *("--epochs", 1),
)
PAPER = ("--recipe", "paper", "--image-weights", "random", "--steps", 1, "--epochs", 1, "--batch", 8)
RECIPES: dict[str, Sequence[object]] = {"readout": READOUT, "paper": PAPER}
# the gate asks whether int8 ranks as fp32 does; weights that rank at random have no answer
UNGATED = {"int8": ("--gate", "off")}


@dataclass(frozen=True)
class Graphs:
    """Bundles under `work`, made when first asked for; a second run finds them and repeats only the timing."""

    work: Path
    images: int = 120

    def bundle(self, recipe: str, precision: str = "fp32", folds: int = FOLDS) -> Bundle:
        """The bundle of the first `folds` folds of `recipe` ("readout" or "paper")."""
        folder = self.work / recipe / f"{precision}-{folds}"
        if not (folder / "manifest.json").is_file():
            run_module(
                *("export", "kger", self._trained(recipe), "--out", folder, "--precision", precision),
                *("--folds", folds, *UNGATED.get(precision, ())),
            )
        return Bundle.open(folder)

    def path(self, recipe: str, name: str, precision: str = "fp32", folds: int = FOLDS) -> Path:
        """One file of that bundle, such as `text.onnx`."""
        return self.bundle(recipe, precision, folds).path(name)

    def _trained(self, recipe: str) -> Path:
        run, done = self.work / recipe / "run", self.work / recipe / "trained"
        if not done.is_file():
            data = self._data()
            run_module("train", "kger", "--data", data, "--out", run, "--folds", FOLDS, *RECIPES[recipe])
            done.touch()
        return run

    def _data(self) -> Path:
        data = self.work / "data"
        if not (data / "t2i.json").is_file():
            run_module("assets.phantoms", data, "--images", self.images, "--seed", 7)
        return data


def bundle_bytes(bundle: Bundle) -> int:
    """Bytes of all files of a bundle, the manifest left out."""
    return sum(entry.size_bytes for entry in bundle.manifest.files.values())
