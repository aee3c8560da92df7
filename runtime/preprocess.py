"""The one definition of image preprocessing: training, export and search all use it.

Antialiased bicubic resize to a square (the aspect ratio is not kept, as published), scaled and normalised.
OpenCV has no antialiased bicubic filter, so the filter is two small matrices: out = rows · image · columnsᵀ.
It equals `torch.nn.functional.interpolate(mode="bicubic", antialias=True)` (a = −½, the kernel Pillow uses).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .circle_crop import circle_crop
from .errors import BundleError
from .images import RgbImage

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Preprocessing:
    """What is done to an image before the tower; saved in every bundle's manifest.

    `mean` and `std` are per channel on the 0–1 scale; `crop` is "none" or "circle" (the endoscope's field).
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    crop: str = "none"

    def __post_init__(self) -> None:
        if self.size < 1 or self.crop not in {"none", "circle"}:
            raise BundleError(f"preprocessing {self}: size must be positive and crop 'none' or 'circle'")

    def to_json(self) -> dict[str, Any]:
        """As it stands in the manifest."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Preprocessing":
        """From the manifest's block."""
        mean, std = tuple(value["mean"]), tuple(value["std"])
        return cls(size=int(value["size"]), mean=mean, std=std, crop=value.get("crop", "none"))

    def one(self, image: RgbImage) -> Floats:
        """(H, W, 3) uint8 RGB → (3, S, S) float32, normalised."""
        if self.crop == "circle":
            image = circle_crop(image).image
        pixels = np.clip(resize_bicubic(image, self.size), 0, 255)
        mean, std = (np.array(v, np.float32) * 255 for v in (self.mean, self.std))
        return np.ascontiguousarray(((pixels - mean) / std).transpose(2, 0, 1), dtype=np.float32)

    def __call__(self, images: Sequence[RgbImage]) -> Floats:
        """N images of any sizes → (N, 3, S, S) float32, normalised."""
        if not images:
            return np.empty((0, 3, self.size, self.size), np.float32)
        return np.stack([self.one(image) for image in images])


def resize_bicubic(image: RgbImage, size: int) -> Floats:
    """(H, W, C) uint8 → (size, size, C) float32 on the 0–255 scale; may overshoot that range a little."""
    height, width, channels = image.shape
    rows, columns = filter_matrix(height, size), filter_matrix(width, size)
    tall = rows @ image.reshape(height, width * channels).astype(np.float32)  # (S, W·C)
    square: Floats = np.matmul(columns, tall.reshape(size, width, channels))  # (S, S, C)
    return square


@lru_cache(maxsize=64)
def filter_matrix(old: int, new: int) -> Floats:
    """Resampling weights (new, old) float32 of the antialiased cubic filter; every row sums to 1."""
    scale = old / new
    stretch = max(scale, 1.0)  # an enlarged image is interpolated, only a reduced one is smoothed
    centres = (np.arange(new) + 0.5) * scale
    distance = (np.arange(old)[None] + 0.5 - centres[:, None]) / stretch
    weights = _cubic(np.abs(distance))
    return np.ascontiguousarray(weights / weights.sum(1, keepdims=True), dtype=np.float32)


def _cubic(x: NDArray[np.float64], a: float = -0.5) -> NDArray[np.float64]:
    """Keys' cubic convolution kernel (1981) at distances x ≥ 0; zero from 2 on."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * a - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))
