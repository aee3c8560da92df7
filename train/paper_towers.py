"""The published towers, built and locked by open_clip: DINOv2 ViT-S/14 and MiniLM-L6, each projected to 64."""

import hashlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from huggingface_hub import snapshot_download
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers.utils import logging as transformers_logging

from runtime.errors import BundleNotFoundError
from runtime.preprocess import Preprocessing

from . import torchvision_ops  # noqa: F401  must precede open_clip
from .minilm import package_folder
from .paper_recipe import PaperRecipe

from open_clip.model import CustomTextCLIP  # isort: skip
from timm.models import load_checkpoint  # isort: skip
from timm.models.vision_transformer import checkpoint_filter_fn  # isort: skip

logger = logging.getLogger(__name__)

IMAGE_TOWER = "vit_small_patch14_dinov2"
IMAGE_HUB = "timm/vit_small_patch14_dinov2.lvd142m"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def paper_preprocessing(recipe: PaperRecipe) -> Preprocessing:
    """What the image tower expects in validation and search; training augments (augment.py)."""
    return Preprocessing(recipe.size, IMAGENET_MEAN, IMAGENET_STD, recipe.crop)


def build_towers(recipe: PaperRecipe) -> CustomTextCLIP:
    """Both towers with their starting weights, the last blocks unlocked, on the CPU, in eval mode.

    Raises BundleNotFoundError where weights cannot be had. The same recipe gives the same weights, random ones too.
    """
    folder = text_folder(recipe.text_weights)
    with torch.random.fork_rng(devices=[]), _quiet_transformers():
        torch.manual_seed(recipe.seed)
        model = CustomTextCLIP(
            embed_dim=recipe.dims,
            vision_cfg={
                "timm_model_name": IMAGE_TOWER,
                "timm_pool": "token",
                "timm_proj": "linear",
                "timm_proj_bias": True,
            },
            text_cfg={
                "hf_model_name": str(folder),
                "hf_tokenizer_name": str(folder),
                # "cls_pooler" would return BERT's tanh pooler where the model has one, not the CLS token
                "hf_pooler_type": "cls_last_hidden_state_pooler",
                "hf_proj_type": "linear",
            },
        )
        model.text.proj = nn.Linear(model.text.config.hidden_size, recipe.dims)  # open_clip's has no bias
        load_image_weights(model.visual.trunk, recipe.image_weights)
    model.visual.set_input_size((recipe.size, recipe.size))  # 518 px by default: positions are resampled
    unlock(model, recipe.unfrozen)
    return model.eval()


def unlock(model: CustomTextCLIP, blocks: int) -> None:
    """Leaves trainable: the last `blocks` of both towers, the image tower's final norm, both projections."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # open_clip imports timm's helpers by their old name
        model.lock_image_tower(unlocked_groups=blocks)
    # open_clip's lock_text_tower knows no layers of a BERT
    model.text.transformer.requires_grad_(False)
    model.text.transformer.encoder.layer[-blocks:].requires_grad_(True)
    model.logit_scale.requires_grad_(False)  # the temperature is fixed


def trained_weights(model: nn.Module) -> dict[str, Tensor]:
    """Copies of the trainable parameters on the CPU, by name."""
    return {
        name: parameter.detach().cpu().clone()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def frozen_sha256(model: nn.Module) -> str:
    """SHA-256 over names and bytes of all parameters that are not trained."""
    digest = hashlib.sha256()
    for name, parameter in sorted(model.named_parameters()):
        if not parameter.requires_grad:
            digest.update(name.encode())
            digest.update(parameter.detach().cpu().contiguous().numpy())
    return digest.hexdigest()


def text_folder(given: str) -> Path:
    """Folder of config.json, model.safetensors and tokenizer.json: the package's, a given one, or the hub's copy."""
    if given == "package":
        return package_folder()
    folder = Path(given)
    if not folder.is_dir():
        folder = _from_hub(given, ["*.json", "model.safetensors", "vocab.txt"], "--text-weights FOLDER (or package)")
    missing = [n for n in ("config.json", "model.safetensors", "tokenizer.json") if not (folder / n).is_file()]
    if missing:
        raise BundleNotFoundError(f"{folder}: no {missing[0]}; give a folder of MiniLM with --text-weights")
    return folder


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
        path = _from_hub(IMAGE_HUB, ["model.safetensors"], "--image-weights FILE, or random to try the path")
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


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    # it reports the checkpoint's pooler, which is not wanted here, as unexpected
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        transformers_logging.enable_progress_bar()


def _from_hub(name: str, patterns: list[str], instead: str) -> Path:
    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except (OSError, ValueError) as error:  # no network, no such name, no space
        reason = str(error).splitlines()[0]
        raise BundleNotFoundError(
            f"the weights {name} could not be had from the Hugging Face hub ({reason}); give {instead}"
        ) from error
