"""One fold of the published recipe: both towers' last blocks trained end to end on augmented images."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from runtime import metrics
from runtime.dataset import Dataset
from runtime.images import read_image
from runtime.tokenizer import TextTokenizer

from .augment import Augmentation, augmentation, training_picture
from .fit import FoldResult
from .loss import contrastive_loss
from .pairs import Pairs
from .paper_recipe import PaperRecipe
from .paper_towers import paper_preprocessing, trained_weights

Ints = NDArray[np.int64]

BATCH = 16  # images or texts at a time in validation


@dataclass(frozen=True, eq=False)
class PaperData:
    """What every fold reads: pairs, their tokenizer, the data set's images and N pictures (3, 256, 256) uint8.

    A picture takes 197 kB of memory; images without a caption have none.
    """

    dataset: Dataset
    pairs: Pairs
    tokenizer: TextTokenizer
    pictures: dict[int, Tensor]

    @classmethod
    def read(cls, dataset: Dataset, pairs: Pairs, tokenizer: TextTokenizer, crop: str) -> "PaperData":
        """Decodes and crops every captioned image once."""
        images = map(int, np.unique(pairs.image))
        pictures = {i: training_picture(read_image(dataset.records[i].path), crop) for i in images}
        return cls(dataset, pairs, tokenizer, pictures)

    def tokens(self, texts: Ints) -> Tensor:
        """Token ids (len(texts), T) int64, padded to the longest."""
        return torch.from_numpy(self.tokenizer([self.pairs.texts[int(t)] for t in texts])[0])


def fit_paper_fold(
    model: nn.Module, start: dict[str, Tensor], data: PaperData, train: Ints, val: Ints, recipe: PaperRecipe, fold: int
) -> Iterator[dict[str, float] | FoldResult]:
    """Trains `model` from the weights `start` on the pairs `train`, validates on `val`.

    Yields a row {epoch, loss, r1, r5, r10, mrr, r5_own, learning_rate} an epoch and the FoldResult last.
    float16 products on CUDA only.
    """
    seed = recipe.seed * 1000 + fold
    torch.manual_seed(seed)
    rng = np.random.default_rng([recipe.seed, fold])
    _restart(model, start)
    device = next(model.parameters()).device
    batches = math.ceil(len(train) / recipe.batch)
    steps = min(batches, recipe.steps or batches)
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trainable, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: recipe.learning_rate_factor(step, steps))
    scaler = torch.amp.GradScaler(device.type, enabled=device.type == "cuda")
    prepare = augmentation(recipe.augmentation, paper_preprocessing(recipe))
    best: FoldResult | None = None
    curve: list[dict[str, float]] = []
    for epoch in range(1, recipe.epochs + 1):
        model.train()
        losses = []
        for rows in np.array_split(rng.permutation(train), batches)[:steps]:
            loss = _loss(model, data, rows, prepare, recipe)
            optimiser.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimiser)
            scaler.update()
            rate = schedule.get_last_lr()[0]
            schedule.step()
            losses.append(float(loss.detach()))
        figures = validate_paper(model, data, val, recipe)
        row = {"epoch": epoch, "loss": float(np.mean(losses)), **figures, "learning_rate": rate}
        curve.append(row)
        if best is None or figures[recipe.criterion] > best.figures[recipe.criterion]:
            best = FoldResult(trained_weights(model), {"epoch": float(epoch), **figures}, curve)
        yield row
    if best is not None:
        yield best


def _loss(model: Any, data: PaperData, rows: Ints, prepare: Augmentation, recipe: PaperRecipe) -> Tensor:
    device = next(model.parameters()).device
    pixels = prepare([data.pictures[int(i)] for i in data.pairs.image[rows]]).to(device)
    ids = data.tokens(data.pairs.text[rows]).to(device)
    with torch.autocast(device.type, torch.float16, enabled=device.type == "cuda"):
        image, text = model.encode_image(pixels, normalize=True), model.encode_text(ids, normalize=True)
    positives = torch.from_numpy(data.pairs.positives(rows)).to(device)
    return contrastive_loss(recipe.loss, text.float() @ image.float().T, positives, recipe.temperature)


@torch.inference_mode()
def validate_paper(model: Any, data: PaperData, val: Ints, recipe: PaperRecipe) -> dict[str, float]:
    """Success@1, 5, 10 and MRR over sets of relevant images, and `r5_own`: Recall@5 of each row's own image alone."""
    model.eval()
    device = next(model.parameters()).device
    pairs, preprocessing = data.pairs, paper_preprocessing(recipe)
    texts, images = np.unique(pairs.text[val]), np.unique(pairs.image[val])
    text = [model.encode_text(data.tokens(part).to(device), normalize=True) for part in _parts(texts)]
    image = []
    for part in _parts(images):
        pictures = [read_image(data.dataset.records[int(i)].path) for i in part]
        image.append(model.encode_image(torch.from_numpy(preprocessing(pictures)).to(device), normalize=True))
    similarities = (torch.cat(text) @ torch.cat(image).T).cpu().numpy()
    own = pairs.image[val][:, None] == images
    ranks = metrics.first_relevant_rank(similarities[np.searchsorted(texts, pairs.text[val])], own)
    return metrics.table(similarities, pairs.relevance(texts, images)) | {"r5_own": metrics.success_at(ranks, 5)}


def _parts(index: Ints) -> list[Ints]:
    return [index[i : i + BATCH] for i in range(0, len(index), BATCH)]


def _restart(model: Any, start: dict[str, Tensor]) -> None:
    # every fold begins at the same pretrained blocks; its projections are drawn anew from the fold's seed
    model.load_state_dict(start, strict=False)
    model.visual.head.proj.reset_parameters()
    model.text.proj.reset_parameters()
