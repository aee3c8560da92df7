"""The one definition of image preprocessing: training, export and search all use it.

Antialiased bicubic resize to a square (the aspect ratio is not kept, as published), scaled and normalised.
OpenCV has no antialiased bicubic filter, so the filter is two banded matrices: out = rows · image · columnsᵀ.
It equals `torch.nn.functional.interpolate(mode="bicubic", antialias=True)` (a = −½, the kernel Pillow uses).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .circle_crop import circle_crop
from .errors import BundleError
from .images import RgbImage

Floats = NDArray[np.float32]

# Eight rows of the filter reach over few input rows, so that most of what is multiplied is not zero. A product of at
# most 2¹⁸ terms stays in the calling thread: OpenBLAS shares larger ones with a pool whose waiting threads take the
# cores that the model runs on, and other threads here would queue for it. (Both measured, 256 px to 12 megapixels.)
_BAND_ROWS = 8
_PRODUCT_TERMS = 1 << 18


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

    @property
    def decode_at_least(self) -> int | None:
        """Pixels that both sides of a JPEG keep where it may be decoded at reduced scale (`decode_image`).

        Twice the size: then the filter here still decides how the picture looks (real pictures of 12 megapixels:
        mean cosine .9996 or more to whole decoding, `python -m benchmarks throughput`). None for the circle crop, whose
        thresholds are made for whole pictures.
        """
        return None if self.crop == "circle" else 2 * self.size

    def one(self, image: RgbImage) -> Floats:
        """(H, W, 3) uint8 RGB → (3, S, S) float32, normalised."""
        if self.crop == "circle":
            image = circle_crop(image).image
        pixels = _resize_planes(image, self.size)
        np.clip(pixels, 0, 255, out=pixels)
        mean, std = (np.array(v, np.float32)[:, None, None] * 255 for v in (self.mean, self.std))
        pixels -= mean
        pixels /= std
        return pixels

    def __call__(self, images: Sequence[RgbImage]) -> Floats:
        """N images of any sizes → (N, 3, S, S) float32, normalised."""
        if not images:
            return np.empty((0, 3, self.size, self.size), np.float32)
        return np.stack([self.one(image) for image in images])


def resize_bicubic(image: RgbImage, size: int) -> Floats:
    """(H, W, C) uint8 → (size, size, C) float32 on the 0–255 scale; may overshoot that range a little."""
    return np.ascontiguousarray(_resize_planes(image, size).transpose(1, 2, 0))


def _resize_planes(image: RgbImage, size: int) -> Floats:
    # (H, W, C) uint8 → (C, S, S) float32
    height, width, channels = image.shape
    tall = _filtered(image.reshape(height, width * channels), size)  # (S, W·C)
    turned = cv2.transpose(tall).reshape(width, channels * size)  # (W, C·S)
    wide = _filtered(turned, size)  # (S of x, C·S of y)
    planes: Floats = cv2.transpose(wide).reshape(channels, size, size)
    return planes


def _filtered(lines: NDArray[Any], new: int) -> Floats:
    # (old, N) of any type → (new, N) float32, band by band; each band turns only the lines it needs into float32
    old, across = lines.shape
    out = np.empty((new, across), np.float32)
    for row, first, weights in filter_bands(old, new):
        rows, reach = weights.shape
        part = lines[first : first + reach].astype(np.float32, copy=False)
        step = max(16, _PRODUCT_TERMS // weights.size)
        for x in range(0, across, step):
            np.matmul(weights, part[:, x : x + step], out=out[row : row + rows, x : x + step])
    return out


class Band(NamedTuple):
    """Rows `row` … `row` + R of the filter matrix, of which only columns `first` … `first` + T are not zero."""

    row: int
    first: int
    weights: Floats  # (R, T)


@lru_cache(maxsize=256)
def filter_bands(old: int, new: int) -> tuple[Band, ...]:
    """The (new, old) matrix of the antialiased cubic filter in bands; every row sums to 1."""
    scale = old / new
    stretch = max(scale, 1.0)  # an enlarged image is interpolated, only a reduced one is smoothed
    centres = (np.arange(new) + 0.5) * scale
    first = np.floor(centres - 2 * stretch).astype(int)
    taps = first[:, None] + np.arange(int(np.ceil(4 * stretch)) + 2)  # (new, T) columns, also some beyond the edges
    distance = (taps + 0.5 - centres[:, None]) / stretch
    weights = np.where((taps >= 0) & (taps < old), _cubic(np.abs(distance)), 0.0)
    weights /= weights.sum(1, keepdims=True)
    bands = []
    for row in range(0, new, _BAND_ROWS):
        some, columns = weights[row : row + _BAND_ROWS], taps[row : row + _BAND_ROWS]
        low, high = max(0, int(columns[0, 0])), min(old, int(columns[-1, -1]) + 1)
        block = np.zeros((len(some), high - low), np.float32)
        inside = (columns >= low) & (columns < high)
        block[np.nonzero(inside)[0], columns[inside] - low] = some[inside]
        bands.append(Band(row, low, block))
    return tuple(bands)


def _cubic(x: NDArray[np.float64], a: float = -0.5) -> NDArray[np.float64]:
    """Keys' cubic convolution kernel (1981) at distances x ≥ 0; zero from 2 on."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * a - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))
