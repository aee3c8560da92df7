"""One field: learn on the tower's vectors, keep the weights of the best validation MRR, stop where it stalls."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_metric_learning.losses import MultiSimilarityLoss
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from runtime.ent.classes import ClassTable
from runtime.ent.measures import answers, sense_table
from runtime.ent.relevance import Relevance

from ..fit import FoldResult
from .field import Flow, VectorField
from .recipe import EntRecipe
from .triplets import mine

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Part:
    """A part of the data: the tower's unit rows (N, D) float32 and the N classes."""

    rows: Floats
    classes: list[str]


def new_field(width: int, recipe: EntRecipe) -> VectorField:
    """An untrained field, the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return VectorField(width, recipe)


def fit_field(
    train: Part, val: Part, asked: Relevance, table: ClassTable, recipe: EntRecipe
) -> Iterator[dict[str, float] | FoldResult]:
    """Trains on `train`; `asked` is the relevance among the images of `val`.

    Yields a row {epoch, loss, r1, r5, r10, mrr, learning_rate} an epoch and the FoldResult last.
    """
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    field = new_field(train.rows.shape[1], recipe)
    flow = Flow(field, recipe.target)
    optimiser, schedule = _optimiser(field, recipe, recipe.warmup_rate if recipe.warmup else recipe.learning_rate)
    rows, labels = torch.from_numpy(train.rows), torch.from_numpy(np.unique(train.classes, return_inverse=True)[1])
    loss_of = MultiSimilarityLoss(alpha=recipe.alpha, beta=recipe.beta, base=recipe.base)
    triplets = mine(train.rows, train.classes, table, rng)
    best = FoldResult(copy.deepcopy(field.state_dict()), {"epoch": 0.0, "mrr": -1.0}, [])
    curve: list[dict[str, float]] = []
    for epoch in range(1, recipe.epochs + 1):
        steps = 0 if epoch <= recipe.warmup else recipe.steps
        if recipe.warmup and epoch == recipe.warmup + 1:
            # a v(x, 0) that finds well need not be a flow that does: what it does as one is the mark to beat
            optimiser, schedule = _optimiser(field, recipe, recipe.learning_rate)
            figures = {"epoch": float(recipe.warmup), **validate(flow, val, asked, steps)}
            best = FoldResult(copy.deepcopy(field.state_dict()), figures, curve)
        if recipe.mining == "each-epoch" and epoch > 1:
            triplets = mine(vectors(flow, train.rows, steps), train.classes, table, rng)
        field.train()
        losses = []
        order = rng.permutation(triplets)
        for first in range(0, len(order), recipe.triplets):
            batch = torch.from_numpy(order[first : first + recipe.triplets])
            loss = _loss(flow, rows, labels, batch, steps, loss_of, rng)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(field.parameters(), recipe.clip)
            optimiser.step()
            losses.append(float(loss.detach()))
        figures = validate(flow, val, asked, steps)
        schedule.step(figures["mrr"])
        row = {"epoch": epoch, "loss": float(np.mean(losses)), **figures, "learning_rate": schedule.get_last_lr()[0]}
        curve.append(row)
        if figures["mrr"] > best.figures["mrr"]:
            best = FoldResult(copy.deepcopy(field.state_dict()), {"epoch": float(epoch), **figures}, curve)
        yield row
        if epoch > recipe.warmup and epoch - best.figures["epoch"] >= recipe.stop_after:
            break
    yield best


def _optimiser(
    field: VectorField, recipe: EntRecipe, rate: float
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.ReduceLROnPlateau]:
    optimiser = torch.optim.AdamW(field.parameters(), lr=rate)
    return optimiser, torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, mode="max", factor=recipe.factor, patience=recipe.patience
    )


def _loss(
    flow: Flow,
    rows: Tensor,
    labels: Tensor,
    triplets: Tensor,
    steps: int,
    loss_of: MultiSimilarityLoss,
    rng: np.random.Generator,
) -> Tensor:
    if flow.target == "flow-matching":
        start, end, t = rows[triplets[:, 0]], rows[triplets[:, 1]], float(rng.random())
        return mse_loss(flow.field((1 - t) * start + t * end, t), end - start)
    flat = triplets.flatten()  # 3 × 32 embeddings with their classes
    loss: Tensor = loss_of(flow.embed(rows[flat], steps), labels[flat])
    return loss


@torch.inference_mode()
def vectors(flow: Flow, rows: Floats, steps: int) -> Floats:
    """(N, D) float32 unit rows after `steps` RK4 steps."""
    flow.field.eval()
    parts = [flow.embed(part, steps) for part in torch.from_numpy(rows).split(512)]
    found: Floats = torch.cat(parts).numpy()
    return found


def validate(flow: Flow, val: Part, asked: Relevance, steps: int) -> dict[str, float]:
    """Success@1, 5, 10 and MRR by exact class; zeros where no validation image has another of its class."""
    table = sense_table(answers(vectors(flow, val.rows, steps), asked), val.classes)
    return {key: table.get("exact", {}).get(key, 0.0) for key in ("r1", "r5", "r10", "mrr")}


def classes_of(names: Sequence[str], positions: Ints) -> list[str]:
    """The classes at the given positions."""
    return [names[i] for i in positions]
