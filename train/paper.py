"""Training of the published recipe, fold by fold on one pair of towers; what is frozen is proved not to move."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from runtime.dataset import Dataset
from runtime.errors import DatasetError
from runtime.files import write_json
from runtime.tokenizer import TextTokenizer

from .fit import FoldResult
from .pairs import Pairs
from .paper_fit import PaperData, fit_paper_fold
from .paper_recipe import PaperRecipe
from .paper_towers import build_towers, frozen_sha256, text_folder, trained_weights
from .runs import Run

Ints = NDArray[np.int64]
Rows = Iterator[dict[str, float] | FoldResult]


def paper_folds(
    run: Run, dataset: Dataset, pairs: Pairs, splits: Mapping[int, tuple[Ints, Ints]], recipe: PaperRecipe
) -> Iterator[tuple[int, Rows]]:
    """For every fold in `splits` (training and validation pairs), its number and the rows of its training.

    The caller saves each fold's FoldResult: the trained parameters alone. `frozen.json` holds the SHA-256 of the
    rest. Raises DatasetError where the rest is not what the run began with.
    """
    model = build_towers(recipe)
    frozen = frozen_sha256(model)
    check_frozen(run, frozen, begin=True)
    folder = text_folder(recipe.text_weights)
    tokenizer = TextTokenizer(folder / "tokenizer.json", max_tokens=recipe.max_tokens)
    data = PaperData.read(dataset, pairs, tokenizer, recipe.crop)
    start = trained_weights(model)
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    for fold, (train, val) in splits.items():
        yield fold, _checked(run, model, fit_paper_fold(model, start, data, train, val, recipe, fold))


def _checked(run: Run, model: nn.Module, rows: Rows) -> Rows:
    for row in rows:
        if isinstance(row, FoldResult):
            check_frozen(run, frozen_sha256(model))
        yield row


def frozen_path(run: Run) -> Path:
    """Where a run states the SHA-256 of the weights that no fold trains."""
    return run.folder / "frozen.json"


def check_frozen(run: Run, sha256: str, *, begin: bool = False) -> None:
    """Compares with `frozen.json`, which `begin` writes where there is none; raises DatasetError where they differ."""
    path = frozen_path(run)
    if begin and not path.is_file():
        write_json(path, {"sha256": sha256})
    stated = json.loads(path.read_text("utf-8"))["sha256"] if path.is_file() else None
    if stated != sha256:
        raise DatasetError(
            f"{path}: the frozen weights have SHA-256 {sha256[:12]}, the run began with {str(stated)[:12]}; "
            "give the weights that the run was started with, or another --out"
        )
