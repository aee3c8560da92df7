"""Transformer trunks small enough for milliseconds, with random weights far from their symmetric starts."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from train import torchvision_ops  # noqa: F401  must precede timm
from train.adapt import Adapt
from train.fold_layers import FoldLinear, FoldNorm, LowRankDelta
from train.minilm import BertShape, MiniLm
from train.tower_folds import TowerFolds
from train.vit import Vit

from timm.models.vision_transformer import VisionTransformer  # isort: skip

WIDTH, HEADS, DEPTH = 48, 2, 4
HUGE_VOCABULARY = 30522  # MiniLM's own, so that its tokenizer can be used
ADAPTS = {
    "heads": Adapt("heads"),
    "readout": Adapt("readout", 2, 3),
    "readout full": Adapt("readout", 2, 0),
    "lora": Adapt("lora", 2, 3),
    "unfreeze": Adapt("unfreeze", 2),
}


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's generator from `seed`, and afterwards as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def restless(module: nn.Module, seed: int, std: float = 0.15) -> nn.Module:
    """`module` with noise on every parameter: biases are no longer 0, gains no longer 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(std * torch.randn(parameter.shape, generator=generator))
    return module


def tiny_bert(seed: int = 0, vocabulary: int = 5000, depth: int = DEPTH) -> MiniLm:
    """A BERT of 48-d: post-norm, mean pooled."""
    with seeded(seed):
        model = MiniLm(BertShape(depth, WIDTH, HEADS, 2 * WIDTH, vocabulary, 128, 1e-12))
    return restless(model, seed, 0.1).eval().requires_grad_(False)


def tiny_timm(seed: int = 0, size: int = 32, patch: int = 8, depth: int = DEPTH) -> VisionTransformer:
    """timm's own ViT of 48-d, with layer scales and a CLS token, in eval mode."""
    with seeded(seed):
        model = VisionTransformer(
            img_size=size, patch_size=patch, depth=depth, embed_dim=WIDTH, num_heads=HEADS, mlp_ratio=2,
            num_classes=0, init_values=0.7,
        )  # fmt: skip
    return restless(model, seed, 0.1).eval().requires_grad_(False)


def tiny_vit(seed: int = 0, size: int = 32, patch: int = 8, depth: int = DEPTH) -> Vit:
    """Our twin of `tiny_timm`."""
    return Vit.from_timm(tiny_timm(seed, size, patch, depth))


def tower(trunk: MiniLm | Vit, adapt: Adapt, folds: int, *, hidden: int = 16, **options: bool) -> TowerFolds:
    """Folds on `trunk` in eval mode, as they are before training; the same ones every time."""
    norm = trunk.norm if isinstance(trunk, Vit) else None
    settings = {"hidden": hidden, "dims": 8, "dropout": 0.3, "final_norm": norm} | options
    with seeded(0):
        return TowerFolds(list(trunk.layers), trunk.width, folds, adapt, **settings).eval()


def merged(linear: nn.Linear, own: nn.Module | None, k: int) -> tuple[Tensor, Tensor]:
    """Weight (out, in) and bias of fold k's map: its own, the shared one plus its product, or the shared one."""
    if isinstance(own, FoldLinear):
        return own.weight[k].T, own.bias[k, 0]
    if isinstance(own, LowRankDelta):
        return linear.weight + (own.down[k] @ own.up[k]).T, linear.bias
    return linear.weight, linear.bias


def fold_of_norm(norm: nn.LayerNorm, own: FoldNorm | None, k: int) -> tuple[Tensor, Tensor, float]:
    """Gain, offset and epsilon of fold k's norm."""
    return (norm.weight, norm.bias, norm.eps) if own is None else (own.weight[k, 0], own.bias[k, 0], own.epsilon)


def merged_trunk(trunk: MiniLm | Vit, folds: TowerFolds, k: int) -> MiniLm | Vit:
    """A whole trunk of its own with fold k's weights in place of the shared ones."""
    twin = copy.deepcopy(trunk)
    first = len(twin.layers) - len(folds.blocks)
    for layer, fold in zip(twin.layers[first:], folds.blocks, strict=True):
        for name, own in fold.named_children():
            part = getattr(layer, name)
            linear = isinstance(part, nn.Linear)
            weights = merged(part, own, k) if linear else fold_of_norm(part, own, k)[:2]
            part.load_state_dict({"weight": weights[0].detach(), "bias": weights[1].detach()})
    if folds.norm is not None:
        gain, offset, _ = fold_of_norm(twin.norm, folds.norm, k)
        twin.norm.load_state_dict({"weight": gain.detach(), "bias": offset.detach()})
    return twin
