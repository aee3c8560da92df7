"""Frozen image towers that a field stands on: pixels → one vector an image."""

from pathlib import Path
from typing import Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import normalize

from runtime.bundle import IMAGE_MODEL, Bundle
from runtime.dataset import Dataset
from runtime.encoder import open_encoder
from runtime.ensemble import stack_folds
from runtime.errors import BundleNotFoundError
from runtime.files import sha256_file
from runtime.options import DEFAULT_BUNDLE
from runtime.preprocess import Preprocessing

from .. import torchvision_ops  # noqa: F401  before open_clip, which imports torchvision
from ..features import image_features
from ..image_trunk import LiteTrunk, image_preprocessing
from .recipe import EntRecipe

Floats = NDArray[np.float32]

COMPACT = "lite2"
CLIP = "ViT-B-32"
CLIP_SIZE = 224
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class Backend(Protocol):
    """A frozen tower. `key` names its weights; `width` is D; `module` is its torch form, None where it is a graph."""

    key: str
    width: int
    sides: bool
    preprocessing: Preprocessing
    module: nn.Module | None
    licences: dict[str, str]

    def __call__(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, S, S) float32 → (B, D) float32 unit rows."""


class BundleTower:
    """The image tower of a bundle: its folds stacked, (B, K·D) unit rows. It is run by onnxruntime, not by torch."""

    sides = False
    module = None

    def __init__(self, folder: Path) -> None:
        self.bundle = Bundle.open(folder)
        self._encoder = open_encoder(folder, threads=torch.get_num_threads(), provider="cpu")
        manifest = self.bundle.manifest
        self.key = f"bundle-{manifest.files[IMAGE_MODEL].sha256}"
        self.width = manifest.folds * manifest.dims
        self.preprocessing = manifest.preprocessing
        self.licences = dict(manifest.licences)

    def __call__(self, pixels: Tensor) -> Tensor:
        """See Backend."""
        return torch.from_numpy(stack_folds(self._encoder.encode_pixels(pixels.numpy())))


class TorchTower:
    """A torch module whose features are brought to length 1."""

    sides = False

    def __init__(self, module: nn.Module, key: str, width: int, prep: Preprocessing, licences: dict[str, str]) -> None:
        self.module: nn.Module | None = module.eval().requires_grad_(False)
        self.key, self.width, self.preprocessing, self.licences = key, width, prep, licences

    def __call__(self, pixels: Tensor) -> Tensor:
        """See Backend."""
        return normalize(cast("nn.Module", self.module)(pixels), dim=-1)


def open_backend(recipe: EntRecipe) -> Backend:
    """The recipe's tower; raises BundleNotFoundError where its weights cannot be had."""
    if recipe.backend == "bundle":
        return BundleTower(Path(recipe.weights) if recipe.weights else DEFAULT_BUNDLE)
    if recipe.backend == "compact":
        trunk = LiteTrunk.load(COMPACT, sides=False)
        licences = {"EfficientNet-Lite, ImageNet weights (image tower)": "Apache-2.0"}
        return TorchTower(trunk, COMPACT, trunk.width, image_preprocessing(COMPACT, recipe.crop), licences)
    if recipe.backend == "dinov2":
        return dinov2_tower(recipe.weights or "hub", recipe.crop, recipe.seed)
    return open_clip_tower(recipe.weights or "hub", recipe.crop, recipe.seed)


def dinov2_tower(weights: str, crop: str = "none", seed: int = 42) -> TorchTower:
    """DINOv2 ViT-S/14, the CLS token after the last norm, 384-d: weights of the hub, of a file, or random."""
    from ..dinov2 import dinov2  # noqa: PLC0415  timm takes seconds to import

    prep = image_preprocessing("dinov2-s", crop)
    module = dinov2(prep.size, weights, seed)
    said = {"hub": "hub", "random": f"random-{seed}"}.get(weights) or sha256_file(Path(weights))
    return TorchTower(module, f"dinov2-s-{said}", module.num_features, prep, image_licence(weights))


def image_licence(weights: str) -> dict[str, str]:
    """The licence of DINOv2's weights; those of a file are known to whoever gave it."""
    if weights == "random":
        return {}
    if weights == "hub":
        return {"DINOv2 ViT-S/14 (image tower)": "Apache-2.0"}
    return {f"{Path(weights).name} (image tower)": "not stated; see where the file comes from"}


def open_clip_tower(weights: str, crop: str = "none", seed: int = 42) -> TorchTower:
    """CLIP ViT-B/32's image tower by open_clip, 512-d: OpenAI's weights from the hub, those of a file, or random."""
    import open_clip  # noqa: PLC0415  takes seconds to import

    prep = Preprocessing(CLIP_SIZE, CLIP_MEAN, CLIP_STD, crop)
    pretrained = {"hub": "openai", "random": None}.get(weights, weights)
    if weights not in {"hub", "random"} and not Path(weights).is_file():
        raise BundleNotFoundError(f"--weights {weights}: no such file; expected hub, random, or a checkpoint of {CLIP}")
    torch.manual_seed(seed)
    try:
        # OpenAI trained with another activation than open_clip's own weights
        model = open_clip.create_model(CLIP, pretrained=pretrained, force_quick_gelu=weights == "hub")
    except (OSError, RuntimeError, ValueError) as error:
        raise BundleNotFoundError(
            f"open_clip could not load {CLIP} with weights {weights!r} ({error}); where the hub is out of reach give a "
            "file with --weights FILE, or take --backend bundle"
        ) from error
    said = {"hub": "openai", "random": f"random-{seed}"}.get(weights) or sha256_file(Path(weights))
    licences = {} if weights == "random" else {f"CLIP {CLIP}, weights {Path(said).name} (image tower)": "MIT"}
    return TorchTower(model.visual, f"{CLIP}-{said}", model.visual.output_dim, prep, licences)


def dataset_vectors(dataset: Dataset, backend: Backend, cache: Path) -> Floats:
    """(N, D) float32 unit rows of every record's image; computed once for an image's content and kept in `cache`."""
    rows: Floats = image_features(dataset, backend, backend.preprocessing, f"ent-{backend.key}", cache).numpy()  # type: ignore[arg-type]
    return rows
