"""One transformer block written out, so that its inner keys and values can be read and its maps replaced by folds."""

import math

import torch
from torch import Tensor, nn

MAPS = ("query", "key", "value", "output", "up", "down")
NORMS = ("attention_norm", "norm")


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(…, T, D) → (…, heads, T, D / heads)."""
    return x.unflatten(-1, (heads, -1)).transpose(-3, -2)


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    """Scaled dot-product attention with the heads merged: (…, heads, T, d) → (…, T, D); bias is added to the scores."""
    scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.shape[-1])
    weights = (scores if bias is None else scores + bias).softmax(-1)
    return torch.matmul(weights, v).transpose(-3, -2).flatten(-2)


class TransformerBlock(nn.Module):
    """Self-attention and a GELU feed-forward part, each with a residual; norms before (ViT) or after (BERT) them.

    The maps are `query`, `key`, `value`, `output` (D → D), `up` (D → F) and `down` (F → D). A ViT's layer scales
    are multiplied into `output` and `down` when its weights are loaded.
    """

    def __init__(self, width: int, heads: int, ffn: int, epsilon: float, *, pre_norm: bool) -> None:
        super().__init__()
        self.heads, self.pre_norm = heads, pre_norm
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.output = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width, eps=epsilon)
        self.up, self.down = nn.Linear(width, ffn), nn.Linear(ffn, width)
        self.norm = nn.LayerNorm(width, eps=epsilon)

    def keys_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What tokens (B, T, D) offer to attention: keys and values (B, heads, T, D / heads)."""
        a = self.attention_norm(x) if self.pre_norm else x
        return split_heads(self.key(a), self.heads), split_heads(self.value(a), self.heads)

    def read(self, x: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
        """Tokens (B, t, D) through the block, attending to the given keys and values (B, heads, T, D / heads)."""
        a = self.attention_norm(x) if self.pre_norm else x
        x = x + self.output(attend(split_heads(self.query(a), self.heads), keys, values, bias))
        if self.pre_norm:
            return x + self.down(nn.functional.gelu(self.up(self.norm(x))))
        x = self.attention_norm(x)
        return self.norm(x + self.down(nn.functional.gelu(self.up(x))))

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """(B, T, D), score bias (B, 1, 1, T) → (B, T, D)."""
        return self.read(x, *self.keys_values(x), bias)
