"""Crops and questions to unit vectors, and crops to diameters, by a nodule bundle's two graphs."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..bundle import Bundle
from ..encoder import DualEncoder
from ..errors import BundleError
from ..files import sha256_file
from .roi import RoiSettings

Floats = NDArray[np.float32]

SYSTEM = "nodule"
ROI = "roi.json"
DIAMETER = "diameter_mm"
BATCH = 32


class NoduleEncoder:
    """The bundle's towers; crops are made by `roi`, the settings it was trained with."""

    def __init__(self, bundle: Bundle, *, threads: int | None = None, provider: str = "auto") -> None:
        if bundle.manifest.system != SYSTEM:
            raise BundleError(
                f"{bundle.folder}: a bundle of the system {bundle.manifest.system!r}; expected one that "
                "`python -m export nodule RUN --out BUNDLE` wrote"
            )
        path = bundle.path(ROI)
        if not path.is_file() or sha256_file(path) != bundle.manifest.files[ROI].sha256:
            raise BundleError(f"{path}: missing or changed; export again: python -m export nodule RUN --out BUNDLE")
        self.roi = RoiSettings.from_json(json.loads(path.read_text("utf-8")))
        self.bundle = bundle
        self.fingerprint = bundle.manifest.fingerprint
        self.dims = bundle.manifest.dims
        self._towers = DualEncoder(bundle, threads=threads, provider=provider)

    def encode_text(self, text: str) -> Floats:
        """One question → (D,) float32, a unit vector. Raises InvalidInputError for an empty text."""
        vector: Floats = self._towers.encode_text(text)[0]
        return vector

    def encode_texts(self, texts: list[str]) -> Floats:
        """N questions → (N, D) float32 unit rows."""
        return self._towers.encode_texts(texts)[:, 0]

    def encode_crops(self, crops: Floats) -> tuple[Floats, Floats]:
        """Crops (N, S, S) float32 in [0, 1] → (N, D) unit rows and the diameters (N,) in mm read from the pixels."""
        vectors = np.empty((len(crops), self.dims), np.float32)
        diameters = np.empty(len(crops), np.float32)
        session = self._towers.image_tower.session()
        for first in range(0, len(crops), BATCH):
            part = slice(first, first + BATCH)
            pixels = np.ascontiguousarray(crops[part, None], np.float32)
            rows, diameters[part] = session.run(["embeddings", DIAMETER], {"pixel_values": pixels})
            vectors[part] = rows[:, 0]
        if not (np.isfinite(vectors).all() and np.isfinite(diameters).all()):
            raise BundleError(f"{self.bundle.folder}: the image tower gave values that are not finite")
        return vectors, diameters


def open_nodule_encoder(folder: Path, *, threads: int | None = None, provider: str = "auto") -> NoduleEncoder:
    """The encoder of the bundle in `folder`, its hashes checked."""
    return NoduleEncoder(Bundle.open(folder), threads=threads, provider=provider)
