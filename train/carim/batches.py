"""A batch of rows: the scenes' element vectors, a query for each, and the queries with injected elements."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from .backbones import Backbone
from .data import Ints
from .material import Material
from .model import TokenHead, element_vectors
from .negatives import Pool, joined, negative_elements, random_subset
from .recipe import CarimRecipe
from .states import encode_by_length


@dataclass(frozen=True, eq=False)
class Scenes:
    """B scenes of at most M elements: `vectors` (B, M, D), `ids` (B, M) int64, `present` (B, M) bool."""

    vectors: Tensor
    ids: Tensor
    present: Tensor


def scenes_of(head: TokenHead, material: Material, rows: Ints, recipe: CarimRecipe) -> Scenes:
    """The rows' element vectors as the head has them now, each element computed once."""
    device, elements = head.project.weight.device, [material.corpus.row_elements[i] for i in rows]
    once, place = np.unique(np.concatenate(elements), return_inverse=True)
    values, lengths = material.elements.of(once)
    vectors = element_vectors(head(values.to(device)), lengths.to(device), unit=recipe.normalise_elements)
    counts = [len(row) for row in elements]
    places = pad_sequence(list(torch.from_numpy(place).split(counts)), batch_first=True)
    ids = pad_sequence([torch.from_numpy(row) for row in elements], batch_first=True, padding_value=-1).to(device)
    return Scenes(vectors[places.to(device)], ids, ids >= 0)


def queries_of(material: Material, rows: Ints, recipe: CarimRecipe, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Token states (S, W) of a text for each row, and their lengths (B,): its caption, or some of its sentences.

    Sentences are encoded each alone, as a question is that is one of them.
    """
    if recipe.queries == "caption":
        return material.captions.of(material.corpus.row_caption[rows])
    drawn = []
    for i in rows:
        own = material.corpus.row_sentences[i]
        drawn.append(rng.permutation(own)[: rng.integers(1, min(recipe.most_sentences, len(own)) + 1)])
    values, lengths = material.sentences.of(np.concatenate(drawn))
    counts = torch.tensor([len(part) for part in drawn])
    return values, torch.stack([part.sum() for part in lengths.split(counts.tolist())])


def injected_queries(
    material: Material, pool: Pool, rows: Ints, scenes: Scenes, recipe: CarimRecipe, rng: np.random.Generator
) -> tuple[list[Ints], Tensor, int]:
    """Elements of the rows' q_neg and then q_pos, the scene in the batch of each, and how many are q_neg.

    A scene that no pool element is far enough from has no q_neg.
    """
    vectors = scenes.vectors.detach().cpu().numpy()
    negative, places, positive = [], [], []
    for place, row in enumerate(rows):
        own = material.corpus.row_elements[row]
        asked = negative_elements(own, pool.highest_cosines(vectors[place, : len(own)]), recipe, rng)
        if asked is not None:
            negative.append(asked)
            places.append(place)
        positive.append(random_subset(own, rng))
    return [*negative, *positive], torch.tensor([*places, *range(len(rows))]), len(negative)


def injected_states(
    material: Material, backbone: Backbone, asked: list[Ints], recipe: CarimRecipe
) -> tuple[Tensor, Tensor]:
    """Token states (S, W) of the queries that elements make, and their lengths (B,).

    As one text each, joined by commas; or each element's own states one after another, which are there already.
    """
    if recipe.injected == "joined":
        texts = [joined(ids, material.corpus.elements) for ids in asked]
        return encode_by_length(backbone, texts, recipe.query_tokens).every()
    values, lengths = material.elements.of(np.concatenate(asked))
    return values, torch.stack([part.sum() for part in lengths.split([len(ids) for ids in asked])])
