"""What any recipe hands to the exporter: two graphs with all folds, and each fold's own torch towers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoTokenizer

from runtime.images import RgbImage
from runtime.preprocess import Preprocessing

from .certificate import Floats, Towers, reference_pixels


@dataclass(frozen=True, eq=False)
class Parts:
    """A recipe's trained folds, ready to be written.

    `text_graph` maps ids and mask (B, T) to (B, K, D), `image_graph` pixels (B, 3, S, S) to (B, K, D).
    `references[k]` is fold k alone, (N, 1, D), by its own torch modules. `shared` says what stands once.
    """

    text_graph: nn.Module
    image_graph: nn.Module
    references: Sequence[Towers]
    tokenizer_folder: Path
    preprocessing: Preprocessing
    max_tokens: int
    dims: int
    shared: Mapping[str, Any]
    licences: Mapping[str, str]


@cache
def original_tokenizer(folder: Path) -> Any:
    """The checkpoint's tokenizer as the library that published it loads it."""
    return AutoTokenizer.from_pretrained(str(folder))


def original_ids(folder: Path, max_tokens: int) -> Callable[[str], list[int]]:
    """Token ids of one text by the original tokenizer."""
    tokenizer = original_tokenizer(folder)
    return lambda text: tokenizer(text, truncation=True, max_length=max_tokens)["input_ids"]


def torch_towers(
    text: Callable[[Tensor, Tensor], Tensor],
    image: Callable[[Tensor], Tensor],
    folder: Path,
    max_tokens: int,
    preprocessing: Preprocessing,
) -> Towers:
    """Reference towers from torch functions (ids, mask) → (B, K, D) and pixels → (B, K, D), a few inputs at a time."""
    tokenizer = original_tokenizer(folder)

    def texts(batch: Sequence[str]) -> Floats:
        # one text at a time: nothing is padded, so padding itself is under test
        rows = []
        for one in batch:
            tokens = tokenizer([one], truncation=True, max_length=max_tokens, return_tensors="pt")
            rows.append(text(tokens["input_ids"], tokens["attention_mask"]).numpy())
        return np.concatenate(rows)

    def images(batch: Sequence[RgbImage]) -> Floats:
        rows = [image(reference_pixels(batch[i : i + 8], preprocessing)).numpy() for i in range(0, len(batch), 8)]
        return np.concatenate(rows)

    return Towers(torch.inference_mode()(texts), torch.inference_mode()(images))
