"""Layers with a fold axis: K small models side by side, one batched matrix product instead of K.

Tensors here are (K, B, …): fold first, so that `torch.matmul` batches over folds. Input that all folds
share has K = 1 and broadcasts. Training one fold is the case K = 1; `stack_folds` puts trained folds
on one axis for export.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


class FoldLinear(nn.Module):
    """K independent linear layers: (K or 1, B, in) → (K, B, out)."""

    def __init__(self, folds: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(folds, inputs, outputs).uniform_(-bound, bound))  # (K, in, out)
        self.bias = nn.Parameter(torch.zeros(folds, 1, outputs))  # (K, 1, out)

    @classmethod
    def like(cls, linear: nn.Linear, folds: int) -> "FoldLinear":
        """K copies of `linear`, to be trained apart."""
        own = cls(folds, linear.in_features, linear.out_features)
        with torch.no_grad():
            own.weight.copy_(linear.weight.T)
            own.bias.copy_(linear.bias)
        return own

    def forward(self, x: Tensor) -> Tensor:
        """Each fold's affine map of its own rows; (K or 1, …, in) → (K, …, out)."""
        return per_fold(x, lambda rows: torch.matmul(rows, self.weight) + self.bias)


class FoldNorm(nn.Module):
    """Layer normalisation with K sets of gains and offsets: (K or 1, B, D) → (K, B, D)."""

    def __init__(self, folds: int, width: int, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(folds, 1, width))
        self.bias = nn.Parameter(torch.zeros(folds, 1, width))
        self.epsilon = epsilon

    @classmethod
    def like(cls, norm: nn.LayerNorm, folds: int) -> "FoldNorm":
        """K copies of `norm`, to be trained apart."""
        own = cls(folds, norm.weight.shape[0], norm.eps)
        with torch.no_grad():
            own.weight.copy_(norm.weight)
            own.bias.copy_(norm.bias)
        return own

    def forward(self, x: Tensor) -> Tensor:
        """Normalised over the last axis, then scaled and shifted by each fold."""
        return per_fold(
            nn.functional.layer_norm(x, x.shape[-1:], eps=self.epsilon), lambda rows: rows * self.weight + self.bias
        )


class LowRankDelta(nn.Module):
    """What a fold adds to a shared linear map: x·A·B with A (K, in, r), B (K, r, out), B zero at the start."""

    def __init__(self, folds: int, inputs: int, outputs: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(folds, inputs, rank) / math.sqrt(inputs))
        self.up = nn.Parameter(torch.zeros(folds, rank, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(K or 1, …, in) → (K, …, out)."""
        return per_fold(x, lambda rows: torch.matmul(torch.matmul(rows, self.down), self.up))


class Head(nn.Module):
    """Each fold's projection: LayerNorm, then linear (hidden = 0, as published) or one GELU layer; unit rows.

    (K or 1, B, in) → (K, B, D) float32.
    """

    def __init__(self, folds: int, inputs: int, hidden: int, dims: int, dropout: float) -> None:
        super().__init__()
        self.norm = FoldNorm(folds, inputs)
        self.dropout_in = nn.Dropout(dropout)
        self.dropout = nn.Dropout(dropout)
        self.hidden = FoldLinear(folds, inputs, hidden) if hidden else None
        self.out = FoldLinear(folds, hidden or inputs, dims)

    def forward(self, x: Tensor) -> Tensor:
        """Unit vectors of each fold."""
        h = self.dropout_in(self.norm(x))
        if self.hidden is not None:
            h = self.dropout(nn.functional.gelu(self.hidden(h)))
        return nn.functional.normalize(self.out(h), dim=-1)


def per_fold(x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """`function` of x (K or 1, …, in) as rows (K or 1, R, in): one product a fold, not one for every text in it."""
    if x.dim() == 3:
        return function(x)
    return function(x.flatten(1, -2)).unflatten(1, x.shape[1:-1])


def stack_folds(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The fold states (each with K = 1 on the first axis) as one state with K = len(states).

    What is bit-identical in every fold is kept once, with K = 1: it broadcasts.
    """
    return {
        name: first
        if all(torch.equal(first, state[name]) for state in states)
        else torch.cat([s[name] for s in states])
        for name, first in states[0].items()
    }


def mean_of_folds(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """One state with the mean of the folds' weights (model soup, Wortsman et al. 2022)."""
    return {name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]}


def load_stacked(module: nn.Module, state: dict[str, Tensor]) -> nn.Module:
    """`module` with the parameters of `stack_folds`, whose first axis is K or 1."""
    for name, parameter in module.named_parameters():
        if parameter.shape[1:] != state[name].shape[1:]:
            raise ValueError(f"{name}: {tuple(state[name].shape)} does not fit {tuple(parameter.shape)}")
        parameter.data = state[name]
    return module
