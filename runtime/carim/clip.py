"""The film around a hit: its frames, all of them in one picture for a player, and the same seconds as an MP4.

A picture that is missing or damaged leaves a grey frame, so that time stays right, and is named.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from ..errors import DatasetError, ImageDecodeError, KgerError
from ..files import atomic_path
from ..images import RgbImage, encode_image, read_image
from .rows import Frame

GREY = 96  # of a frame whose picture cannot be read
CODECS = ("vp09", "mp4v")  # what OpenCV's wheels write into MP4; browsers play the first alone


class ClipError(KgerError, RuntimeError):
    """A clip that this build of OpenCV cannot write."""


@dataclass(frozen=True)
class ClipSettings:
    """How long, how large and how fine a clip is."""

    around_s: float = 10.0
    most_frames: int = 240  # of the player: a faster film is thinned, its key frames and the hit kept
    tile_px: int = 384  # width of a frame in the player's picture
    quality: int = 78  # its JPEG's
    clip_px: int = 480  # largest width of the MP4; at this size one core encodes VP9 in a quarter of the film's time
    fps: int = 10


@dataclass(frozen=True)
class Clip:
    """Frames in order of time, and which of them is the hit's."""

    frames: tuple[Frame, ...]
    hit: int

    @property
    def times_s(self) -> tuple[float, ...]:
        """Seconds of each frame from the hit: negative before it."""
        return tuple(round(frame.timestamp - self.frames[self.hit].timestamp, 3) for frame in self.frames)


@dataclass(frozen=True)
class Sprite:
    """A contact sheet: frame i stands in column i % columns, row i // columns, `width` × `height` pixels each."""

    jpeg: bytes
    columns: int
    width: int
    height: int
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """An MP4 that was written: its codec, its frames, and the pictures that could not be read."""

    codec: str
    frames: int
    unreadable: tuple[str, ...] = ()


def around(frames: Sequence[Frame], timestamp: float, settings: ClipSettings | None = None) -> Clip:
    """The frames within `around_s` of `timestamp`, thinned to `most_frames`; the hit is the nearest frame.

    Raises DatasetError where no frame lies there.
    """
    settings = settings or ClipSettings()
    near = [f for f in frames if abs(f.timestamp - timestamp) <= settings.around_s + 1e-6]
    if not near:
        raise DatasetError(
            f"no frame lies within {settings.around_s:g} s of {timestamp:g} s; "
            f"the film has {len(frames)} frames: build the data again"
        )
    near.sort(key=lambda frame: frame.timestamp)
    hit = min(near, key=lambda frame: abs(frame.timestamp - timestamp))
    kept = _thinned(near, hit, settings.most_frames)
    return Clip(tuple(kept), kept.index(hit))


def _thinned(frames: list[Frame], hit: Frame, most: int) -> list[Frame]:
    if len(frames) <= most:
        return frames
    always = [i for i, frame in enumerate(frames) if frame.key or frame is hit]
    if len(always) > most:  # key frames alone are too many
        always = [frames.index(hit)]
    rest = sorted(set(range(len(frames))) - set(always))
    places = np.linspace(0, len(rest) - 1, most - len(always)).round().astype(int)
    return [frames[i] for i in sorted({*always, *(rest[p] for p in places.tolist())})]


def content_hash(root: Path, clip: Clip, settings: ClipSettings | None = None) -> str:
    """Hexadecimal SHA-256 over the pictures' bytes, their times and the settings: the name of what is made of them."""
    digest = hashlib.sha256(repr((clip.hit, asdict(settings or ClipSettings()))).encode())
    for frame in clip.frames:
        digest.update(repr((frame.timestamp, frame.key)).encode())
        try:
            with (root / frame.image).open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        except OSError:
            digest.update(b"unreadable")
    return digest.hexdigest()


def make_sprite(root: Path, clip: Clip, settings: ClipSettings | None = None) -> Sprite:
    """All frames as one JPEG, near to a square; `root` is the folder that the frames' paths start from.

    Raises DatasetError where no picture of the clip can be read.
    """
    settings = settings or ClipSettings()
    width, height = _size(root, clip, settings.tile_px)
    columns = max(1, round((len(clip.frames) * height / width) ** 0.5))
    sheet = np.full((-(-len(clip.frames) // columns) * height, columns * width, 3), GREY, np.uint8)
    unreadable = []
    for i, image in enumerate(_pictures(root, clip.frames, width, height)):
        if image is None:
            unreadable.append(clip.frames[i].image)
            continue
        y, x = i // columns * height, i % columns * width
        sheet[y : y + height, x : x + width] = image
    done, jpeg = cv2.imencode(".jpg", sheet[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, settings.quality])
    content = bytes(jpeg) if done else encode_image(sheet, ".jpg")  # the latter names the shape it cannot encode
    return Sprite(content, columns, width, height, tuple(unreadable))


def write_mp4(root: Path, clip: Clip, out: Path, settings: ClipSettings | None = None) -> Written:
    """Writes the clip to `out` atomically, at `fps` frames a second of the film's own time.

    Raises DatasetError where no picture can be read, ClipError where OpenCV has none of the CODECS.
    """
    settings = settings or ClipSettings()
    width, height = _size(root, clip, settings.clip_px)
    order = _at_constant_rate(clip, settings.fps)
    wanted = sorted(set(order))
    pictures = _pictures(root, [clip.frames[i] for i in wanted], width, height)
    with atomic_path(out) as part:
        # OpenCV goes by the name's ending
        film = part.with_suffix(".mp4")
        try:
            writer, codec = _open_writer(film, settings.fps, (width, height))
            unreadable = []
            repeats = {i: order.count(i) for i in wanted}
            for i, image in zip(wanted, pictures, strict=True):
                if image is None:
                    unreadable.append(clip.frames[i].image)
                    image = np.full((height, width, 3), GREY, np.uint8)  # noqa: PLW2901
                for _ in range(repeats[i]):
                    writer.write(np.ascontiguousarray(image[:, :, ::-1]))
            writer.release()
            film.replace(part)
        finally:
            film.unlink(missing_ok=True)
    return Written(codec, len(order), tuple(unreadable))


def _at_constant_rate(clip: Clip, fps: int) -> list[int]:
    """For each step of 1/fps seconds the frame that is seen then."""
    times = np.array([frame.timestamp for frame in clip.frames], np.float64)
    steps = np.arange(round(float(times[-1] - times[0]) * fps) + 1) / fps + times[0]
    # half a step of tolerance: sweeps are never taken at exact tenths of a second
    return [int(i) for i in np.maximum(np.searchsorted(times, steps + 0.5 / fps, side="right") - 1, 0)]


def _open_writer(path: Path, fps: int, size: tuple[int, int]) -> tuple[cv2.VideoWriter, str]:
    for codec in CODECS:
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), float(fps), size)
        if writer.isOpened():
            return writer, codec
    raise ClipError(
        f"this OpenCV ({cv2.__version__}) writes none of {', '.join(CODECS)}; "
        "install the pinned one: pip install -r requirements-runtime.txt"
    )


def _size(root: Path, clip: Clip, most_px: int) -> tuple[int, int]:
    """Even width and height of every frame, after the first picture that can be read."""
    for frame in clip.frames:
        try:
            image = read_image(root / frame.image)
        except ImageDecodeError:
            continue
        height, width = image.shape[:2]
        scale = min(1.0, most_px / width, most_px / height)
        return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)
    raise DatasetError(
        f"none of the clip's {len(clip.frames)} pictures can be read, {clip.frames[0].image} for example; "
        "put the pictures back, or build the data again"
    )


def _pictures(root: Path, frames: Sequence[Frame], width: int, height: int) -> Iterator[RgbImage | None]:
    """Each frame as (height, width, 3), letterboxed where its shape is another; None where it cannot be read."""
    for frame in frames:
        try:
            yield _fitted(read_image(root / frame.image, at_least=height), width, height)
        except ImageDecodeError:
            yield None


def _fitted(image: RgbImage, width: int, height: int) -> RgbImage:
    scale = min(width / image.shape[1], height / image.shape[0])
    size = (min(width, round(image.shape[1] * scale)), min(height, round(image.shape[0] * scale)))
    small = cv2.resize(image, (max(1, size[0]), max(1, size[1])), interpolation=cv2.INTER_AREA)
    if small.shape[:2] == (height, width):
        return np.asarray(small, np.uint8)
    y, x = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    framed = np.zeros((height, width, 3), np.uint8)
    framed[y : y + small.shape[0], x : x + small.shape[1]] = small
    return framed
