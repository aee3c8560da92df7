"""A crop as a picture for people: a scale bar in mm, and the measured diameter against the interval."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import ImageDecodeError
from ..images import RgbImage
from .dicom import read_slice
from .interval import Interval
from .roi import Box, RoiSettings, crop

SIDE = 240  # pixels of the picture
BAR_MM = 10.0
GAP = 4  # pixels between the nodule's edge and the circle
_INSIDE, _OUTSIDE, _PLAIN = (80, 220, 120), (250, 150, 60), (240, 240, 240)


def hit_picture(metadata: dict[str, Any], interval: Interval | None, diameter_mm: float) -> RgbImage:
    """(240, 240, 3) uint8 RGB of the region that a gallery item's `metadata` names, always in fixed millimetres.

    The bar is 10 mm, the circle goes just around the diameter: green where that lies inside the interval, else orange.
    Raises ImageDecodeError where the DICOM file is gone or damaged.
    """
    path = Path(str(metadata["dicom_path"]))
    settings = RoiSettings()
    spacing = (float(metadata["row_spacing_mm"]), float(metadata["column_spacing_mm"]))
    try:
        pixels = crop(read_slice(path), Box(*metadata["box"]), spacing, settings)
    except (KeyError, TypeError) as error:
        raise ImageDecodeError(f"{path}: the gallery does not say where the region lies; index it again") from error
    return drawn(pixels, settings.field_mm, interval, diameter_mm)


def drawn(pixels: NDArray[np.float32], field_mm: float, interval: Interval | None, diameter_mm: float) -> RgbImage:
    """Pixels (S, S) float32 in [0, 1] that show `field_mm`, enlarged, with scale bar, circle and figures."""
    grey = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    image = np.repeat((np.clip(grey, 0, 1) * 255).astype(np.uint8)[:, :, None], 3, axis=2)
    per_mm = SIDE / field_mm
    inside = interval is None or bool(interval.contains(np.array([diameter_mm]))[0])
    colour = _PLAIN if interval is None else _INSIDE if inside else _OUTSIDE
    cv2.circle(image, (SIDE // 2, SIDE // 2), round(diameter_mm / 2 * per_mm) + GAP, colour, 1, cv2.LINE_AA)
    # below the words at the top: a page writes its captions over the lower edge
    cv2.rectangle(image, (0, 0), (SIDE - 1, 52), (20, 20, 20), -1)
    cv2.line(image, (10, 40), (10 + round(BAR_MM * per_mm), 40), _PLAIN, 3)
    _write(image, f"{BAR_MM:g} mm", (18 + round(BAR_MM * per_mm), 45), _PLAIN)
    asked = "" if interval is None else f" ({interval})".replace("≥", ">=").replace("≤", "<=")  # cv2's font is ASCII
    _write(image, f"{diameter_mm:.1f} mm{asked}", (10, 20), colour)
    return image


def _write(image: RgbImage, text: str, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.48, colour, 1, cv2.LINE_AA)
