"""A ViT written out as blocks of ours (pre-norm, layer scales multiplied in), so that folds can read it out.

timm's VisionTransformer computes the same numbers (tests/train/test_vit.py) and is where the weights come from.
"""

from typing import Any

import torch
from torch import Tensor, nn

from .adapt import Adapt
from .blocks import TransformerBlock
from .stream import Stream, run_blocks


class Vit(nn.Module):
    """Pixels (B, 3, S, S) float32 of one size S to token vectors (B, 1 + P, D), the first one CLS.

    The position embeddings are those of S, resampled once when the trunk is made.
    """

    def __init__(
        self, patches: nn.Conv2d, cls: Tensor, positions: Tensor, blocks: list[TransformerBlock], norm: nn.LayerNorm
    ) -> None:
        super().__init__()
        self.patches, self.layers, self.norm = patches, nn.ModuleList(blocks), norm
        self.register_buffer("cls", cls + positions[:, :1])  # (1, 1, D)
        self.register_buffer("positions", positions[:, 1:])  # (1, P, D)

    @classmethod
    def from_timm(cls, model: Any, shared: int | None = None) -> "Vit":
        """The frozen twin of a timm VisionTransformer with a CLS token and plain blocks; its first `shared` blocks."""
        blocks = [block_from_timm(block) for block in model.blocks[:shared]]
        trunk = cls(model.patch_embed.proj, model.cls_token.detach(), model.pos_embed.detach(), blocks, model.norm)
        return trunk.eval().requires_grad_(False)

    @property
    def width(self) -> int:
        """D."""
        return self.norm.weight.shape[0]

    def embed(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, S, S) → tokens (B, 1 + P, D) before the first block."""
        x = self.patches(pixels).flatten(2).transpose(1, 2) + self.positions
        return torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1)

    def stream(self, pixels: Tensor, adapt: Adapt) -> Stream:
        """What folds need of the images: private vectors start from CLS; the pooled vector is the trunk's CLS."""
        return run_blocks(
            self.layers,
            self.embed(pixels),
            None,
            adapt,
            start=lambda x: x[:, 0],
            pooled=lambda x: self.norm(x[:, 0]),
            first_token_pools=True,
        )


def block_from_timm(block: Any) -> TransformerBlock:
    """A timm ViT block as one of ours: qkv taken apart, layer scales multiplied into the maps before them."""
    qkv, width = block.attn.qkv, block.attn.qkv.in_features
    ours = TransformerBlock(width, block.attn.num_heads, block.mlp.fc1.out_features, block.norm1.eps, pre_norm=True)
    state = {}
    for i, name in enumerate(("query", "key", "value")):
        part = slice(i * width, (i + 1) * width)
        state |= {f"{name}.weight": qkv.weight[part], f"{name}.bias": qkv.bias[part]}
    for name, linear, scale in (("output", block.attn.proj, block.ls1), ("down", block.mlp.fc2, block.ls2)):
        gain = getattr(scale, "gamma", torch.ones(width))
        state |= {f"{name}.weight": linear.weight * gain[:, None], f"{name}.bias": linear.bias * gain}
    for name, part in (("up", block.mlp.fc1), ("attention_norm", block.norm1), ("norm", block.norm2)):
        state |= {f"{name}.weight": part.weight, f"{name}.bias": part.bias}
    ours.load_state_dict({name: tensor.detach().clone() for name, tensor in state.items()})
    return ours
