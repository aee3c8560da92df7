"""Training of the published recipe, fold by fold on one pair of towers; what is frozen is proved not to move."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from runtime.dataset import Dataset
from runtime.tokenizer import TextTokenizer

from .fit import FoldResult
from .frozen import check_frozen, frozen_sha256
from .pairs import Pairs
from .paper_fit import PaperData, fit_paper_fold
from .paper_recipe import PaperRecipe
from .paper_towers import build_towers, text_folder, trained_weights
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
