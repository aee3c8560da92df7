"""Items whose vectors follow from their paths, so that any process can say what must be stored."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtime.gallery import NewItem

FOLDS, DIMS = 10, 16
WIDTH = FOLDS * DIMS


def vector_of(text: str) -> NDArray[np.float32]:
    """A unit row (WIDTH,) float32 drawn from the text's hash."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    row = np.random.default_rng(seed).standard_normal(WIDTH)
    return (row / np.linalg.norm(row)).astype(np.float32)


def new_item(path: Path | str, version: str = "1", captions: tuple[str, ...] = (), **metadata: object) -> NewItem:
    """The item of a path; another `version` is another file content."""
    name = str(path)
    digest = hashlib.sha256(f"{name} {version}".encode()).hexdigest()
    return NewItem(name, digest, captions, metadata, vector_of(f"{name} {version}"))
