"""A student: one pair of towers that imitates the ensemble's stacked vector, so that it can search its galleries.

The target of a text or image is [e_1 … e_K]/√K, the ensemble's K·D unit vector; the student is one fold with heads
of K·D numbers. Its loss is the mean of 1 − cosine to the target, of texts and of images, plus the recipe's
contrastive loss between the student's own vectors.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from .fit import CompactFolds, Features, batch_loss, one_caption_an_image, optimiser_and_schedule
from .pairs import Pairs
from .recipes import CompactRecipe
from .stream import Stream
from .tower_folds import TowerFolds

ENCODED = 256  # rows encoded at once


def student_recipe(recipe: CompactRecipe) -> CompactRecipe:
    """The recipe of the student of a run: one fold as wide as all folds together."""
    return replace(recipe, dims=recipe.folds * recipe.dims)


@torch.inference_mode()
def targets(model: CompactFolds, features: Features) -> tuple[Tensor, Tensor]:
    """The ensemble's vectors of all texts (T, K·D) and images (N, K·D), unit rows."""
    model.eval()

    def stacked(tower: TowerFolds, stream: Stream) -> Tensor:
        parts = torch.arange(len(stream)).split(ENCODED)
        vectors = torch.cat([tower(stream.rows(part)) for part in parts], dim=1)  # (K, N, D)
        return vectors.transpose(0, 1).flatten(1) / len(vectors) ** 0.5

    return stacked(model.text, features.texts), stacked(model.image, features.images)


def fit_student(
    features: Features, pairs: Pairs, teacher: tuple[Tensor, Tensor], recipe: CompactRecipe
) -> Iterator[dict[str, float] | dict[str, Tensor]]:
    """Trains a student of `student_recipe` on all pairs.

    Yields a row {epoch, loss, text_cosine, image_cosine} an epoch and the weights last: the student sees all data,
    so no epoch can be chosen.
    """
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    model = CompactFolds(features.text_trunk, features.image_trunk, recipe)
    every = np.arange(len(pairs.text))
    batches = max(1, -(-len(np.unique(pairs.image)) // recipe.batch))
    optimiser, schedule = optimiser_and_schedule(model, recipe, recipe.epochs * batches)
    for epoch in range(1, recipe.epochs + 1):
        figures = []
        for rows in np.array_split(one_caption_an_image(pairs, every, rng), batches):
            text, image = torch.from_numpy(pairs.text[rows]), torch.from_numpy(pairs.image[rows])
            contrastive, ours = batch_loss(model, features, pairs, rows, recipe)
            cosines = [
                (own * target[index]).sum(-1).mean()
                for own, target, index in zip(ours, teacher, (text, image), strict=True)
            ]
            loss = contrastive + 2 - cosines[0] - cosines[1]
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            figures.append([float(loss.detach()), *(float(cosine.detach()) for cosine in cosines)])
        means = np.mean(figures, axis=0)
        yield {"epoch": epoch, "loss": means[0], "text_cosine": means[1], "image_cosine": means[2]}
    yield model.state_dict()
