"""The compared models, each as scores of queries over the held-out scenes and of each swapped pair."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.carim.encoder import CarimEncoder
from runtime.carim.index import ElementIndex
from runtime.carim.maxsim import maxsim

from .asked import Asked, swapped_elements, unique_elements
from .reference import HiddenStates

Floats = NDArray[np.float32]
JOIN = ", "


@dataclass(frozen=True, eq=False)
class Scored:
    """`scores` (Q, N) float32 of the retrieval queries; `pairs` (S, 2) of each swapped query with scene and copy."""

    scores: Floats
    pairs: Floats

    @property
    def right(self) -> NDArray[np.float64]:
        """(S,) 1 where the true scene scores higher than its copy; a tie is wrong."""
        return (self.pairs[:, 0] > self.pairs[:, 1]).astype(np.float64)


def caption_vectors(asked: Asked, states: HiddenStates) -> Scored:
    """One sentence vector a caption against the query's, as CLIP compares; of a swapped pair the joined elements'."""
    texts = states.sentences([query.text for query in asked.queries])
    scores = texts @ states.sentences([row.caption for row in asked.rows]).T
    questions = states.sentences([query.text for query, _ in asked.swapped])
    lists = _pairs(asked)
    sides = [states.sentences([JOIN.join(pair[side]) for pair in lists]) for side in (0, 1)]
    return Scored(scores, np.stack([np.einsum("sd,sd->s", questions, side) for side in sides], axis=1))


def untrained(asked: Asked, states: HiddenStates, *, normalise: bool) -> Scored:
    """Late interaction of the hidden states themselves, elements as means of their tokens."""
    elements = lambda texts: states.elements(texts, normalise=normalise)  # noqa: E731
    places, offsets = _gallery(asked)
    vectors = elements(list(places))[[places[element] for row in asked.rows for element in row.elements]]
    queries = states.tokens([query.text for query in asked.queries])
    scores = np.stack([maxsim(tokens, vectors, offsets) for tokens in queries])
    return Scored(scores, _pair_scores(asked, states.tokens, elements))


def trained(asked: Asked, encoder: CarimEncoder) -> Scored:
    """An exported bundle through the runtime: its encoder, its index over the held-out scenes."""
    index = held_out_index(asked, encoder)
    scores = np.stack([index.scores(encoder.encode_query(query.text).tokens) for query in asked.queries])
    tokens = lambda texts: [encoder.encode_query(text).tokens for text in texts]  # noqa: E731
    return Scored(scores, _pair_scores(asked, tokens, encoder.encode_elements))


def held_out_index(asked: Asked, encoder: CarimEncoder) -> ElementIndex:
    """The runtime's index whose items are the held-out rows in their order."""
    places, offsets = _gallery(asked)
    ids = np.array([places[element] for row in asked.rows for element in row.elements], np.int32)
    return ElementIndex.build(encoder.encode_elements(list(places)), ids, offsets)


def _gallery(asked: Asked) -> tuple[dict[str, int], NDArray[np.int64]]:
    offsets = np.cumsum([0, *(len(row.elements) for row in asked.rows)], dtype=np.int64)
    return unique_elements(row.elements for row in asked.rows), offsets


def _pairs(asked: Asked) -> list[tuple[Sequence[str], Sequence[str]]]:
    return [(row.elements, swapped_elements(row, query.swap)) for query, row in asked.swapped if query.swap]


def _pair_scores(
    asked: Asked, tokens: Callable[[Sequence[str]], list[Floats]], elements: Callable[[Sequence[str]], Floats]
) -> Floats:
    """(S, 2) MaxSim of each swapped query with its scene's elements and with the copy's."""
    lists: list[Any] = _pairs(asked)
    places = unique_elements(side for pair in lists for side in pair)
    vectors = elements(list(places))
    found = np.empty((len(lists), 2), np.float32)
    for i, (query, pair) in enumerate(zip(tokens([q.text for q, _ in asked.swapped]), lists, strict=True)):
        for side in (0, 1):
            rows = vectors[[places[element] for element in pair[side]]]
            found[i, side] = maxsim(query, rows, np.array([0, len(rows)]))[0]
    return found
