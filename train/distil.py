"""A student: one pair of towers that imitates the ensemble's stacked vector, so that it can search its galleries.

The target of a text or image is [e_1 … e_K]/√K, the ensemble's K·D unit vector; the student is one fold with wider
heads of K·D numbers. It never sees which caption belongs to which picture: it learns the ensemble's vectors and the
ensemble's similarities within a batch, on the training data and on mixtures of them.
"""

from collections.abc import Iterator
from dataclasses import fields, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import kl_div

from .fit import CompactFolds, Features, one_caption_an_image, optimiser_and_schedule
from .pairs import Pairs
from .recipes import CompactRecipe
from .stream import Stream

# on the first split of the real pictures the narrow head with the folds' dropout lost two points of MRR to this
HIDDEN, EPOCHS = 1024, 60
Pair = tuple[Tensor, Tensor]


def student_recipe(recipe: CompactRecipe) -> CompactRecipe:
    """The recipe of the student of a run: one fold as wide as all folds together."""
    return replace(
        recipe, dims=recipe.folds * recipe.dims, hidden=HIDDEN, dropout=0.0, weight_decay=0.01, epochs=EPOCHS
    )


def fit_student(
    features: Features, pairs: Pairs, teacher: CompactFolds, recipe: CompactRecipe
) -> Iterator[dict[str, float] | dict[str, Tensor]]:
    """Trains a student of `student_recipe` on all pairs and on mixtures of them; `teacher` has all folds.

    Yields a row {epoch, loss, text_cosine, image_cosine} an epoch and the weights last: the student sees all data,
    so no epoch can be chosen.
    """
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    student = CompactFolds(features.text_trunk, features.image_trunk, recipe)
    teacher.eval()
    every = np.arange(len(pairs.text))
    batches = max(1, -(-len(np.unique(pairs.image)) // recipe.batch))
    optimiser, schedule = optimiser_and_schedule(student, recipe, recipe.epochs * batches)
    for epoch in range(1, recipe.epochs + 1):
        figures = []
        for rows in np.array_split(one_caption_an_image(pairs, every, rng), batches):
            text = with_mixtures(features.texts.rows(torch.from_numpy(pairs.text[rows])), rng)
            image = with_mixtures(features.images.rows(torch.from_numpy(pairs.image[rows])), rng)
            with torch.no_grad():
                target = stacked(teacher.text(text)), stacked(teacher.image(image))
            loss, cosines = imitation(
                (stacked(student.text(text)), stacked(student.image(image))), target, recipe.temperature
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            figures.append([float(loss.detach()), *cosines])
        means = np.mean(figures, axis=0)
        yield {"epoch": epoch, "loss": means[0], "text_cosine": means[1], "image_cosine": means[2]}
    yield student.state_dict()


def imitation(ours: Pair, target: Pair, temperature: float) -> tuple[Tensor, tuple[float, float]]:
    """The student's loss on (B, K·D) vectors of texts and images, and the two mean cosines to the target.

    1 − cosine for each tower, plus the Kullback-Leibler divergence of every text's softmax over the batch's images
    from the ensemble's, and of every image's over the texts.
    """
    cosines = [(own * wanted).sum(-1).mean() for own, wanted in zip(ours, target, strict=True)]
    student, teacher = (text @ image.T / temperature for text, image in (ours, target))
    relations = [
        kl_div(s.log_softmax(1), t.log_softmax(1), reduction="batchmean", log_target=True)
        for s, t in ((student, teacher), (student.T, teacher.T))
    ]
    return 2 - sum(cosines) + sum(relations), (float(cosines[0].detach()), float(cosines[1].detach()))


def with_mixtures(stream: Stream, rng: np.random.Generator) -> Stream:
    """The stream of B inputs and behind it B mixtures of two of them (mixup, Zhang et al. 2018).

    The ensemble answers a mixture like any input, so there is no end of examples of what it does between the few
    that were captioned.
    """
    share = torch.from_numpy(rng.beta(1, 1, len(stream))).float()
    order = torch.from_numpy(rng.permutation(len(stream)))
    other = stream.map(lambda tensor: tensor[order])

    def mixed(one: Tensor, two: Tensor) -> Tensor:
        weight = share.view(-1, *[1] * (one.dim() - 1))
        return torch.cat([one, weight * one + (1 - weight) * two])

    held = {field.name: (getattr(stream, field.name), getattr(other, field.name)) for field in fields(Stream)}
    mixture = {name: None if one is None else mixed(one, two) for name, (one, two) in held.items()}
    if stream.bias is not None and other.bias is not None:  # a place is seen where either text has one
        mixture["bias"] = torch.cat([stream.bias, torch.maximum(stream.bias, other.bias)])
    return Stream(**mixture)


def stacked(vectors: Tensor) -> Tensor:
    """(K, B, D) unit vectors → (B, K·D) unit rows, as the runtime stacks them."""
    return vectors.transpose(0, 1).flatten(1) / vectors.shape[0] ** 0.5
