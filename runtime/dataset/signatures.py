"""What is kept of each picture to find it again: content hash, 255-bit perceptual hash, thumbnail."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import ImageDecodeError
from ..images import RgbImage, decode_image
from .records import Record

THUMBNAIL = 32  # side in pixels
_WINDOW = 64  # decoded pictures in flight


@dataclass(frozen=True, eq=False)
class Signatures:
    """One row per record; a record whose file cannot be decoded has zeros and stands in `bad`.

    `sha256` of the files' content, "" where unreadable; `hashes` (N, 4) uint64; `thumbnails`
    (N, 32·32·3) uint8; `sizes` (N, 2) int32 width and height in pixels; `bad` {file: reason}.
    """

    sha256: tuple[str, ...]
    hashes: NDArray[np.uint64]
    thumbnails: NDArray[np.uint8]
    sizes: NDArray[np.int32]
    bad: dict[str, str]


def read_signatures(
    records: Sequence[Record], *, threads: int = 2, tick: Callable[[], object] | None = None
) -> Signatures:
    """Decodes every image once; `tick` is called after each. One bad image never stops it."""
    n = len(records)
    sha256, bad = [""] * n, dict[str, str]()
    hashes = np.zeros((n, 4), np.uint64)
    thumbnails = np.zeros((n, THUMBNAIL * THUMBNAIL * 3), np.uint8)
    sizes = np.zeros((n, 2), np.int32)
    for i, outcome in enumerate(_in_order(records, threads)):
        if isinstance(outcome, ImageDecodeError):
            bad[records[i].file] = str(outcome)
        else:
            sha256[i], hashes[i], thumbnails[i], sizes[i] = outcome
        if tick is not None:
            tick()
    return Signatures(tuple(sha256), hashes, thumbnails, sizes, bad)


_Row = tuple[str, NDArray[np.uint64], NDArray[np.uint8], tuple[int, int]]


def _in_order(records: Sequence[Record], threads: int) -> Iterator[_Row | ImageDecodeError]:
    # in windows: map() over everything would read a whole data set ahead of its consumer
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(records), _WINDOW):
            yield from pool.map(_read, records[start : start + _WINDOW])


def _read(record: Record) -> _Row | ImageDecodeError:
    try:
        content = record.path.read_bytes()
    except OSError as error:
        return ImageDecodeError(f"{record.path}: cannot be read ({error.strerror or error})")
    try:
        image = decode_image(content, name=str(record.path))
    except ImageDecodeError as error:
        return error
    thumbnail = cv2.resize(image, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    size = (image.shape[1], image.shape[0])
    return hashlib.sha256(content).hexdigest(), perceptual_hash(image), thumbnail.reshape(-1), size


def perceptual_hash(image: RgbImage) -> NDArray[np.uint64]:
    """DCT hash of `image`: (4,) uint64, 255 bits used.

    Grey, 64×64, discrete cosine transform, its 16×16 lowest frequencies without the mean, each
    above their median or not (pHash, with 16×16 in place of 8×8: 63 bits merge drawings on white).
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:16, :16].reshape(-1)[1:]
    bits = np.append(low > np.median(low), False)
    return np.packbits(bits).view(np.uint64)
