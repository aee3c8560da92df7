"""The rows as training sees them: texts once each, rows as positions into them, and the split by scene."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtime.carim.rows import Row
from runtime.errors import DatasetError, InvalidInputError
from runtime.files import write_json

from ..shuffle_split import PARTS, shuffle_split

Ints = NDArray[np.int64]
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def sentences(caption: str) -> tuple[str, ...]:
    """The caption's sentences; the caption itself where it has one."""
    return tuple(part for part in _SENTENCE.split(caption.strip()) if part)


def split_scenes(scenes: Sequence[str], seed: int) -> dict[str, list[str]]:
    """{"train", "val", "test"} → scenes, sorted; 70/10/20 of the scenes by a seeded shuffle.

    Raises InvalidInputError where a part stays empty.
    """
    lists = shuffle_split(scenes, seed)
    if not all(lists.values()):
        count = len(set(scenes))
        raise InvalidInputError(f"{count} scenes are too few for train, validation and test; give 10 or more")
    return lists


def read_split(path: Path, scenes: Sequence[str]) -> dict[str, list[str]]:
    """The lists of a split.json; raises DatasetError where it is none, or does not fit the scenes."""
    try:
        value = json.loads(path.read_text("utf-8"))
        lists = {part: [str(scene) for scene in value[part]] for part in PARTS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f'{path}: no split ({error}); expected {{"train": [scenes], "val": …, "test": …}}'
        ) from error
    every = [scene for part in PARTS for scene in lists[part]]
    twice = [scene for scene, count in Counter(every).items() if count > 1]
    unknown = sorted(set(every) - set(scenes))
    problem = (
        (twice and f"{twice[0]} stands in it twice; a scene belongs to one part")
        or (unknown and f"{unknown[0]} is no scene of the data; give the split that was made of it")
        or (not all(lists.values()) and "a part is empty; expected scenes for train, val and test")
    )
    if problem:
        raise DatasetError(f"{path}: {problem}")
    return lists


def write_split(path: Path, lists: dict[str, list[str]]) -> None:
    """As `read_split` reads it."""
    write_json(path, lists)


@dataclass(frozen=True, eq=False)
class Corpus:
    """N rows over E elements, S sentences and C captions, each text once; a row holds positions into them.

    The first `pool` elements are those that training rows have: only these may be injected as negatives.
    """

    scenes: tuple[str, ...]
    elements: tuple[str, ...]
    sentences: tuple[str, ...]
    captions: tuple[str, ...]
    row_elements: tuple[Ints, ...]
    row_sentences: tuple[Ints, ...]
    row_caption: Ints
    pool: int

    def rows_of(self, scenes: Sequence[str]) -> Ints:
        """Positions of the rows of some scenes, ascending."""
        wanted = set(scenes)
        return np.array([i for i, scene in enumerate(self.scenes) if scene in wanted], np.int64)


def build_corpus(rows: Sequence[Row], train: Sequence[str]) -> Corpus:
    """The rows that have a caption; `train` are the training part's scenes. Raises DatasetError where none has one."""
    rows = [row for row in rows if row.caption.strip()]
    if not rows:
        raise DatasetError("no row has a caption; training needs them: write some with `python -m train carim-build`")
    known, parts = set(train), [sentences(row.caption) for row in rows]
    first = [row for row in rows if row.scene in known]
    elements = _places(element for row in [*first, *rows] for element in row.elements)
    phrases, captions = _places(s for part in parts for s in part), _places(row.caption for row in rows)
    return Corpus(
        scenes=tuple(row.scene for row in rows),
        elements=tuple(elements),
        sentences=tuple(phrases),
        captions=tuple(captions),
        row_elements=tuple(np.array([elements[e] for e in row.elements], np.int64) for row in rows),
        row_sentences=tuple(np.array([phrases[s] for s in part], np.int64) for part in parts),
        row_caption=np.array([captions[row.caption] for row in rows], np.int64),
        pool=len({element for row in first for element in row.elements}),
    )


def _places(texts: Iterable[str]) -> dict[str, int]:
    return {text: i for i, text in enumerate(dict.fromkeys(texts))}
