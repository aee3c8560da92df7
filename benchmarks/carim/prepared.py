"""A set of generated scenes on disk, made once: the index, what the two-stage path builds, the queries' tokens."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtime.carim.encoder import CarimEncoder
from runtime.carim.index import ElementIndex
from runtime.carim.two_stage import TwoStage
from runtime.errors import InvalidInputError
from runtime.files import atomic_path, write_json

from ..kept import kept_cost
from .asked import unique_elements
from .generated import all_distinct, drawn_lists, gathered, joined

QUERIES, TEXTS, BUILD = "queries.npy", "texts.json", "build.json"
SPECIAL = 2  # [CLS] and [SEP], which the tokenizer counts


@dataclass(frozen=True)
class SetSettings:
    """One set of scenes, where it is kept, and how it is measured.

    `pool`: scenes that the grammar draws, whose elements are joined. `loop`: whether a loop over scenes is timed;
    `peer`: whether HNSW is measured beside (it takes minutes to build).
    """

    name: str
    scenes: int
    distinct: bool
    loop: bool
    bundle: Path
    work: Path
    threads: int
    rounds: int
    queries: int = 200
    elements: int = 32
    tokens: int = 12
    pool: int = 4000
    peer: bool = False

    def folder(self, fingerprint: str) -> Path:
        """Where this set of this bundle's vectors is kept."""
        return self.work / f"{self.name.replace(', ', '-')}-{self.scenes}x{self.elements}-{fingerprint[:12]}"


def prepare(one: SetSettings, encoder: CarimEncoder) -> Path:
    """The folder of the set, made where it is missing: queries.npy is written last.

    Raises InvalidInputError where the drive has too few queries of so many tokens.
    """
    folder = one.folder(encoder.fingerprint)
    if (folder / QUERIES).is_file():
        return folder
    lists, texts = drawn_lists(one.pool)
    lengths = encoder.tokenizer.lengths(texts)
    asked = [text for text, length in zip(texts, lengths, strict=True) if length == one.tokens + SPECIAL][: one.queries]
    if len(asked) < min(one.queries, one.rounds):
        raise InvalidInputError(f"{len(asked)} of {len(texts)} queries have {one.tokens} tokens; draw a larger pool")
    scenes = joined(lists, one.scenes, one.elements)
    places = unique_elements(scenes)
    made = gathered(scenes, places, encoder.encode_elements(list(places)))
    if one.distinct:
        made = all_distinct(made)
    index = ElementIndex.build(made.vectors, made.ids, made.offsets, threads=one.threads)
    folder.mkdir(parents=True, exist_ok=True)
    index.save(folder)
    with kept_cost(folder / BUILD):
        open_two_stage(index, folder)
    write_json(folder / TEXTS, asked)
    tokens: NDArray[np.float32] = np.stack([encoder.encode_query(text).tokens for text in asked])
    with atomic_path(folder / QUERIES) as part, part.open("wb") as stream:
        np.save(stream, tokens)
    return folder


def open_two_stage(index: ElementIndex, folder: Path) -> TwoStage:
    """The two-stage path with what it needs from the folder's cache, else built and cached there."""
    return TwoStage.open(index, folder, 0, folder.name)
