"""The published towers, built and locked by open_clip: DINOv2 ViT-S/14 and MiniLM-L6, each projected to 64."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers.utils import logging as transformers_logging

from runtime.errors import BundleNotFoundError
from runtime.preprocess import Preprocessing

from . import torchvision_ops  # noqa: F401  must precede open_clip
from .dinov2 import IMAGE_TOWER, from_hub, load_image_weights
from .image_trunk import IMAGENET_MEAN, IMAGENET_STD
from .minilm import package_folder
from .paper_recipe import PaperRecipe

from open_clip.model import CustomTextCLIP  # isort: skip


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


def text_folder(given: str) -> Path:
    """Folder of config.json, model.safetensors and tokenizer.json: the package's, a given one, or the hub's copy."""
    if given == "package":
        return package_folder()
    folder = Path(given)
    if not folder.is_dir():
        folder = from_hub(given, ["*.json", "model.safetensors", "vocab.txt"], "--text-weights FOLDER (or package)")
    missing = [n for n in ("config.json", "model.safetensors", "tokenizer.json") if not (folder / n).is_file()]
    if missing:
        raise BundleNotFoundError(f"{folder}: no {missing[0]}; give a folder of MiniLM with --text-weights")
    return folder


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
