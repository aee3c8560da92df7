"""The trained part of a tower: K folds on what a frozen trunk computed once.

Read-out folds: the token stream is frozen and shared; each fold has one private vector that passes through
the last N blocks with maps of its own and attends to the shared keys and values. Only one token per fold is
private, so ten folds cost about as much as one. `lora` and `unfreeze` folds have private tokens in the last
blocks, as published; `heads` have nothing but a projection of the trunk's vector.
"""

import torch
from torch import Tensor, nn

from .adapt import Adapt
from .blocks import TransformerBlock
from .fold_block import FoldBlock
from .fold_layers import FoldNorm, Head
from .stream import Stream


class TowerFolds(nn.Module):
    """Stream of B inputs → (K, B, dims) unit rows.

    `blocks` are the trunk's, of which the last `adapt.blocks` are adapted; `final_norm` is the norm that the trunk
    puts after its last block (a ViT), trained where the blocks are unfrozen. The head sees the private vector
    beside the trunk's own (`skip`).
    """

    def __init__(
        self,
        blocks: list[TransformerBlock],
        width: int,
        folds: int,
        adapt: Adapt,
        *,
        hidden: int,
        dims: int,
        dropout: float,
        skip: bool = True,
        own_key: bool = False,
        final_norm: nn.LayerNorm | None = None,
    ) -> None:
        super().__init__()
        self.adapt, self.skip = adapt, skip or not adapt.blocks
        adapted = blocks[len(blocks) - adapt.blocks :]
        self.blocks = nn.ModuleList(FoldBlock(block, folds, adapt, own_key=own_key) for block in adapted)
        self.shared_norm = (final_norm,)  # a tuple: the trunk's, unless it is trained
        trained_norm = final_norm is not None and adapt.kind == "unfreeze"
        self.norm = FoldNorm.like(final_norm, folds) if trained_norm else None
        private = bool(adapt.blocks)
        self.head = Head(folds, width * (private + self.skip), hidden, dims, dropout)

    def forward(self, stream: Stream) -> Tensor:
        """Unit vectors (K, B, dims) float32."""
        if not self.adapt.blocks:
            return self.head(stream.pooled[None])
        r = self._final(self._readout(stream) if self.adapt.kind == "readout" else self._tokens(stream))
        return self.head(torch.cat([r, stream.pooled.expand_as(r)], dim=-1) if self.skip else r)

    def _readout(self, stream: Stream) -> Tensor:
        r = stream.start[None]
        for i, block in enumerate(self.blocks):
            r = block.read(r, stream.keys[:, i], stream.values[:, i], stream.bias)
        return r

    def _tokens(self, stream: Stream) -> Tensor:
        x = stream.tokens[None]
        for i, block in enumerate(self.blocks):
            x = block.tokens(x, stream.bias, first_only=i == len(self.blocks) - 1)
        return x[..., 0, :]

    def _final(self, r: Tensor) -> Tensor:
        norm = self.norm if self.norm is not None else self.shared_norm[0]
        return r if norm is None else norm(r)
