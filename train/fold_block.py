"""One transformer block with K owners: the shared weights, and what each fold adds to them or puts in their place.

Tensors are (K or 1, B, …), fold first; see fold_layers. The shared block is not a submodule here: its weights
belong to the frozen trunk and are neither trained nor saved with a fold.
"""

import math

import torch
from torch import Tensor, nn

from .adapt import Adapt
from .blocks import MAPS, NORMS, TransformerBlock, attend, split_heads
from .fold_layers import FoldLinear, FoldNorm, LowRankDelta

READOUT_MAPS = ("query", "output", "up", "down")


class FoldBlock(nn.Module):
    """K folds of `block`, each with its own maps as `adapt` says."""

    def __init__(self, block: TransformerBlock, folds: int, adapt: Adapt, *, own_key: bool = False) -> None:
        super().__init__()
        self.shared = (block,)  # a tuple: not this module's parameters
        self.own_key = own_key
        maps = READOUT_MAPS if adapt.kind == "readout" and not own_key else MAPS
        for name in maps:
            linear = getattr(block, name)
            if adapt.rank:
                self.add_module(name, LowRankDelta(folds, linear.in_features, linear.out_features, adapt.rank))
            else:
                self.add_module(name, FoldLinear.like(linear, folds))
        if adapt.kind == "unfreeze":
            for name in NORMS:
                self.add_module(name, FoldNorm.like(getattr(block, name), folds))

    @property
    def block(self) -> TransformerBlock:
        """The shared block."""
        return self.shared[0]

    def _map(self, name: str, x: Tensor) -> Tensor:
        own, shared = self._modules.get(name), getattr(self.block, name)
        if own is None:
            return shared(x)
        return shared(x) + own(x) if isinstance(own, LowRankDelta) else own(x)

    def _norm(self, name: str, x: Tensor) -> Tensor:
        own = self._modules.get(name)
        return getattr(self.block, name)(x) if own is None else own(x)

    def tokens(self, x: Tensor, bias: Tensor | None, *, first_only: bool = False) -> Tensor:
        """All tokens private: (K or 1, B, T, D) → (K, B, T, D), or (K, B, 1, D) of the first token, which is exact."""
        a = self._norm("attention_norm", x) if self.block.pre_norm else x
        keys, values = (split_heads(self._map(name, a), self.block.heads) for name in ("key", "value"))
        if first_only:
            x, a = x[..., :1, :], a[..., :1, :]
        context = attend(split_heads(self._map("query", a), self.block.heads), keys, values, bias)
        return self._after(x, context)

    def read(self, r: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
        """One private vector a fold, (K or 1, B, D), over shared keys and values (B, heads, T, d) → (K, B, D)."""
        a = self._norm("attention_norm", r) if self.block.pre_norm else r
        q = self._map("query", a).unflatten(-1, (self.block.heads, -1)).permute(1, 2, 0, 3)  # (B, heads, K, d)
        if not self.own_key:
            return self._after(r, attend(q, keys, values, bias).transpose(0, 1))  # folds stand where queries do
        own = (
            self._map(name, a).unflatten(-1, (self.block.heads, -1)).permute(1, 2, 0, 3) for name in ("key", "value")
        )
        return self._after(r, _attend_own(q, keys, values, bias, *own).transpose(0, 1))

    def _after(self, x: Tensor, context: Tensor) -> Tensor:
        x = x + self._map("output", context)
        if self.block.pre_norm:
            return x + self._map("down", nn.functional.gelu(self._map("up", self._norm("norm", x))))
        x = self._norm("attention_norm", x)
        return self._norm("norm", x + self._map("down", nn.functional.gelu(self._map("up", x))))


def _attend_own(
    q: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None, own_key: Tensor, own_value: Tensor
) -> Tensor:
    """Attention of each fold's vector to the shared tokens and to itself; all (B, heads, K or T, d) → (B, K, D)."""
    scale = 1 / math.sqrt(q.shape[-1])
    scores = torch.matmul(q, keys.transpose(-1, -2)) * scale  # (B, heads, K, T)
    if bias is not None:
        scores = scores + bias
    own = (q * own_key).sum(-1, keepdim=True) * scale  # (B, heads, K, 1)
    if own.shape[2] > scores.shape[2]:  # folds may share a query, which then stands once, and differ in their keys
        scores = scores.expand(-1, -1, own.shape[2], -1)
    weights = torch.cat([scores, own], dim=-1).softmax(-1)
    context = torch.matmul(weights[..., :-1], values) + weights[..., -1:] * own_value
    return context.transpose(-3, -2).flatten(-2)
