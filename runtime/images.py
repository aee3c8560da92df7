"""Reading pictures: every image in the project is (H, W, 3) uint8 RGB from here on."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import ImageDecodeError

RgbImage = NDArray[np.uint8]

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
MAX_PIXELS = 64_000_000  # a decompression bomb is refused before its pixels are allocated


def read_image(path: Path) -> RgbImage:
    """The picture at `path` as (H, W, 3) uint8 RGB, turned upright by its EXIF orientation.

    Raises ImageDecodeError, which names the file, where it is missing, empty, damaged or too large.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImageDecodeError(f"{path}: cannot be read ({error.strerror or error})") from error
    return decode_image(content, name=str(path))


def decode_image(content: bytes, *, name: str = "image") -> RgbImage:
    """An encoded picture (PNG, JPEG, …) as (H, W, 3) uint8 RGB; grey and alpha become RGB.

    Raises ImageDecodeError, naming `name`, where `content` is not a picture or has over 64 megapixels.
    """
    if not content:
        raise ImageDecodeError(f"{name}: the file is empty; expected a PNG, JPEG, BMP, TIFF or WebP picture")
    _refuse_bomb(content, name)
    try:
        bgr = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ImageDecodeError(f"{name}: damaged, or larger than the decoder allows") from error
    if bgr is None:
        raise ImageDecodeError(f"{name}: not a readable picture; expected PNG, JPEG, BMP, TIFF or WebP")
    _refuse_size(bgr.shape[1], bgr.shape[0], name)
    return np.ascontiguousarray(bgr[:, :, ::-1], dtype=np.uint8)


def _refuse_bomb(content: bytes, name: str) -> None:
    # only PNG, which packs best, states its size where one can look; cv2 decodes the others up to 2³⁰ pixels
    if content[:8] == b"\x89PNG\r\n\x1a\n" and len(content) >= 24:
        _refuse_size(int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big"), name)


def _refuse_size(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS:
        raise ImageDecodeError(f"{name}: {width}×{height} pixels; at most {MAX_PIXELS:,} are accepted")


def encode_image(image: RgbImage, suffix: str = ".png") -> bytes:
    """`image` (H, W, 3) uint8 RGB encoded in the format that `suffix` names."""
    done, buffer = cv2.imencode(suffix, image[:, :, ::-1])
    if not done:
        raise ImageDecodeError(f"an image of shape {image.shape} could not be encoded as {suffix}")
    return bytes(buffer)
