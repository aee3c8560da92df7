"""Scenes in any number: the drive's grammar gives the elements, chance joins them, noise makes all distinct."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.drive.facts import elements_of
from assets.drive.grammar import draw_scene
from assets.drive.queries import queries_of

from .asked import SWAPPED

Floats = NDArray[np.float32]
SEED = 107  # of the scenes: not those of training
ASKED_SCENES = 2000  # of the pool: what the queries are written for
COSINE = 0.95  # of a distinct element to the element that it was made of
BLOCK = 50_000


@dataclass(frozen=True, eq=False)
class Elements:
    """`vectors` (U, D) float32; scene n holds those at ids[offsets[n]:offsets[n + 1]]."""

    vectors: Floats
    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]


def drawn_lists(pool: int) -> tuple[list[tuple[str, ...]], list[str]]:
    """The elements of `pool` scenes that the grammar draws, and the texts of queries for some of them."""
    scenes = [draw_scene(SEED, f"generated-{number}") for number in range(pool)]
    asked = queries_of(scenes[:ASKED_SCENES], SEED)
    texts = dict.fromkeys(query["text"] for query in asked if query["kind"] != SWAPPED)
    return [tuple(elements_of(scene)) for scene in scenes], list(texts)


def joined(lists: Sequence[Sequence[str]], scenes: int, elements: int) -> list[tuple[str, ...]]:
    """`scenes` lists of exactly `elements` distinct elements: chance draws from `lists` until one is full."""
    rng = np.random.default_rng(SEED)
    made = []
    for _ in range(scenes):
        held: dict[str, None] = {}
        while len(held) < elements:
            held.update(dict.fromkeys(lists[int(rng.integers(len(lists)))]))
        made.append(tuple(held)[:elements])
    return made


def gathered(scenes: Sequence[Sequence[str]], places: dict[str, int], vectors: Floats) -> Elements:
    """The scenes over the unique elements' vectors (U, D); `places` says which row an element has."""
    ids = np.array([places[element] for elements in scenes for element in elements], np.int32)
    return Elements(vectors, ids, np.cumsum([0, *map(len, scenes)], dtype=np.int64))


def all_distinct(drawn: Elements) -> Elements:
    """The same scenes with a vector of its own for every element: its row turned by noise to a cosine of COSINE.

    The worst case for scoring different elements once: none repeats.
    """
    rng = np.random.default_rng(SEED)
    count, dims = len(drawn.ids), drawn.vectors.shape[1]
    vectors = np.empty((count, dims), np.float32)
    length = np.sqrt(1 / COSINE**2 - 1)
    for first in range(0, count, BLOCK):
        rows = drawn.vectors[drawn.ids[first : first + BLOCK]]
        noise = rng.standard_normal(rows.shape, dtype=np.float32)
        noise -= np.einsum("ed,ed->e", noise, rows)[:, None] * rows  # at a right angle to the row
        noise *= length / np.linalg.norm(noise, axis=1, keepdims=True)
        turned = rows + noise
        vectors[first : first + BLOCK] = turned / np.linalg.norm(turned, axis=1, keepdims=True)
    return Elements(vectors, np.arange(count, dtype=np.int32), drawn.offsets)
