"""Trains both towers on crops and drawn questions; keeps the epoch with the best validation P@10."""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import huber_loss

from runtime.nodule.measures import precision_at
from runtime.nodule.prompts import Prompt
from train.loss import multi_positive_info_nce
from train.rounding import round_weights

from .data import Crops
from .recipe import NoduleRecipe
from .towers import ImageTower, TextHead

Ints = NDArray[np.int64]
EVALUATED = 256


@dataclass(frozen=True, eq=False)
class Questions:
    """T prompts, the frozen trunk's means of them (T, W), and which of the N crops each asks for (T, N) bool."""

    prompts: list[Prompt]
    means: Tensor
    asks_for: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Fitted:
    """Weights of the best epoch by tower, its figures, and the curve."""

    image: dict[str, Tensor]
    text: dict[str, Tensor]
    figures: dict[str, float]
    curve: list[dict[str, float]]


def fit(
    crops: Crops, questions: Questions, train: Ints, val: Ints, recipe: NoduleRecipe
) -> Iterator[dict[str, float] | Fitted]:
    """Yields a row {epoch, loss, p10, mean_error_mm} per validation, the Fitted last."""
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    image, text = ImageTower(recipe), TextHead(questions.means.shape[1], recipe)
    weights = [*image.parameters(), *text.parameters()]
    batches = max(1, len(train) // recipe.batch)
    optimiser = torch.optim.AdamW(weights, recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=recipe.epochs * batches, pct_start=0.15
    )
    held = np.arange(len(questions.prompts)) % 10 == 0  # questions that no step sees
    best: Fitted | None = None
    curve: list[dict[str, float]] = []
    for epoch in range(1, recipe.epochs + 1):
        image.train(), text.train()
        losses = []
        for rows in np.array_split(rng.permutation(train), batches):
            loss = _loss(image, text, crops, questions, rows, held, recipe, rng)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        if epoch % 3 and epoch != recipe.epochs:
            continue
        ours = copy.deepcopy(text).eval()
        round_weights(ours)  # what the bundle will store
        figures = validate(image, ours, crops, questions, val, held)
        curve.append({"epoch": epoch, "loss": float(np.mean(losses)), **figures})
        if best is None or figures["p10"] >= best.figures["p10"]:
            state = {name: value.clone() for name, value in image.state_dict().items()}
            best = Fitted(state, ours.state_dict(), {"epoch": epoch, **figures}, curve)
        yield curve[-1]
    if best is None or not math.isfinite(curve[-1]["loss"]):
        raise FloatingPointError("the loss is not finite; lower --learning-rate")
    yield best


def _loss(
    image: ImageTower,
    text: TextHead,
    crops: Crops,
    questions: Questions,
    rows: Ints,
    held: NDArray[np.bool_],
    recipe: NoduleRecipe,
    rng: np.random.Generator,
) -> Tensor:
    # a question for each crop that it answers: intervals of all kinds, so negatives lie at every distance
    asked = np.array([rng.choice(np.flatnonzero(questions.asks_for[:, row] & ~held)) for row in rows])
    vectors, diameters = image(augment(torch.from_numpy(crops.pixels[rows].astype(np.float32)), rng))
    positives = torch.from_numpy(questions.asks_for[asked][:, rows])
    loss = multi_positive_info_nce(text(questions.means[asked]) @ vectors.T, positives, recipe.temperature)
    truth = torch.from_numpy(crops.diameters_mm[rows])
    return loss + recipe.diameter_weight * huber_loss(torch.log(diameters), torch.log(truth), delta=0.5)


def augment(pixels: Tensor, rng: np.random.Generator) -> Tensor:
    """Crops (B, S, S) → (B, 1, S, S): turned, mirrored, shifted by up to 3 pixels, brighter or darker; never scaled."""
    if rng.random() < 0.5:
        pixels = pixels.flip(2)
    pixels = torch.rot90(pixels, int(rng.integers(4)), (1, 2))
    shift = rng.integers(-3, 4, 2)
    pixels = torch.roll(pixels, (int(shift[0]), int(shift[1])), (1, 2))
    gain = torch.from_numpy(rng.uniform(0.9, 1.1, (len(pixels), 1, 1)).astype(np.float32))
    offset = torch.from_numpy(rng.uniform(-0.03, 0.03, (len(pixels), 1, 1)).astype(np.float32))
    return (pixels * gain + offset).clamp(0, 1)[:, None]


@torch.inference_mode()
def encode(image: ImageTower, pixels: NDArray[np.float16]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors (N, D) and diameters (N,) in mm of crops (N, S, S)."""
    image.eval()
    parts = [
        image(torch.from_numpy(pixels[i : i + EVALUATED].astype(np.float32))[:, None])
        for i in range(0, len(pixels), EVALUATED)
    ]
    return torch.cat([p[0] for p in parts]).numpy(), torch.cat([p[1] for p in parts]).numpy()


def validate(
    image: ImageTower,
    text: TextHead,
    crops: Crops,
    questions: Questions,
    rows: Ints,
    held: NDArray[np.bool_],
) -> dict[str, float]:
    """P@10 of the held-out questions that ten crops of `rows` answer, and the diameter head's mean error in mm."""
    vectors, diameters = encode(image, crops.pixels[rows])
    relevant = questions.asks_for[held][:, rows]
    with torch.inference_mode():
        asked = text(questions.means[held]).numpy()
    enough = relevant.sum(1) >= min(10, len(rows))
    p10 = (
        float(np.mean(precision_at(asked[enough] @ vectors.T, relevant[enough], min(10, len(rows)))))
        if enough.any()
        else 0.0
    )
    return {"p10": p10, "mean_error_mm": float(np.mean(np.abs(diameters - crops.diameters_mm[rows])))}
