"""How a head retrieves: sentences or whole captions of some rows → their scenes."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from runtime import metrics

from .data import Ints
from .material import Material
from .model import NONE, TokenHead, element_vectors
from .recipe import CarimRecipe
from .states import TokenStates

Floats = NDArray[np.float32]
CHUNK = 64  # queries scored at once


@torch.no_grad()
def all_elements(head: TokenHead, states: TokenStates, recipe: CarimRecipe, *, block: int = 4096) -> Tensor:
    """Vectors (E, D) of all elements as the head has them now."""
    device, parts = head.project.weight.device, []
    for first in range(0, len(states), block):
        values, lengths = states.of(np.arange(first, min(first + block, len(states))))
        tokens = head(values.to(device))
        parts.append(element_vectors(tokens, lengths.to(device), unit=recipe.normalise_elements))
    return torch.cat(parts)


@torch.no_grad()
def row_scores(head: TokenHead, queries: TokenStates, asked: Ints, rows: list[Ints], vectors: Tensor) -> Floats:
    """(Q, R) MaxSim of the texts `asked` of `queries` with rows of elements, given as positions in `vectors`."""
    device = vectors.device
    places = torch.nn.utils.rnn.pad_sequence(
        [torch.from_numpy(row) for row in rows], batch_first=True, padding_value=-1
    ).to(device)
    found = []
    for first in range(0, len(asked), CHUNK):
        values, lengths = queries.of(asked[first : first + CHUNK])
        # each element once, then gathered: they repeat from row to row
        once = head(values.to(device)) @ vectors.T
        best = torch.full((len(once), len(rows)), NONE, device=device)
        for column in places.T:
            best = torch.where(column >= 0, torch.maximum(best, once[:, column.clamp(min=0)]), best)
        found.append(torch.segment_reduce(best, "mean", lengths=lengths.to(device), axis=0).cpu())
    return torch.cat(found).numpy()


def sentence_pairs(material: Material, rows: Ints, seed: int = 0) -> tuple[TokenStates, list[tuple[int, ...]]]:
    """Two drawn sentences of each row's caption as one query, each encoded alone; and which they are.

    One sentence is often true of many scenes that word it otherwise; of two few others have both.
    """
    rng = np.random.default_rng(seed)
    drawn = [np.sort(rng.permutation(material.corpus.row_sentences[i])[:2]) for i in rows]
    values, lengths = material.sentences.of(np.concatenate(drawn))
    sums = [int(part.sum()) for part in lengths.split([len(pair) for pair in drawn])]
    states = TokenStates(values.half(), np.concatenate([[0], np.cumsum(sums)]))
    return states, [tuple(pair.tolist()) for pair in drawn]


def retrieval(head: TokenHead, material: Material, rows: Ints, recipe: CarimRecipe) -> dict[str, dict[str, float]]:
    """{"pairs", "captions"} → Success@1, 5, 10 and MRR of the rows' texts over the rows' own scenes.

    A scene scores as its best row; every scene whose caption has the very sentences, or is the same, is right.
    """
    corpus, vectors = material.corpus, all_elements(head, material.elements, recipe)
    _, scene = np.unique([corpus.scenes[i] for i in rows], return_inverse=True)
    pairs, asked_pairs = sentence_pairs(material, rows)
    own = [set(corpus.row_sentences[i].tolist()) for i in rows]
    captions = corpus.row_caption[rows]
    kinds = {
        "pairs": (pairs, np.arange(len(rows)), np.array([[held.issuperset(q) for held in own] for q in asked_pairs])),
        "captions": (material.captions, captions, captions[:, None] == captions),
    }
    report = {}
    for kind, (states, asked, right) in kinds.items():
        scores = row_scores(head, states, asked, [corpus.row_elements[i] for i in rows], vectors)
        best = np.full((len(asked), scene.max() + 1), NONE, np.float32)
        relevant = np.zeros(best.shape, bool)
        np.maximum.at(best, (slice(None), scene), scores)
        np.logical_or.at(relevant, (slice(None), scene), right)
        report[kind] = {"queries": float(len(asked)), **metrics.table(best, relevant)}
    return report
