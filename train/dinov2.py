"""DINOv2 ViT-S/14 through timm: the published image tower and its weights."""

import logging
from pathlib import Path

import torch
from huggingface_hub import snapshot_download
from safetensors import SafetensorError
from torch import nn

from runtime.errors import BundleNotFoundError

from . import torchvision_ops  # noqa: F401  must precede timm

from timm import create_model  # isort: skip
from timm.models import load_checkpoint  # isort: skip
from timm.models.vision_transformer import checkpoint_filter_fn  # isort: skip

logger = logging.getLogger(__name__)

IMAGE_TOWER = "vit_small_patch14_dinov2"
IMAGE_HUB = "timm/vit_small_patch14_dinov2.lvd142m"


def dinov2(size: int, weights: str, seed: int) -> nn.Module:
    """timm's model for `size` px in eval mode; `weights` is "hub", a file, or "random" (the same for the same seed)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = create_model(IMAGE_TOWER, pretrained=False, num_classes=0)
    load_image_weights(model, weights)
    model.set_input_size((size, size))  # 518 px by default: positions are resampled
    return model.eval()


def load_image_weights(trunk: nn.Module, given: str) -> None:
    """Loads DINOv2 weights ("hub", a timm or original checkpoint file) or leaves the random ones ("random")."""
    if given == "random":
        # DINOv2 starts its blocks scaled by 1e-5: untrained, the CLS token would hardly see the image
        for name, parameter in trunk.named_parameters():
            if name.endswith(".gamma"):
                nn.init.ones_(parameter)
        logger.warning("image tower random, not pretrained: this run shows that the path works, not how well it finds")
        return
    if given == "hub":
        path = from_hub(IMAGE_HUB, ["model.safetensors"], "--image-weights FILE, or random to try the path")
        path /= "model.safetensors"
    else:
        path = Path(given)
    if not path.is_file():
        raise BundleNotFoundError(f"{path}: no such file; give DINOv2 ViT-S/14 weights with --image-weights FILE")
    try:
        load_checkpoint(trunk, str(path), filter_fn=checkpoint_filter_fn, weights_only=True)
    except (RuntimeError, ValueError, KeyError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise BundleNotFoundError(f"{path}: not the weights of DINOv2 ViT-S/14 ({reason})") from error


def from_hub(name: str, patterns: list[str], instead: str) -> Path:
    """The folder of the hub's copy of `name`; raises BundleNotFoundError, naming what to give `instead`."""
    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except (OSError, ValueError) as error:  # no network, no such name, no space
        reason = str(error).splitlines()[0]
        raise BundleNotFoundError(
            f"the weights {name} could not be had from the Hugging Face hub ({reason}); give {instead}"
        ) from error
