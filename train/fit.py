"""One fold: train what it owns of both towers on frozen streams, keep the weights of the best validation MRR."""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from runtime import metrics

from .adapt import Adapt
from .fold_block import FoldBlock
from .fold_layers import LowRankDelta
from .image_trunk import LiteTrunk
from .loss import contrastive_loss
from .minilm import MiniLm
from .pairs import Pairs
from .recipes import CompactRecipe
from .stream import Stream
from .tower_folds import TowerFolds
from .vit import Vit

Ints = NDArray[np.int64]
EVALUATED = 256  # rows encoded at once in validation
ALIKE = 16  # texts of alike length that are encoded together where folds have private tokens


class CompactFolds(nn.Module):
    """The trained part of the compact recipe: both towers of K folds on their frozen trunks."""

    def __init__(self, texts: MiniLm, images: LiteTrunk | Vit, recipe: CompactRecipe, folds: int = 1) -> None:
        super().__init__()
        self.text = _tower(texts, recipe.text, recipe, folds)
        self.image = _tower(images, recipe.image, recipe, folds)


def _tower(trunk: MiniLm | LiteTrunk | Vit, adapt: Adapt, recipe: CompactRecipe, folds: int) -> TowerFolds:
    return TowerFolds(
        list(trunk.layers),
        trunk.width,
        folds,
        adapt,
        hidden=recipe.hidden,
        dims=recipe.dims,
        dropout=recipe.dropout,
        skip=recipe.skip,
        own_key=recipe.own_key,
        final_norm=None if isinstance(trunk, MiniLm) else trunk.norm,
    )


@dataclass(frozen=True, eq=False)
class Features:
    """The frozen inputs of a run, and the trunks that gave them: streams of the N images and of the T texts."""

    images: Stream
    texts: Stream
    image_trunk: LiteTrunk | Vit
    text_trunk: MiniLm


@dataclass(frozen=True, eq=False)
class FoldResult:
    """A fold's best weights, its validation figures at that epoch, and its curve, one row per validation."""

    weights: dict[str, Tensor]
    figures: dict[str, float]
    curve: list[dict[str, float]]


def fit_fold(
    features: Features, pairs: Pairs, train: Ints, val: Ints, recipe: CompactRecipe, fold: int
) -> Iterator[dict[str, float] | FoldResult]:
    """Trains on the pairs `train`, validates on the pairs `val` (indices into `pairs`).

    Yields a row {epoch, loss, r1, r5, r10, mrr, learning_rate} per validation and the FoldResult last, so that
    the caller can show progress and stop.
    """
    own = recipe.seed * 1000 + fold
    torch.manual_seed(own if recipe.start == "own" else recipe.seed)
    model = CompactFolds(features.text_trunk, features.image_trunk, recipe)
    if recipe.start == "shared":
        torch.manual_seed(own)  # dropout differs in any case
    rng = np.random.default_rng([recipe.seed, fold])
    batches = max(1, math.ceil(len(np.unique(pairs.image[train])) / recipe.batch))
    optimiser, schedule = optimiser_and_schedule(model, recipe, recipe.epochs * batches)
    best: FoldResult | None = None
    curve: list[dict[str, float]] = []
    for epoch in range(1, recipe.epochs + 1):
        losses = []
        for rows in np.array_split(one_caption_an_image(pairs, train, rng), batches):
            loss = batch_loss(model, features, pairs, rows, recipe)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        if epoch % recipe.validate_every and epoch != recipe.epochs:
            continue
        figures = validate(model, features, pairs, val)
        row = {"epoch": epoch, "loss": float(np.mean(losses)), **figures, "learning_rate": schedule.get_last_lr()[0]}
        curve.append(row)
        if best is None or figures["mrr"] > best.figures["mrr"]:
            best = FoldResult(copy.deepcopy(model.state_dict()), {"epoch": float(epoch), **figures}, curve)
        yield row
    if best is not None:
        yield best


def optimiser_and_schedule(
    model: CompactFolds, recipe: CompactRecipe, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW over what the model owns, and its rate over `steps` steps."""
    optimiser = torch.optim.AdamW(_groups(model, recipe), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warmup_cosine(step, steps))


def _groups(model: CompactFolds, recipe: CompactRecipe) -> list[dict[str, object]]:
    """What begins at random learns at the recipe's rate, what begins as the trunk's weights at the lower one."""
    own = [part for module in model.modules() if isinstance(module, FoldBlock) for part in module.children()]
    own += [tower.norm for tower in (model.text, model.image) if tower.norm is not None]
    copies = {id(p) for part in own if not isinstance(part, LowRankDelta) for p in part.parameters()}
    new = [parameter for parameter in model.parameters() if id(parameter) not in copies]
    old = [parameter for parameter in model.parameters() if id(parameter) in copies]
    return [{"params": new}, *([{"params": old, "lr": recipe.unfrozen_learning_rate}] if old else [])]


def warmup_cosine(step: int, steps: int, warmup: float = 0.1) -> float:
    """Factor of the learning rate: linear over the first tenth of the steps, then half a cosine to zero."""
    rise = max(1, round(warmup * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def one_caption_an_image(pairs: Pairs, train: Ints, rng: np.random.Generator) -> Ints:
    """An epoch: every training image once, in random order, each with one of its captions drawn anew."""
    order = rng.permutation(train)
    _, first = np.unique(pairs.image[order], return_index=True)
    return order[rng.permutation(first)]


def batch_loss(model: CompactFolds, features: Features, pairs: Pairs, rows: Ints, recipe: CompactRecipe) -> Tensor:
    """The recipe's loss on the pairs `rows`."""
    texts, place = np.unique(pairs.text[rows], return_inverse=True)  # captions repeat: each is encoded once
    text = by_length(model.text, features.texts, torch.from_numpy(texts))[torch.from_numpy(place)]
    image = model.image(features.images.rows(torch.from_numpy(pairs.image[rows])))[0]
    positives = torch.from_numpy(pairs.positives(rows))
    return contrastive_loss(recipe.loss, text @ image.T, positives, recipe.temperature)


def by_length(tower: TowerFolds, stream: Stream, index: Tensor) -> Tensor:
    """Vectors (B, dims) of the texts at `index` by one fold.

    Private tokens are dear and one long caption pads all others: they go in parts of alike length, the same numbers.
    """
    if stream.tokens is None or stream.bias is None:
        return tower(stream.rows(index))[0]
    order = (stream.bias[index] == 0).sum((1, 2, 3)).argsort(stable=True)
    vectors = torch.cat([tower(stream.rows(index[part]))[0] for part in order.split(ALIKE)])
    return vectors[order.argsort()]


@torch.inference_mode()
def validate(model: CompactFolds, features: Features, pairs: Pairs, val: Ints) -> dict[str, float]:
    """Success@1, 5, 10 and MRR of the validation texts over the validation images."""
    model.eval()
    texts, images = np.unique(pairs.text[val]), np.unique(pairs.image[val])
    text, image = (
        torch.cat([folds(stream.rows(part))[0] for part in torch.from_numpy(index).split(EVALUATED)])
        for folds, stream, index in ((model.text, features.texts, texts), (model.image, features.images, images))
    )
    model.train()
    return metrics.table((text @ image.T).numpy(), pairs.relevance(texts, images))
