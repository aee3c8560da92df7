"""Layers with a fold axis: K small models side by side, one batched matrix product instead of K.

Tensors here are (K, B, …): fold first, so that `torch.matmul` batches over folds. Input that all folds
share has K = 1 and broadcasts. Training one fold is the case K = 1; `stack_folds` puts trained folds
on one axis for export.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class FoldLinear(nn.Module):
    """K independent linear layers: (K or 1, B, in) → (K, B, out)."""

    def __init__(self, folds: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(folds, inputs, outputs).uniform_(-bound, bound))  # (K, in, out)
        self.bias = nn.Parameter(torch.zeros(folds, 1, outputs))  # (K, 1, out)

    def forward(self, x: Tensor) -> Tensor:
        """Each fold's affine map of its own rows."""
        return torch.matmul(x, self.weight) + self.bias


class FoldNorm(nn.Module):
    """Layer normalisation with K sets of gains and offsets: (K or 1, B, D) → (K, B, D)."""

    def __init__(self, folds: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(folds, 1, width))
        self.bias = nn.Parameter(torch.zeros(folds, 1, width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalised over the last axis, then scaled and shifted by each fold."""
        return nn.functional.layer_norm(x, x.shape[-1:]) * self.weight + self.bias


class LowRankDelta(nn.Module):
    """What a fold adds to a shared linear map: x·A·B with A (K, in, r), B (K, r, out), B zero at the start."""

    def __init__(self, folds: int, inputs: int, outputs: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(folds, inputs, rank) / math.sqrt(inputs))
        self.up = nn.Parameter(torch.zeros(folds, rank, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(K or 1, B, in) → (K, B, out)."""
        return torch.matmul(torch.matmul(x, self.down), self.up)


class Head(nn.Module):
    """Each fold's projection: LayerNorm, hidden layer with GELU and dropout, then D; unit rows.

    (K or 1, B, in) → (K, B, D) float32.
    """

    def __init__(self, folds: int, inputs: int, hidden: int, dims: int, dropout: float) -> None:
        super().__init__()
        self.norm = FoldNorm(folds, inputs)
        self.hidden = FoldLinear(folds, inputs, hidden)
        self.dropout_in = nn.Dropout(dropout)
        self.dropout = nn.Dropout(dropout)
        self.out = FoldLinear(folds, hidden, dims)

    def forward(self, x: Tensor) -> Tensor:
        """Unit vectors of each fold."""
        h = nn.functional.gelu(self.hidden(self.dropout_in(self.norm(x))))
        return nn.functional.normalize(self.out(self.dropout(h)), dim=-1)


def stack_folds(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The fold states (each with K = 1 on the first axis) as one state with K = len(states)."""
    return {name: torch.cat([state[name] for state in states]) for name in states[0]}
