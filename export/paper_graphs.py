"""The published towers as graphs: what all folds share once, then a branch per fold.

Only the CLS token is read, so the last block of a branch computes that one token: the same numbers, since it
attends to all tokens of the block before. Written out beside open_clip's modules, which are the certificate's
reference.
"""

import copy
from collections.abc import Mapping, Sequence

import torch
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor, nn
from torch.nn.functional import normalize, scaled_dot_product_attention

from train.minilm import BertLayer, MiniLm, mask_bias

State = Mapping[str, Tensor]


class PaperTextGraph(nn.Module):
    """Token ids and mask (B, T) int64 → (B, K, D) unit vectors."""

    def __init__(self, trunk: MiniLm, branches: Sequence["TextBranch"]) -> None:
        super().__init__()
        self.trunk, self.branches = trunk, nn.ModuleList(branches)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Unit vectors of every fold."""
        x, bias = self.trunk.embed(input_ids), mask_bias(attention_mask)
        for layer in self.trunk.layers:
            x = layer(x, bias)
        return normalize(torch.stack([branch(x, bias) for branch in self.branches], dim=1), dim=-1)


class TextBranch(nn.Module):
    """One fold: its own layers of BERT and its projection, (B, T, W) → (B, D)."""

    def __init__(self, layers: Sequence[BertLayer], projection: nn.Linear) -> None:
        super().__init__()
        self.layers, self.projection = nn.ModuleList(layers), projection

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """The fold's vector, not yet of unit length."""
        for layer in self.layers[:-1]:
            x = layer(x, bias)
        return self.projection(bert_cls(self.layers[-1], x, bias) if len(self.layers) else x[:, 0])


def bert_cls(layer: BertLayer, x: Tensor, bias: Tensor) -> Tensor:
    """The CLS token (B, W) of `layer`(x, bias), computed for that token alone."""
    first = x[:, :1]
    q, k, v = layer.split(layer.query(first)), layer.split(layer.key(x)), layer.split(layer.value(x))
    r = layer.attention_norm(first + layer.attention_out(layer.attend(q, k, v, bias)))
    return layer.norm(r + layer.down(nn.functional.gelu(layer.up(r))))[:, 0]


class PaperImageGraph(nn.Module):
    """Pixels (B, 3, S, S) float32 → (B, K, D) unit vectors; positions are those of S."""

    def __init__(self, trunk: VisionTransformer, shared: int, branches: Sequence["ImageBranch"]) -> None:
        super().__init__()
        self.patches, self.blocks = trunk.patch_embed, trunk.blocks[:shared]
        self.cls, self.positions = trunk.cls_token, trunk.pos_embed
        self.branches = nn.ModuleList(branches)

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Unit vectors of every fold."""
        x = self.patches(pixel_values)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1) + self.positions
        x = self.blocks(x)
        return normalize(torch.stack([branch(x) for branch in self.branches], dim=1), dim=-1)


class ImageBranch(nn.Module):
    """One fold: its own blocks of the ViT, final norm and projection, (B, T, W) → (B, D)."""

    def __init__(self, blocks: Sequence[Block], norm: nn.Module, projection: nn.Linear) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([*blocks[:-1], *map(ClsBlock, blocks[-1:])])
        self.norm, self.projection = norm, projection

    def forward(self, x: Tensor) -> Tensor:
        """The fold's vector, not yet of unit length."""
        for block in self.blocks:
            x = block(x)
        return self.projection(self.norm(x[:, 0]))


class ClsBlock(nn.Module):
    """A block of the ViT for its CLS token alone: (B, T, W) → (B, 1, W)."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.block, qkv = block, block.attn.qkv
        W = qkv.in_features
        self.query, self.keys_values = nn.Linear(W, W), nn.Linear(W, 2 * W)
        self.query.load_state_dict({"weight": qkv.weight[:W], "bias": qkv.bias[:W]})
        self.keys_values.load_state_dict({"weight": qkv.weight[W:], "bias": qkv.bias[W:]})

    def forward(self, x: Tensor) -> Tensor:
        """The CLS token after the block."""
        block, heads = self.block, self.block.attn.num_heads
        y, first = block.norm1(x), x[:, :1]
        q = self.query(y[:, :1]).unflatten(-1, (heads, -1)).transpose(1, 2)  # (B, heads, 1, d)
        k, v = self.keys_values(y).unflatten(-1, (2, heads, -1)).permute(2, 0, 3, 1, 4)
        attended = scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(-2)
        first = first + block.ls1(block.attn.proj(attended))
        return first + block.ls2(block.mlp(block.norm2(first)))


def linear(state: State, prefix: str) -> nn.Linear:
    """The linear layer whose weight and bias stand in `state` under `prefix`."""
    weight = state[f"{prefix}.weight"]
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.load_state_dict({"weight": weight, "bias": state[f"{prefix}.bias"]})
    return layer


def with_weights(module: nn.Module, state: State, prefix: str) -> nn.Module:
    """A copy of `module` with the weights that stand in `state` under `prefix`."""
    twin = copy.deepcopy(module)
    twin.load_state_dict({name: state[f"{prefix}.{name}"] for name in twin.state_dict()})
    return twin
