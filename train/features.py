"""Frozen features, computed once: images through the image trunk, texts through the text trunk."""

import hashlib
import json
import logging
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import pad
from tqdm import tqdm

from runtime.dataset import Dataset
from runtime.files import atomic_path, sha256_file
from runtime.images import read_image
from runtime.preprocess import Preprocessing
from runtime.tokenizer import TextTokenizer

from .image_trunk import LiteTrunk
from .minilm import MASKED, MiniLm
from .text_tower import TextStream, frozen_stream

logger = logging.getLogger(__name__)


def image_features(
    dataset: Dataset, trunk: LiteTrunk, preprocessing: Preprocessing, name: str, cache: Path, *, batch: int = 16
) -> torch.Tensor:
    """Features (N, F) float32 of every record's image; kept in `cache` under a key of files and settings."""
    hashes = [sha256_file(record.path) for record in dataset.records]
    settings = [name, trunk.sides, preprocessing.to_json(), hashes]
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    path = cache / f"image-{key[:32]}.npy"
    if path.is_file():
        stored: NDArray[np.float32] = np.load(path, allow_pickle=False)
        if stored.shape == (len(hashes), trunk.width):
            return torch.from_numpy(stored)
        logger.warning("%s has the wrong shape and is computed again", path)
    rows = np.empty((len(hashes), trunk.width), np.float32)
    with torch.inference_mode(), tqdm(total=len(hashes), desc="image features", unit="img", disable=None) as bar:
        for first in range(0, len(hashes), batch):
            images = [read_image(record.path) for record in dataset.records[first : first + batch]]
            rows[first : first + batch] = trunk(torch.from_numpy(preprocessing(images))).numpy()
            bar.update(len(images))
    with atomic_path(path) as part, part.open("wb") as stream:
        np.save(stream, rows, allow_pickle=False)
    return torch.from_numpy(rows)


def text_features(
    texts: tuple[str, ...], trunk: MiniLm, tokenizer: TextTokenizer, readout: int, *, batch: int = 64
) -> TextStream:
    """The frozen stream of all texts, computed in batches of alike length and padded to the longest text."""
    ids, mask = (torch.from_numpy(part) for part in tokenizer(texts))
    longest = ids.shape[1]
    order = mask.sum(1).argsort(stable=True)
    parts = []
    with torch.inference_mode():
        for first in tqdm(range(0, len(texts), batch), desc="text features", unit="batch", disable=None):
            rows = order[first : first + batch]
            length = int(mask[rows].sum(1).max())
            parts.append(_padded(frozen_stream(trunk, ids[rows, :length], mask[rows, :length], readout), longest))
        back = order.argsort()
        return TextStream(
            start=torch.cat([p.start for p in parts])[back],
            pooled=torch.cat([p.pooled for p in parts])[back],
            keys=torch.cat([p.keys for p in parts], dim=1)[:, back],
            values=torch.cat([p.values for p in parts], dim=1)[:, back],
            bias=torch.cat([p.bias for p in parts])[back],
        )


def _padded(stream: TextStream, longest: int) -> TextStream:
    missing = longest - stream.bias.shape[-1]
    return TextStream(
        stream.start,
        stream.pooled,
        *(pad(part, (0, 0, 0, missing)) for part in (stream.keys, stream.values)),
        pad(stream.bias, (0, missing), value=MASKED),
    )
