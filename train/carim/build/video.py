"""Frames of a video as JPEG files with their times: the film for the player, and in it the key frames."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2

from runtime.errors import InvalidInputError
from runtime.files import sha256_file, write_json
from runtime.images import RgbImage, encode_image

from .places import scene_file
from .shot import FilmFrame

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".wmv"})
SCHEMA_VERSION = 1
CUT_SHORT = 0.9  # of the frames that the container states; fewer is said


@dataclass(frozen=True)
class FilmSettings:
    """`every_s`: seconds from one key frame to the next; `film_hz`: pictures a second in the player's film, 0 for
    key frames alone (nuScenes: 0.5 s and 10). Raises InvalidInputError for what is no time."""

    every_s: float = 0.5
    film_hz: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.every_s < float("inf"):
            raise InvalidInputError(f"--every is {self.every_s}; expected seconds above 0")
        if not 0 <= self.film_hz < float("inf"):
            raise InvalidInputError(f"--film-hz is {self.film_hz}; expected pictures a second, 0 for key frames alone")


class UnreadableVideoError(Exception):
    """A video without a frame that can be decoded; the message says so."""


def film_of(video: Path, out: Path, scene: str, settings: FilmSettings) -> tuple[tuple[FilmFrame, ...], str]:
    """The film of `video`, written to out/images/SCENE/ unless it is there, and a sentence where it was cut short.

    Raises UnreadableVideoError where no frame can be decoded.
    """
    folder = out / "images" / scene_file(scene)
    state = {"schema_version": SCHEMA_VERSION, "video_sha256": sha256_file(video), **asdict(settings)}
    about = folder / "film.json"
    if (kept := _kept(about, state)) is not None:
        return kept
    folder.mkdir(parents=True, exist_ok=True)
    about.unlink(missing_ok=True)
    frames: list[FilmFrame] = []
    capture = cv2.VideoCapture(str(video))
    try:
        stated = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
        last = -1
        for number, seconds, key, pixels in _cut(capture, settings):
            frames.append(FilmFrame(folder / f"{number:06d}.jpg", seconds, key))
            frames[-1].picture.write_bytes(encode_image(pixels, ".jpg"))
        last = int(capture.get(cv2.CAP_PROP_POS_FRAMES)) if frames else last
    finally:
        capture.release()
    if not frames:
        raise UnreadableVideoError(f"{video.name}: no frame can be decoded; expected a video that FFmpeg reads")
    problem = f"{video.name}: ends after {last} of {stated} frames" if last < stated * CUT_SHORT else ""
    listed = [{"image": f.picture.name, "timestamp": f.timestamp, "key": f.key} for f in frames]
    write_json(about, state | {"problem": problem, "frames": listed})  # last: a killed cut is begun anew
    return tuple(frames), problem


def _kept(about: Path, state: dict[str, object]) -> tuple[tuple[FilmFrame, ...], str] | None:
    try:
        value = json.loads(about.read_text("utf-8"))
        if any(value[key] != state[key] for key in state):
            return None
        frames = tuple(FilmFrame(about.parent / f["image"], f["timestamp"], f["key"]) for f in value["frames"])
        return (frames, value["problem"]) if all(f.picture.is_file() for f in frames) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _cut(capture: cv2.VideoCapture, settings: FilmSettings) -> Iterator[tuple[int, float, bool, RgbImage]]:
    """(number, seconds since the first frame, key, pixels) of the frames that are kept."""
    fps = capture.get(cv2.CAP_PROP_FPS) or 0.0
    half = 0.5 / fps if fps > 0 else 0.0  # the frame nearest to a wanted time, not the first after it
    step = 1 / settings.film_hz if settings.film_hz else settings.every_s
    first, before, kept, keys, number = 0.0, -1.0, 0, 0, -1
    while capture.grab():
        number += 1
        at = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        first = at if number == 0 else first
        seconds = at - first
        if seconds <= before:  # a container without times
            seconds = before + (1 / fps if fps > 0 else step)
        before = seconds
        key = seconds + half >= keys * settings.every_s
        if not key and seconds + half < kept * step:
            continue
        decoded, pixels = capture.retrieve()
        if not decoded:
            continue
        keys = int((seconds + half) / settings.every_s) + 1 if key else keys
        kept = int((seconds + half) / step) + 1
        yield number, round(seconds, 6), key, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
