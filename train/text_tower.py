"""The compact text tower: frozen MiniLM, read out by K folds.

Read-out folds: the token stream is frozen and shared; each fold has one private vector that passes through
the last N layers with its own query, output and feed-forward maps (low rank on the shared weights) and attends
to the shared keys and values. Only one token per fold is private, so ten folds cost about as much as one.
With N = 0 a fold is only a head on the mean-pooled vector.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .fold_layers import Head, LowRankDelta
from .minilm import BertLayer, MiniLm, mask_bias, mean_pool


@dataclass(frozen=True, eq=False)
class TextStream:
    """What the frozen trunk gives for B texts, all that a fold needs (computed once, cached in training).

    `start` (B, D): mean token vector entering the last N layers; `pooled` (B, D): mean of the last layer;
    `keys`, `values` (N, B, heads, T, D / heads); `bias` (B, 1, 1, T).
    """

    start: Tensor
    pooled: Tensor
    keys: Tensor
    values: Tensor
    bias: Tensor

    def rows(self, index: Tensor) -> "TextStream":
        """The stream of the texts at `index` (B',), no longer than the longest of them."""
        bias = self.bias[index]
        length = int((bias == 0).sum(-1).max())
        return TextStream(
            self.start[index],
            self.pooled[index],
            self.keys[:, index, :, :length],
            self.values[:, index, :, :length],
            bias[..., :length],
        )


def frozen_stream(trunk: MiniLm, ids: Tensor, mask: Tensor, readout: int) -> TextStream:
    """Runs the trunk on token ids and mask (B, T) and keeps what `readout` layers of read-out attend to."""
    x, bias = trunk.embed(ids), mask_bias(mask)
    first = len(trunk.layers) - readout
    start, keys, values = mean_pool(x, mask), [], []
    for i, layer in enumerate(trunk.layers):
        if i == first:
            start = mean_pool(x, mask)
        if i >= first:
            keys.append(layer.split(layer.key(x)))
            values.append(layer.split(layer.value(x)))
        x = layer(x, bias)
    none = x.new_zeros(0, x.shape[0], 1, x.shape[1], 1)
    stacked = (torch.stack(keys), torch.stack(values)) if readout else (none, none)
    return TextStream(start, mean_pool(x, mask), *stacked, bias)


class ReadoutLayer(nn.Module):
    """K private vectors through one shared layer: low-rank additions to query, output and feed-forward maps."""

    def __init__(self, folds: int, layer: BertLayer, rank: int) -> None:
        super().__init__()
        D, F = layer.up.in_features, layer.up.out_features
        self.query = LowRankDelta(folds, D, D, rank)
        self.output = LowRankDelta(folds, D, D, rank)
        self.up = LowRankDelta(folds, D, F, rank)
        self.down = LowRankDelta(folds, F, D, rank)

    def forward(self, r: Tensor, layer: BertLayer, keys: Tensor, values: Tensor, bias: Tensor) -> Tensor:
        """r (K or 1, B, D), keys and values (B, heads, T, d) → (K, B, D)."""
        q = layer.query(r) + self.query(r)  # (K, B, D)
        q = q.unflatten(-1, (layer.heads, -1)).permute(1, 2, 0, 3)  # (B, heads, K, d): folds as queries
        context = layer.attend(q, keys, values, bias).transpose(0, 1)  # (K, B, D)
        r = layer.attention_norm(r + layer.attention_out(context) + self.output(context))
        h = nn.functional.gelu(layer.up(r) + self.up(r))
        return layer.norm(r + layer.down(h) + self.down(h))


class TextFolds(nn.Module):
    """The trained part of the text tower: K folds on a frozen stream → (K, B, dims) unit rows."""

    def __init__(
        self, trunk: MiniLm, folds: int, *, readout: int, rank: int, hidden: int, dims: int, dropout: float
    ) -> None:
        super().__init__()
        self.shared = list(trunk.layers)[len(trunk.layers) - readout :]  # a list: not this module's parameters
        self.readout = nn.ModuleList(ReadoutLayer(folds, layer, rank) for layer in self.shared)
        width = trunk.shape.width
        self.head = Head(folds, 2 * width if readout else width, hidden, dims, dropout)

    def forward(self, stream: TextStream) -> Tensor:
        """Unit vectors (K, B, dims) float32 of the stream's texts."""
        pooled = stream.pooled[None]
        if not len(self.readout):
            return self.head(pooled)
        r = stream.start[None]
        for i, (layer, shared) in enumerate(zip(self.readout, self.shared, strict=True)):
            r = layer(r, shared, stream.keys[i], stream.values[i], stream.bias)
        return self.head(torch.cat([r, pooled.expand_as(r)], dim=-1))
