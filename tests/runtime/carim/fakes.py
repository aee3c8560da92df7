"""An encoder whose words have drawn directions: two texts are as alike as the words that they share."""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtime.carim.encoder import EncodedQuery, Word
from runtime.errors import InvalidInputError

Floats = NDArray[np.float32]

DIMS = 32
SCENES = (
    ("s1", "rain", "night", ("red car crossing the junction", "wet road", "rain", "night")),
    ("s2", "rain", "daytime", ("red car parked", "wet road", "rain", "daytime")),
    ("s3", "fog", "night", ("blue truck", "fog", "night")),
    ("s4", "clear", "daytime", ("cyclist in the bike lane", "daytime", "green light")),
)


class WordEncoder:
    """What the system and the indexing need of a CarimEncoder, without a model."""

    fingerprint = "words"
    dims = DIMS

    def encode_query(self, text: str) -> EncodedQuery:
        found = list(re.finditer(r"\w+", text))
        if not found:
            raise InvalidInputError("the query is empty")
        words = tuple(Word(m[0], m.start(), m.end(), (i,)) for i, m in enumerate(found))
        return EncodedQuery(text, np.array([direction(word.text) for word in words]), words)

    def encode_elements(self, texts: Sequence[str]) -> Floats:
        out = np.empty((len(texts), DIMS), np.float32)
        for row, text in zip(out, texts, strict=True):
            mean = np.mean([direction(word) for word in re.findall(r"\w+", text)], axis=0)
            row[:] = mean / np.linalg.norm(mean)
        return out

    def is_encodable(self, text: str) -> bool:
        return re.search(r"\w", text) is not None


def direction(word: str) -> Floats:
    seed = int.from_bytes(hashlib.sha256(word.lower().encode()).digest()[:8], "little")
    row = np.random.default_rng(seed).standard_normal(DIMS)
    return (row / np.linalg.norm(row)).astype(np.float32)


def write_scenes(folder: Path, *, frames: int = 2) -> Path:
    """rows.jsonl: of each scene so many frames, the first with all its elements, the others with fewer each."""
    folder.mkdir(exist_ok=True)
    lines = []
    for scene, weather, time_of_day, elements in SCENES:
        for number in range(frames):
            row = {
                "id": f"{scene}-{number}",
                "scene": scene,
                "image": None,
                "timestamp": number / 2,
                "caption": f"In {scene} there is {', '.join(elements)}.",
                "elements": elements[: max(1, len(elements) - number)],
                "meta": {"weather": weather, "time_of_day": time_of_day, "synthetic": True},
            }
            lines.append(json.dumps(row))
    path = folder / "rows.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def random_index(rng: np.random.Generator, scenes: int, *, most: int, different: int) -> tuple[Floats, Floats, Floats]:
    """Unit vectors (U, DIMS), ids (E,) and offsets (N + 1,) of scenes with 1 to `most` elements."""
    vectors = rng.standard_normal((different, DIMS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    counts = rng.integers(1, most + 1, scenes)
    offsets = np.concatenate(([0], np.cumsum(counts)))
    return vectors, rng.integers(0, different, offsets[-1]), offsets
