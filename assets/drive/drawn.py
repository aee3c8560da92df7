"""The drawn part: pictures, nuScenes tables, and captions.jsonl with the truth of every key frame."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..phantoms.streams import stream
from .captions import caption
from .casting import cast
from .facts import elements_of
from .film import Film
from .tables import VERSION, Shot, shots_of, tables_of, token
from .text import NOTE, meta_of, write_file, write_lines, write_manifest
from .truth import Scene

JPEG_QUALITY = 80

Progress = Callable[[int, int], None]


def write_drawn_part(
    out: Path, *, scenes: int, seconds: float, seed: int, ready: bool, progress: Progress | None = None
) -> dict[str, int]:
    """Draws `scenes` films to `out` and returns what was counted; `ready` adds rows.jsonl, frames/ and carim.json.

    `progress(done, total)` is called after every scene. Pictures that are there already are kept, so that an
    interrupted run is continued by the same call.
    """
    staged = cast(seed, scenes)
    rows: list[dict[str, Any]] = []
    pictures = 0
    for number, scene in enumerate(staged):
        shots = shots_of(scene, number, seconds)
        rows += _write_film(out, scene, shots, seconds, seed)
        pictures += len(shots)
        if progress is not None:
            progress(number + 1, scenes)
    for name, records in tables_of(staged, seconds).items():
        write_file(out / VERSION / f"{name}.json", json.dumps(records, indent=0) + "\n")
    _write_map(out)
    write_lines(out / "captions.jsonl", (_given(row) for row in rows))
    write_file(out / "README.txt", NOTE + "\n")
    counts = {
        "rows": len(rows),
        "scenes": scenes,
        "elements": len({element for row in rows for element in row["elements"]}),
        "frames": pictures,
    }
    if ready:
        _write_ready(out, staged, rows, seconds, counts, seed)
    return counts


def _write_film(out: Path, scene: Scene, shots: list[Shot], seconds: float, seed: int) -> list[dict[str, Any]]:
    """Writes a scene's pictures and returns a row for each key frame."""
    film = Film(scene, seed, seconds)
    rows = []
    for shot in shots:
        there = (out / shot.file).is_file()
        if shot.key:
            frame = film.frame(shot.seconds)
            rows.append(_row(scene, frame.seen, shot, seed))
            picture = frame.picture
        elif there:
            continue
        else:
            picture = film.picture(shot.seconds)
        if not there:
            write_file(out / shot.file, encoded(picture))
    return rows


def encoded(picture: "np.ndarray[Any, np.dtype[np.uint8]]") -> bytes:
    """The picture as JPEG."""
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()


def _row(scene: Scene, seen: Scene, shot: Shot, seed: int) -> dict[str, Any]:
    """A key frame in the form of runtime/carim/rows.py; only what is in view is told."""
    return {
        "id": token("sample", scene.name, shot.timestamp),
        "scene": scene.name,
        "image": shot.file,
        "timestamp": shot.timestamp / 1e6,
        "caption": caption(seen, stream(seed, "caption", scene.name, shot.timestamp)),
        "elements": list(elements_of(seen)),
        "meta": {**meta_of(scene), "frames": f"frames/{scene.name}.json"},
    }


def _given(row: dict[str, Any]) -> dict[str, Any]:
    """A line of captions.jsonl: what is told of a key frame, by its sample's token; where its film is, is not."""
    meta = {key: value for key, value in row["meta"].items() if key != "frames"}
    return {"token": row["id"], "caption": row["caption"], "elements": row["elements"], "meta": meta}


def _write_ready(
    out: Path, staged: list[Scene], rows: list[dict[str, Any]], seconds: float, counts: dict[str, int], seed: int
) -> None:
    for number, scene in enumerate(staged):
        frames = [
            {"image": shot.file, "timestamp": shot.timestamp / 1e6, "key": shot.key}
            for shot in shots_of(scene, number, seconds)
        ]
        film = {"schema_version": 1, "scene": scene.name, "frames": frames}
        write_file(out / "frames" / f"{scene.name}.json", json.dumps(film) + "\n")
    write_lines(out / "rows.jsonl", rows)
    write_manifest(out, (scene.name for scene in staged), counts, seed)


def _write_map(out: Path) -> None:
    """The map that the table names: the drive has none, so a blank one."""
    blank = cv2.imencode(".png", np.zeros((16, 16), np.uint8))[1].tobytes()
    write_file(out / "maps" / "phantom.png", blank)
