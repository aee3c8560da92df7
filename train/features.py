"""Frozen features, computed once: images through the image trunk, texts through the text trunk."""

import hashlib
import json
import logging
import zipfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from runtime.dataset import Dataset
from runtime.files import atomic_path, sha256_file
from runtime.images import read_image
from runtime.preprocess import Preprocessing
from runtime.tokenizer import TextTokenizer

from .adapt import Adapt
from .image_trunk import LiteTrunk
from .minilm import MiniLm
from .recipes import CompactRecipe
from .stream import Stream, join
from .vit import Vit

logger = logging.getLogger(__name__)


def image_features(
    dataset: Dataset, trunk: LiteTrunk, preprocessing: Preprocessing, name: str, cache: Path, *, batch: int = 16
) -> torch.Tensor:
    """Features (N, F) float32 of every record's image.

    Kept in `cache`, by the content of the image: a data set that grows, or a split of it, computes what is new.
    """
    settings = json.dumps([name, trunk.sides, preprocessing.to_json()], sort_keys=True)
    path = cache / f"image-{hashlib.sha256(settings.encode()).hexdigest()[:32]}.npz"
    known = _read_cache(path, trunk.width)
    hashes = [sha256_file(record.path) for record in dataset.records]
    missing = {digest: record for digest, record in zip(hashes, dataset.records, strict=True) if digest not in known}
    todo = list(missing.items())
    with torch.inference_mode(), tqdm(total=len(todo), desc="image features", unit="img", disable=None) as bar:
        for first in range(0, len(todo), batch):
            part = todo[first : first + batch]
            rows = trunk(torch.from_numpy(preprocessing([read_image(record.path) for _, record in part]))).numpy()
            known.update(zip((digest for digest, _ in part), rows, strict=True))
            bar.update(len(part))
    if todo:
        with atomic_path(path) as target, target.open("wb") as stream:
            np.savez(stream, hashes=np.array(list(known)), rows=np.stack(list(known.values())))
    return torch.from_numpy(np.stack([known[digest] for digest in hashes]))


def _read_cache(path: Path, width: int) -> dict[str, NDArray[np.float32]]:
    """Stored rows by the SHA-256 of their image; none where the file is missing or damaged."""
    try:
        # a stream of ours, since np.load leaves a damaged archive open
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            hashes, rows = stored["hashes"].tolist(), stored["rows"]
    except FileNotFoundError:
        return {}
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        logger.warning("%s is damaged (%s); its features are computed again", path, error)
        return {}
    if rows.shape != (len(hashes), width) or not np.isfinite(rows).all():
        logger.warning("%s does not fit; its features are computed again", path)
        return {}
    return dict(zip(hashes, rows, strict=True))


def image_stream(
    dataset: Dataset, trunk: LiteTrunk | Vit, preprocessing: Preprocessing, recipe: CompactRecipe, cache: Path
) -> Stream:
    """What the folds need of every record's image: cached features of a convolutional trunk, or a ViT's stream.

    A ViT's keys and values are kept in memory for the run, in float16: 1.6 MB an image for four blocks of ViT-S/14.
    """
    if isinstance(trunk, LiteTrunk):
        return Stream(pooled=image_features(dataset, trunk, preprocessing, recipe.image_trunk, cache))
    parts, batch = [], 8
    with torch.inference_mode():
        for first in tqdm(range(0, len(dataset.records), batch), desc="image stream", unit="batch", disable=None):
            images = [read_image(record.path) for record in dataset.records[first : first + batch]]
            stream = trunk.stream(torch.from_numpy(preprocessing(images)), recipe.image)
            parts.append(stream.map(lambda tensor: tensor.half()))
        return join(parts)


def text_stream(
    texts: tuple[str, ...], trunk: MiniLm, tokenizer: TextTokenizer, adapt: Adapt, *, batch: int = 64
) -> Stream:
    """What the folds need of every text, computed in batches of alike length and padded to the longest text."""
    ids, mask = (torch.from_numpy(part) for part in tokenizer(texts))
    order = mask.sum(1).argsort(stable=True)
    parts = []
    with torch.inference_mode():
        for first in tqdm(range(0, len(texts), batch), desc="text stream", unit="batch", disable=None):
            rows = order[first : first + batch]
            length = int(mask[rows].sum(1).max())
            parts.append(trunk.stream(ids[rows, :length], mask[rows, :length], adapt))
        back = order.argsort()
        return join(parts).map(lambda tensor: tensor[back])
