"""What a frozen transformer trunk gives for B inputs: all that the folds need, computed once and cached."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.nn.functional import pad

from .adapt import Adapt
from .blocks import TransformerBlock

MASKED = -1e9  # added to the attention score of a padded place


@dataclass(frozen=True, eq=False)
class Stream:
    """Inputs of the folds for B texts or images; what an `Adapt` does not need is None.

    `pooled` (B, D): the frozen trunk's own vector. `start` (B, D): what private vectors start from.
    `tokens` (B, T, D): tokens entering the first adapted block. `keys`, `values` (B, N, heads, T, d): what the last
    N blocks offer to attention. `bias` (B, 1, 1, T): attention bias of padded places.
    """

    pooled: Tensor
    start: Tensor | None = None
    tokens: Tensor | None = None
    keys: Tensor | None = None
    values: Tensor | None = None
    bias: Tensor | None = None

    def __len__(self) -> int:
        return self.pooled.shape[0]

    def map(self, change: Callable[[Tensor], Tensor]) -> "Stream":
        """Every tensor changed."""
        held = {field.name: getattr(self, field.name) for field in fields(self)}
        return Stream(**{name: None if tensor is None else change(tensor) for name, tensor in held.items()})

    def rows(self, index: Tensor) -> "Stream":
        """The stream of the inputs at `index` (B',), no longer than the longest of them, as float32."""
        length = None if self.bias is None else int((self.bias[index] == 0).sum(-1).max())
        return self.map(lambda tensor: tensor[index].float()).cut(length)

    def cut(self, length: int | None) -> "Stream":
        """The first `length` places of every token axis."""
        if length is None:
            return self
        return replace(
            self,
            tokens=None if self.tokens is None else self.tokens[:, :length],
            keys=None if self.keys is None else self.keys[..., :length, :],
            values=None if self.values is None else self.values[..., :length, :],
            bias=None if self.bias is None else self.bias[..., :length],
        )

    def padded(self, length: int) -> "Stream":
        """With places up to `length` that attention does not see."""
        if self.bias is None:
            return self
        missing = length - self.bias.shape[-1]
        return replace(
            self,
            tokens=None if self.tokens is None else pad(self.tokens, (0, 0, 0, missing)),
            keys=None if self.keys is None else pad(self.keys, (0, 0, 0, missing)),
            values=None if self.values is None else pad(self.values, (0, 0, 0, missing)),
            bias=pad(self.bias, (0, missing), value=MASKED),
        )


def join(parts: Sequence[Stream]) -> Stream:
    """Streams one after another, padded to the longest."""
    longest = max(0 if part.bias is None else part.bias.shape[-1] for part in parts)
    parts = [part.padded(longest) for part in parts]
    held = {field.name: [getattr(part, field.name) for part in parts] for field in fields(Stream)}
    return Stream(**{name: None if tensors[0] is None else torch.cat(tensors) for name, tensors in held.items()})


def run_blocks(
    blocks: Sequence[TransformerBlock],
    x: Tensor,
    bias: Tensor | None,
    adapt: Adapt,
    *,
    start: Callable[[Tensor], Tensor],
    pooled: Callable[[Tensor], Tensor],
    first_token_pools: bool,
) -> Stream:
    """Tokens (B, T, D) through the frozen blocks, keeping what `adapt` needs.

    `start` and `pooled` turn tokens into vectors (B, D). Where the pooled vector is the first token's
    (`first_token_pools`), the last block computes that token alone: the same numbers.
    """
    first, kept = len(blocks) - adapt.blocks, Stream(pooled=x)
    keys, values = [], []
    for i, block in enumerate(blocks):
        if i == first and adapt.kind == "readout":
            kept = replace(kept, start=start(x))
        elif i == first:
            kept = replace(kept, tokens=x)
        k, v = block.keys_values(x)
        if i >= first and adapt.kind == "readout":
            keys.append(k)
            values.append(v)
        x = block.read(x[:, :1] if first_token_pools and i == len(blocks) - 1 else x, k, v, bias)
    if keys:
        kept = replace(kept, keys=torch.stack(keys, 1), values=torch.stack(values, 1))
    return replace(kept, pooled=pooled(x), bias=bias if adapt.blocks else None)
