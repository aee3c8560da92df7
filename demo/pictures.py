"""Pictures as the page shows them: small JPEG data URIs, so that the server hands out no file."""

import base64
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2

from runtime.errors import ImageDecodeError
from runtime.images import RgbImage, encode_image, read_image

WIDTH_PX = 320  # twice the width of a card's picture, for dense screens
PHANTOM_MANIFEST = "phantoms.json"  # stands beside the imgs/ of every phantom set


@dataclass(frozen=True)
class Picture:
    """What a card needs of an image: a data URI (None where the file cannot be read) and whether it is synthetic."""

    source: str | None
    synthetic: bool


@lru_cache(maxsize=512)
def picture(path: str) -> Picture:
    """The picture of the image file at `path`; a file that is gone or damaged gives one without a source."""
    synthetic = is_phantom(Path(path))
    try:
        jpeg = encode_image(shrink(read_image(Path(path)), WIDTH_PX), ".jpg")
    except ImageDecodeError:
        return Picture(None, synthetic)
    return Picture("data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii"), synthetic)


def shrink(image: RgbImage, width_px: int) -> RgbImage:
    """`image` (H, W, 3) uint8, at most `width_px` wide, its aspect ratio kept."""
    height, width = image.shape[:2]
    if width <= width_px:
        return image
    size = (width_px, max(1, round(height * width_px / width)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def is_phantom(path: Path) -> bool:
    """Whether the image belongs to a set that says of itself that it is synthetic."""
    return _phantom_set(path.parent) or _phantom_set(path.parent.parent)


@lru_cache(maxsize=256)
def _phantom_set(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / PHANTOM_MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("kind") == "synthetic phantom"
