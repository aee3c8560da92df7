"""The published towers as graphs: what all folds share once, then a branch per fold.

Only the CLS token is read, so the last block of a branch computes that one token: the same numbers, since it
attends to all tokens of the block before. Written out beside open_clip's modules, which are the certificate's
reference.
"""

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from train.blocks import TransformerBlock
from train.minilm import MiniLm, mask_bias
from train.vit import Vit

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

    def __init__(self, layers: Sequence[TransformerBlock], projection: nn.Linear) -> None:
        super().__init__()
        self.layers, self.projection = nn.ModuleList(layers), projection

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """The fold's vector, not yet of unit length."""
        return self.projection(cls_of(self.layers, x, bias))


class PaperImageGraph(nn.Module):
    """Pixels (B, 3, S, S) float32 → (B, K, D) unit vectors; positions are those of S."""

    def __init__(self, trunk: Vit, branches: Sequence["ImageBranch"]) -> None:
        super().__init__()
        self.trunk, self.branches = trunk, nn.ModuleList(branches)

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Unit vectors of every fold."""
        x = self.trunk.embed(pixel_values)
        for block in self.trunk.layers:
            x = block(x)
        return normalize(torch.stack([branch(x) for branch in self.branches], dim=1), dim=-1)


class ImageBranch(nn.Module):
    """One fold: its own blocks of the ViT, final norm and projection, (B, T, W) → (B, D)."""

    def __init__(self, blocks: Sequence[TransformerBlock], norm: nn.Module, projection: nn.Linear) -> None:
        super().__init__()
        self.blocks, self.norm, self.projection = nn.ModuleList(blocks), norm, projection

    def forward(self, x: Tensor) -> Tensor:
        """The fold's vector, not yet of unit length."""
        return self.projection(self.norm(cls_of(self.blocks, x, None)))


def cls_of(blocks: Sequence[TransformerBlock], x: Tensor, bias: Tensor | None) -> Tensor:
    """The CLS token (B, W) after `blocks`, the last of which computes that token alone."""
    for i, block in enumerate(blocks):
        keys, values = block.keys_values(x)
        x = block.read(x[:, :1] if i == len(blocks) - 1 else x, keys, values, bias)
    return x[:, 0]


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
