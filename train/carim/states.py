"""Frozen token states of many texts, computed once and kept on disk: training reads them, whatever it learns."""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from runtime.errors import DatasetError
from runtime.files import atomic_path

from .backbones import Backbone

Ints = NDArray[np.int64]
SHARD = 1024  # texts a file: what a killed run computes again at most


@dataclass(frozen=True, eq=False)
class TokenStates:
    """States of N texts one after another: `values` (S, W) float16, `offsets` (N + 1,) int64."""

    values: Tensor
    offsets: Ints

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def of(self, texts: Ints) -> tuple[Tensor, Tensor]:
        """The states of the texts at the given positions, (S', W) float32, and their lengths (B,) int64."""
        lengths = self.offsets[texts + 1] - self.offsets[texts]
        starts = np.repeat(self.offsets[texts] - np.cumsum(lengths) + lengths, lengths)
        rows = starts + np.arange(lengths.sum())
        return self.values[torch.from_numpy(rows)].float(), torch.from_numpy(lengths)

    def every(self) -> tuple[Tensor, Tensor]:
        """The states of all texts in their order, as `of` gives them."""
        return self.of(np.arange(len(self)))


def encode_by_length(backbone: Backbone, texts: Sequence[str], max_tokens: int) -> TokenStates:
    """The texts' states, computed in batches of alike length; raises DatasetError for a text that has no token."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    found: dict[int, Tensor] = {}
    for first in range(0, len(order), backbone.batch):
        part = order[first : first + backbone.batch]
        found.update(zip(part, backbone.states([texts[i] for i in part], max_tokens), strict=True))
    parts = [found[i] for i in range(len(texts))]
    lengths = np.array([len(part) for part in parts], np.int64)
    if not lengths.all():
        raise DatasetError(f"{texts[int(lengths.argmin())]!r} has no token; every caption and element needs a word")
    return TokenStates(torch.cat(parts).half(), np.concatenate([[0], np.cumsum(lengths)]))


def cached_states(
    backbone: Backbone, texts: Sequence[str], max_tokens: int, folder: Path, what: str = "texts"
) -> TokenStates:
    """The states of `texts`; what `folder` holds of them is read, the rest computed and written there."""
    key = json.dumps([backbone.key, max_tokens, list(texts)])
    place = folder / f"carim-{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    parts: list[TokenStates] = []
    with tqdm(total=len(texts), desc=f"states of {what}", unit="text", disable=None) as bar:
        for number, first in enumerate(range(0, len(texts), SHARD)):
            shard = list(texts[first : first + SHARD])
            path = place / f"{number:05}.npz"
            states = _read(path, len(shard), backbone.width)
            if states is None:
                states = encode_by_length(backbone, shard, max_tokens)
                _write(path, states)
            parts.append(states)
            bar.update(len(shard))
    lengths = np.concatenate([np.diff(part.offsets) for part in parts])
    return TokenStates(torch.cat([part.values for part in parts]), np.concatenate([[0], np.cumsum(lengths)]))


def _write(path: Path, states: TokenStates) -> None:
    with atomic_path(path) as part, part.open("wb") as stream:
        np.savez(stream, values=states.values.numpy(), offsets=states.offsets)


def _read(path: Path, count: int, width: int) -> TokenStates | None:
    """None where the file is missing, damaged or of another shape: it is made again."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            values, offsets = stored["values"], stored["offsets"]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    fits = values.ndim == 2 and values.shape[1] == width and len(offsets) == count + 1 and offsets[-1] == len(values)
    return TokenStates(torch.from_numpy(values), offsets) if fits and np.isfinite(values).all() else None
