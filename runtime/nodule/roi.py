"""A region of a CT slice as the model sees it: by default a field of fixed millimetres, so that size is visible."""

from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import BundleError, ImageDecodeError
from .dicom import Slice

Floats = NDArray[np.float32]
MODES = ("field", "published")


@dataclass(frozen=True)
class RoiSettings:
    """How a region becomes pixels; saved in the bundle.

    "field": `field_mm` × `field_mm` around the region's centre, HU from `low_hu` to `high_hu`, rows and columns each
    by their own spacing. "published": the box of the contour and `margin_px` around it, the slice's 5th to 95th
    percentile, stretched to the square, whereby absolute size is lost. Both `size` × `size` pixels.
    """

    mode: str = "field"
    size: int = 80
    field_mm: float = 40.0
    low_hu: float = -1000.0
    high_hu: float = 400.0
    margin_px: int = 16

    def __post_init__(self) -> None:
        if self.mode not in MODES or self.size < 8 or not self.field_mm > 0 or not self.low_hu < self.high_hu:
            raise BundleError(f"{self}: expected a mode of {', '.join(MODES)}, a size of 8 or more, a field, a window")

    @property
    def pixel_mm(self) -> float:
        """Millimetres a pixel of the crop in mode "field"."""
        return self.field_mm / self.size

    def to_json(self) -> dict[str, Any]:
        """As it stands in the bundle's roi.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "RoiSettings":
        """From roi.json; raises BundleError for a field that is missing or unknown."""
        try:
            return cls(**value)
        except TypeError as error:
            raise BundleError(f"roi.json: {error}; export again: python -m export nodule RUN --out BUNDLE") from error


@dataclass(frozen=True)
class Box:
    """Rows and columns in pixels of the slice, ends inside: of the pixels' centres, as LIDC's contours count."""

    row0: float
    column0: float
    row1: float
    column1: float

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column of the middle; the extent itself is not given to the model."""
        return (self.row0 + self.row1) / 2, (self.column0 + self.column1) / 2


def crop(picture: Slice, box: Box, spacing_mm: tuple[float, float], settings: RoiSettings) -> Floats:
    """The region as (S, S) float32 in [0, 1].

    Raises ImageDecodeError where the box does not lie on the slice.
    """
    height, width = picture.hounsfield.shape
    row, column = box.centre
    if not (0 <= row <= height - 1 and 0 <= column <= width - 1):
        raise ImageDecodeError(f"the region around row {row:g}, column {column:g} lies outside of {height} × {width}")
    if settings.mode == "published":
        return _published(picture.hounsfield, box, settings)
    step = settings.pixel_mm
    scale_y, scale_x = step / spacing_mm[0], step / spacing_mm[1]
    half = (settings.size - 1) / 2
    # output pixel (x, y) shows column + (x − half) · scale_x, row + (y − half) · scale_y
    matrix = np.array([[scale_x, 0, column - half * scale_x], [0, scale_y, row - half * scale_y]], np.float64)
    window = _window(picture.hounsfield, settings.low_hu, settings.high_hu)
    pixels = cv2.warpAffine(
        window,
        matrix,
        (settings.size, settings.size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return np.asarray(pixels, np.float32)


def _published(hounsfield: Floats, box: Box, settings: RoiSettings) -> Floats:
    low, high = np.percentile(hounsfield, (5, 95))
    window = _window(hounsfield, float(low), float(max(high, low + 1)))
    top, left = (max(0, int(v) - settings.margin_px) for v in (box.row0, box.column0))
    bottom, right = (int(np.ceil(v)) + settings.margin_px + 1 for v in (box.row1, box.column1))
    part = np.ascontiguousarray(window[top:bottom, left:right])
    pixels = cv2.resize(part, (settings.size, settings.size), interpolation=cv2.INTER_LINEAR)
    return np.asarray(pixels, np.float32)


def _window(hounsfield: Floats, low: float, high: float) -> Floats:
    window: Floats = np.clip((hounsfield - np.float32(low)) / np.float32(high - low), 0, 1)
    return window
