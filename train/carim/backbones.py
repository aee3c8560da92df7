"""The frozen backbones: texts to hidden states, one row a token, without special tokens and padding."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from runtime.bundle import TOKENIZER
from runtime.errors import BundleNotFoundError
from runtime.files import sha256_file
from runtime.tokenizer import TextTokenizer

from .. import torchvision_ops  # noqa: F401  must precede transformers, which imports torchvision
from ..minilm import MiniLm, package_folder
from ..rounding import round_weights
from .recipe import HUB_NAME, CarimRecipe

SPECIAL = 2  # [CLS] before and [SEP] behind every text of a BERT


class Backbone(Protocol):
    """`key` says what decides a state; `width` is W; `batch` is how many texts of alike length it takes at once."""

    key: str
    width: int
    batch: int

    def states(self, texts: Sequence[str], max_tokens: int) -> list[Tensor]:
        """Each text's hidden states (T, W) float32; a text is cut at `max_tokens`."""


class MiniLmBackbone:
    """MiniLM's last layer, 384-d, its weights rounded as the shipped text tower stores them."""

    batch = 8  # on the CPU padding costs more than small products

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or package_folder()
        self.model = MiniLm.load(folder)
        round_weights(self.model)
        self.width = self.model.width
        self.key = f"minilm {sha256_file(folder / 'model.safetensors')[:16]} rounded"
        self._tokenizer = cache(lambda most: TextTokenizer(folder / TOKENIZER, max_tokens=most))

    @torch.no_grad()  # not inference mode: autograd may keep these states
    def states(self, texts: Sequence[str], max_tokens: int) -> list[Tensor]:
        """(T, 384) a text."""
        ids, mask = (torch.from_numpy(part) for part in self._tokenizer(max_tokens)(texts))
        x = self.model(ids, mask)
        return [row[SPECIAL // 2 : int(length) - SPECIAL // 2] for row, length in zip(x, mask.sum(1), strict=True)]


class Qwen2Backbone:
    """Any decoder that transformers' AutoModel loads, Qwen2-1.5B as published: the states after its last norm."""

    batch = 16

    def __init__(self, weights: str = "", device: str = "cpu") -> None:
        from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415  seconds to import, and only needed here

        name = weights or HUB_NAME
        # half the memory on a GPU; bfloat16 is what the checkpoint is stored in
        dtype = torch.bfloat16 if device.startswith("cuda") else torch.float32
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(name)
            self.model = AutoModel.from_pretrained(name, dtype=dtype)
        except (OSError, ValueError) as error:
            raise BundleNotFoundError(
                f"backbone qwen2: {name} cannot be loaded ({error}); give --weights FOLDER with config.json, weights "
                "and tokenizer, or train with --backbone minilm, which needs no download"
            ) from error
        self.model.to(device).eval().requires_grad_(False)
        self._tokenizer.padding_side = "right"
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self.width = int(self.model.config.hidden_size)
        revision = getattr(self.model.config, "_commit_hash", None) or ""
        self.key = f"qwen2 {weights_key(name)}{revision[:16]} {str(dtype).removeprefix('torch.')}"

    @torch.no_grad()
    def states(self, texts: Sequence[str], max_tokens: int) -> list[Tensor]:
        """(T, W) a text."""
        inputs = self._tokenizer(
            list(texts),
            add_special_tokens=False,
            truncation=True,
            max_length=max_tokens,
            padding=True,
            return_tensors="pt",
        ).to(self.model.device)
        x = self.model(**inputs).last_hidden_state.float().cpu()
        lengths = inputs["attention_mask"].sum(1).tolist()
        return [row[:length] for row, length in zip(x, lengths, strict=True)]


def weights_key(name: str) -> str:
    """A folder's weights by their content, a hub's by their name."""
    files = sorted(Path(name).glob("*.safetensors")) if Path(name).is_dir() else []
    return "".join(sha256_file(file)[:16] for file in files) or name


def open_backbone(recipe: CarimRecipe, device: str = "cpu") -> Backbone:
    """The backbone of the recipe; raises BundleNotFoundError where its weights are not at hand."""
    if recipe.backbone == "qwen2":
        return Qwen2Backbone(recipe.weights, device)
    return MiniLmBackbone(Path(recipe.weights) if recipe.weights else None)
