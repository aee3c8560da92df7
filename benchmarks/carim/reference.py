"""What no training has touched: MiniLM's own hidden states and sentence vectors, by transformers (torch, late)."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..upstream import minilm_folder

Floats = NDArray[np.float32]
BATCH = 64


class HiddenStates:
    """all-MiniLM-L6-v2 as published. `threads` are torch's."""

    def __init__(self, threads: int) -> None:
        import torch  # noqa: PLC0415  the runtime has none

        torch.set_num_threads(threads)
        self._torch = torch

    @cached_property
    def _parts(self) -> tuple[Any, Any]:
        from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415
        from transformers.utils import logging  # noqa: PLC0415

        from ..torchvision_ops import define_missing_ops  # noqa: PLC0415

        define_missing_ops()
        logging.disable_progress_bar()
        folder = str(minilm_folder())
        return AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    def tokens(self, texts: Sequence[str]) -> list[Floats]:
        """Of each text (T, 384) float32 unit rows: last hidden states without [CLS] and [SEP]."""
        return [_unit(rows[1:-1]) for rows in self._states(texts)]

    def elements(self, texts: Sequence[str], *, normalise: bool) -> Floats:
        """(N, 384) float32: the mean of each text's unit token vectors, re-normalised on request."""
        means = np.stack([rows.mean(0) for rows in self.tokens(texts)])
        return _unit(means) if normalise else means

    def sentences(self, texts: Sequence[str]) -> Floats:
        """(N, 384) float32 unit rows: hidden states averaged over all tokens, the published sentence vector."""
        return _unit(np.stack([rows.mean(0) for rows in self._states(texts)]))

    def _states(self, texts: Sequence[str]) -> list[Floats]:
        tokenizer, model = self._parts
        found: list[Floats] = [np.empty(0, np.float32)] * len(texts)
        order = np.argsort([len(text) for text in texts], kind="stable")
        for first in range(0, len(texts), BATCH):
            chosen = order[first : first + BATCH]
            batch = tokenizer([texts[i] for i in chosen], return_tensors="pt", padding=True, truncation=True)
            with self._torch.inference_mode():
                states = model(**batch).last_hidden_state.numpy()
            for i, rows, mask in zip(chosen, states, batch["attention_mask"].numpy(), strict=True):
                found[i] = rows[: mask.sum()]
        return found


def _unit(rows: Floats) -> Floats:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)
