"""What goes into a gallery and what comes out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import GalleryError

NORM_TOLERANCE = 1e-4  # float32 rows that were normalised once stay within 1e-6


@dataclass(frozen=True, eq=False)
class NewItem:
    """One image to store: `vector` is (K·D,) float32, a unit row as `stack_folds` makes it.

    `path` is unique in a gallery, `sha256` is the hexadecimal hash of the file, `metadata` any JSON object.
    """

    path: str
    sha256: str
    captions: tuple[str, ...]
    metadata: dict[str, Any]
    vector: NDArray[np.float32]


@dataclass(frozen=True)
class Item:
    """One stored image, without its vector (see `Gallery.matrix`)."""

    id: int
    path: str
    sha256: str
    captions: tuple[str, ...]
    metadata: dict[str, Any]

    @property
    def caption(self) -> str | None:
        """The first caption, if there is one."""
        return self.captions[0] if self.captions else None


def stacked_vectors(items: Sequence[NewItem], width: int) -> NDArray[np.float32]:
    """The items' vectors as (N, width) float32, little endian; refuses what a search could not survive.

    Raises GalleryError for a wrong shape, for NaN or infinity (usearch accepts both silently) and for
    rows whose length is not 1.
    """
    for item in items:
        if np.shape(item.vector) != (width,):
            raise GalleryError(
                f"The vector of {item.path} has shape {np.shape(item.vector)}; this gallery holds ({width},)."
            )
    rows = np.array([item.vector for item in items], dtype="<f4").reshape(len(items), width)
    norms = np.linalg.norm(rows.astype(np.float64), axis=1)
    bad = np.flatnonzero(~(np.abs(norms - 1.0) <= NORM_TOLERANCE))  # negated, so that NaN is bad too
    if bad.size:
        named = ", ".join(f"{items[i].path} (norm {norms[i]:.6g})" for i in bad[:5])
        raise GalleryError(
            f"{bad.size} of {len(items)} vectors are not finite rows of norm 1: {named}. "
            "Nothing of the batch was stored; check the bundle with `python -m runtime verify`."
        )
    return rows


def stored_texts(item: NewItem) -> tuple[str, str, str, str]:
    """Path, SHA-256, captions and metadata as SQLite holds them, the last two as JSON.

    Raises GalleryError for what JSON or UTF-8 cannot say: NaN, objects, a file name of undecodable bytes.
    """
    try:
        # ensure_ascii=False: JSON paths compare keys as they are written
        captions = json.dumps(item.captions, ensure_ascii=False)
        metadata = json.dumps(item.metadata, ensure_ascii=False, allow_nan=False)
        for text in (item.path, captions, metadata):
            text.encode("utf-8")
    except (TypeError, ValueError) as error:  # UnicodeEncodeError is a ValueError
        raise GalleryError(
            f"{item.path!r} cannot be stored: {error}. Expected a UTF-8 path, captions of text and metadata "
            "of JSON values; rename the file or correct its row. Nothing of the batch was stored."
        ) from error
    return item.path, item.sha256, captions, metadata
