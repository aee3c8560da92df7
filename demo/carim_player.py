"""The player of the CARIM panel: a custom component, and what it is sent for a hit."""

import base64
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr

from runtime.carim.clip import Clip, ClipSettings, Sprite, around, content_hash, make_sprite
from runtime.carim.results import Scene
from runtime.carim.rows import Frame, read_frames
from runtime.errors import DatasetError

from .carim_answer import relative

HERE = Path(__file__).parent
SETTINGS = ClipSettings()
MOST_SPRITES = 24  # kept in memory, one or two MB each
MOST_LISTS = 512
NO_PICTURE = "This scene is text only: nothing was filmed or drawn."


@dataclass(frozen=True)
class Film:
    """What is played for a hit: the clip, the folder that its paths start from, and its words."""

    root: Path
    clip: Clip
    title: str
    synthetic: bool


def add_player() -> gr.HTML:
    """The component; its value is what `player_value` returns, or None."""
    return gr.HTML(
        None,
        html_template=(HERE / "carim_player.html").read_text("utf-8"),
        css_template=(HERE / "carim_player.css").read_text("utf-8"),
        js_on_load=(HERE / "carim_player.js").read_text("utf-8"),
        apply_default_css=False,
        elem_id="carim-player",
    )


def film_of(root: Path, hit: Scene, *, synthetic: bool) -> Film | None:
    """The film around a hit: its scene's list of frames, else its one picture; None for a text-only scene.

    Raises DatasetError where the list of frames is missing or damaged.
    """
    title = f"{hit.scene}, around {moment_of(hit)}"
    if hit.frames is not None:
        return Film(root, around(frames_of(hit.frames), hit.timestamp, SETTINGS), title, synthetic)
    if hit.image is not None:
        return Film(root, Clip((Frame(relative(hit.image, root), hit.timestamp, key=True),), 0), title, synthetic)
    return None


def moment_of(scene: Scene) -> str:
    """When in its film a scene's frame was taken, in seconds from the film's start; the timestamp without a film."""
    try:
        start = frames_of(scene.frames)[0].timestamp if scene.frames else 0.0
    except (DatasetError, IndexError):  # told where the film is to be played
        start = 0.0
    return f"{scene.timestamp - start:.1f} s"


def frames_of(path: str) -> tuple[Frame, ...]:
    """A scene's list of frames, read again where the file has changed; raises DatasetError, without the whole path."""
    try:
        return _frames(path, Path(path).stat().st_mtime_ns)
    except (OSError, DatasetError) as error:
        raise DatasetError(f"{Path(path).name}: this list of frames cannot be read; build the data again") from error


@lru_cache(maxsize=MOST_LISTS)
def _frames(path: str, _changed: int) -> tuple[Frame, ...]:
    return read_frames(Path(path))


def player_value(film: Film | None, *, reveal: bool) -> dict[str, Any]:
    """The component's value: the sprite as a data URI, every frame's time from the hit, which are key frames.

    `reveal` scrolls the player into view. Raises DatasetError where none of the film's pictures can be read.
    """
    if film is None:
        return idle(NO_PICTURE)
    sprite = _sprite(content_hash(film.root, film.clip, SETTINGS), film.root, film.clip)
    lost = len(sprite.unreadable)
    return {
        "sprite": "data:image/jpeg;base64," + base64.b64encode(sprite.jpeg).decode("ascii"),
        "columns": sprite.columns,
        "width": sprite.width,
        "height": sprite.height,
        "times": list(film.clip.times_s),
        "keys": [frame.key for frame in film.clip.frames],
        "hit": film.clip.hit,
        "title": film.title,
        "synthetic": film.synthetic,
        "reveal": reveal,
        "note": f"{lost} of {len(film.clip.frames)} pictures cannot be read: grey frames" if lost else "",
        "stamp": time.monotonic_ns(),
    }


def idle(note: str = "") -> dict[str, Any]:
    """The component's value where there is nothing to play; `note` says why."""
    # the stamp: the page must take an equal value for a new one, since a scene chosen again starts at its hit again
    return {"sprite": None, "note": note, "stamp": time.monotonic_ns()}


@lru_cache(maxsize=MOST_SPRITES)
def _sprite(content: str, root: Path, clip: Clip) -> Sprite:
    del content  # the key alone: pictures that changed on disk are another film
    return make_sprite(root, clip, SETTINGS)
