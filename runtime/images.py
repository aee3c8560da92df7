"""Reading pictures: every image in the project is (H, W, 3) uint8 RGB from here on."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import ImageDecodeError

RgbImage = NDArray[np.uint8]

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
MAX_PIXELS = 64_000_000  # a decompression bomb is refused before its pixels are allocated


def read_image(path: Path, *, at_least: int | None = None) -> RgbImage:
    """The picture at `path` as (H, W, 3) uint8 RGB, turned upright by its EXIF orientation.

    `at_least` as in `decode_image`. Raises ImageDecodeError, which names the file, where it is missing, empty,
    damaged or too large.
    """
    return decode_image(read_content(path), name=str(path), at_least=at_least)


def read_content(path: Path) -> bytes:
    """The file's bytes; raises ImageDecodeError, which names the file, where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageDecodeError(f"{path}: cannot be read ({error.strerror or error})") from error


def decode_image(content: bytes, *, name: str = "image", at_least: int | None = None) -> RgbImage:
    """An encoded picture (PNG, JPEG, …) as (H, W, 3) uint8 RGB; grey and alpha become RGB.

    With `at_least`, a JPEG is decoded at 1/2, 1/4 or 1/8 of its size, the smallest whose sides are both still
    `at_least` pixels: the decoder then computes only that part of every 8×8 block. Other formats stay whole.
    Raises ImageDecodeError, naming `name`, where `content` is not a picture or has over 64 megapixels.
    """
    if not content:
        raise ImageDecodeError(f"{name}: the file is empty; expected a PNG, JPEG, BMP, TIFF or WebP picture")
    size = _stated_size(content)
    if size:
        _refuse_size(*size, name)
    try:
        bgr = cv2.imdecode(np.frombuffer(content, np.uint8), _reduction(content, size, at_least))
    except cv2.error as error:
        raise ImageDecodeError(f"{name}: damaged, or larger than the decoder allows") from error
    if bgr is None:
        raise ImageDecodeError(f"{name}: not a readable picture; expected PNG, JPEG, BMP, TIFF or WebP")
    _refuse_size(bgr.shape[1], bgr.shape[0], name)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, dst=bgr), np.uint8)


_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
_REDUCED = ((8, cv2.IMREAD_REDUCED_COLOR_8), (4, cv2.IMREAD_REDUCED_COLOR_4), (2, cv2.IMREAD_REDUCED_COLOR_2))
_NO_FRAME_HEADER = frozenset({0xC4, 0xC8, 0xCC})  # tables and an extension, among the markers C0 … CF


def _reduction(content: bytes, size: tuple[int, int] | None, at_least: int | None) -> int:
    # cv2 reduces other formats, too, but by decoding them whole and scaling them with a poorer filter than ours
    if at_least is None or size is None or not content.startswith(_JPEG):
        return int(cv2.IMREAD_COLOR)
    return next((int(flag) for by, flag in _REDUCED if -(-min(size) // by) >= at_least), int(cv2.IMREAD_COLOR))


def _stated_size(content: bytes) -> tuple[int, int] | None:
    # (width, height) where the header of a PNG or JPEG states it; for the others cv2's own limit, 2³⁰ pixels, holds
    if content.startswith(_PNG) and len(content) >= 24:
        return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    if not content.startswith(_JPEG):
        return None
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME_HEADER:
            return int.from_bytes(content[at + 7 : at + 9], "big"), int.from_bytes(content[at + 5 : at + 7], "big")
        else:
            at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return None


def _refuse_size(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS:
        raise ImageDecodeError(f"{name}: {width}×{height} pixels; at most {MAX_PIXELS:,} are accepted")


def encode_image(image: RgbImage, suffix: str = ".png") -> bytes:
    """`image` (H, W, 3) uint8 RGB encoded in the format that `suffix` names."""
    done, buffer = cv2.imencode(suffix, image[:, :, ::-1])
    if not done:
        raise ImageDecodeError(f"an image of shape {image.shape} could not be encoded as {suffix}")
    return bytes(buffer)
