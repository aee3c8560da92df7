"""Rows as JSON lines, {id, scene, image, timestamp, caption, elements, meta}; captions and elements may be missing."""

import json
from pathlib import Path
from typing import Any

from runtime.carim.rows import parse_image, parse_timestamp, read_frames
from runtime.errors import DatasetError

from .given import words_of
from .places import ROWS
from .shot import Failure, FilmFrame, Shot, Source, Wanted, named_time, natural


def read_jsonl(path: Path, *, wanted: Wanted = lambda _: True) -> Source:
    """The rows of `path`, or of rows.jsonl in a folder; pictures lie relative to the file.

    A scene's film is the file that its rows' meta.frames names, else the rows' own pictures. Raises DatasetError
    where the file cannot be read.
    """
    path = path / ROWS if path.is_dir() else path
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read ({error}); expected JSON lines with id, scene and image") from error
    scenes: dict[str, None] = {}
    shots: dict[str, Shot] = {}
    failures: list[Failure] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name = ""
        try:
            value = json.loads(line)
            name = str(value.get("id") or "") if isinstance(value, dict) else ""
            shot = _shot(value, path.parent)
            scenes.setdefault(shot.scene)
            if not wanted(shot.scene):
                continue
            if shot.id in shots:
                raise ValueError(f"id {shot.id!r} occurs twice")
            if shot.picture and not shot.picture.is_file():
                raise ValueError(f"the picture {value['image']} is not there")
            shots[shot.id] = shot
        except (ValueError, TypeError, RecursionError) as error:
            failures.append(Failure(name, "", "source", f"{path.name}:{number}: {error}"))
    films = _films(tuple(shots.values()), path.parent, failures)
    return Source("jsonl", path.name, tuple(scenes), tuple(shots.values()), films, tuple(failures))


def _shot(value: Any, folder: Path) -> Shot:
    if not isinstance(value, dict):
        raise ValueError("expected an object with id, scene, image, timestamp, caption, elements, meta")
    for name in ("id", "scene"):
        if not isinstance(value.get(name), str) or not value[name].strip():
            raise ValueError(f"{name} = {value.get(name)!r}; expected a text")
    image, timestamp = parse_image(value.get("image")), parse_timestamp(value.get("timestamp") or 0.0)
    words = words_of(value)
    words["meta"] = named_time(Path(image or "").name) | words["meta"]
    return Shot(value["id"], value["scene"], folder / image if image else None, timestamp, **words)


def _films(shots: tuple[Shot, ...], folder: Path, failures: list[Failure]) -> dict[str, tuple[FilmFrame, ...]]:
    films: dict[str, tuple[FilmFrame, ...]] = {}
    for scene in sorted({shot.scene for shot in shots}, key=natural):
        mine = sorted((s for s in shots if s.scene == scene), key=lambda s: s.timestamp)
        named = next((str(s.meta["frames"]) for s in mine if s.meta.get("frames")), None)
        film = tuple(FilmFrame(s.picture, s.timestamp, True) for s in mine if s.picture)
        if named:
            try:
                film = tuple(FilmFrame(folder / f.image, f.timestamp, f.key) for f in read_frames(folder / named))
            except DatasetError as error:
                failures.append(Failure("", scene, "source", str(error)))
        if film:
            films[scene] = film
    return films
