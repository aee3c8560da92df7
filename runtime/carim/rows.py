"""rows.jsonl: one frame or text-only scene a line, {id, scene, image, timestamp, caption, elements, meta}.

`image` is a path relative to the file's folder, or null for a scene that has no picture; `timestamp` is seconds.
`meta` is any JSON object; weather, time_of_day and location are what the viewer offers as filters; `frames`, where
present, is the path of the scene's list of frames (`read_frames`) for the player.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import DatasetError
from ..files import write_json, write_text
from .elements import MOST_ELEMENTS, clean_elements

FRAMES_SCHEMA = 1
KEYS = ("id", "scene", "image", "timestamp", "caption", "elements", "meta")


@dataclass(frozen=True)
class Row:
    """A frame: its id (unique), its scene, and what is seen in it."""

    id: str
    scene: str
    image: str | None
    timestamp: float
    caption: str
    elements: tuple[str, ...]
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rows:
    """The rows of a file, and a sentence for each line that is none."""

    root: Path
    rows: tuple[Row, ...]
    problems: tuple[str, ...] = ()

    def image_path(self, row: Row) -> Path | None:
        """Where the row's picture lies."""
        return None if row.image is None else self.root / row.image


@dataclass(frozen=True)
class Frame:
    """One picture of a scene's film: path relative to the rows' folder, seconds, and whether it is a key frame."""

    image: str
    timestamp: float
    key: bool


def read_rows(path: Path) -> Rows:
    """Reads `path`, or the rows.jsonl of a folder; a bad line is a problem, not an end.

    Raises DatasetError where there is no such file or none of its lines is a row.
    """
    path = path / "rows.jsonl" if path.is_dir() else path
    try:
        lines = path.read_text("utf-8").split("\n")  # not splitlines: a text may hold U+2028
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"{path}: cannot be read ({error}); expected rows.jsonl as `python -m train carim-build` writes it"
        ) from error
    rows: dict[str, Row] = {}
    problems = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = parse_row(json.loads(line))
            if row.id in rows:
                raise ValueError(f"id {row.id!r} occurs twice")
            rows[row.id] = row
        except (ValueError, TypeError, RecursionError) as error:
            problems.append(f"{path.name}:{number}: {error}")
    if not rows:
        raise DatasetError(f"{path}: no usable row; {problems[0] if problems else 'the file is empty'}")
    return Rows(path.parent, tuple(rows.values()), tuple(problems))


def parse_row(value: Any) -> Row:
    """The row that a parsed line is; ValueError says what is wrong with it."""
    if not isinstance(value, dict):
        raise ValueError(f"expected an object with {', '.join(KEYS)}")
    for name in ("id", "scene", "caption"):
        if not isinstance(value.get(name), str) or (name != "caption" and not value[name].strip()):
            raise ValueError(f"{name} = {value.get(name)!r}; expected a text")
    image, timestamp = parse_image(value.get("image")), parse_timestamp(value.get("timestamp", 0.0))
    meta = value.get("meta") or {}
    if not isinstance(meta, dict):
        raise ValueError(f"meta = {meta!r}; expected an object")
    given = value.get("elements")
    if not isinstance(given, list) or not all(isinstance(element, str) for element in given):
        raise ValueError(f"elements = {given!r}; expected a list of texts")
    elements = clean_elements(given)
    if not elements:
        raise ValueError(f"no element is left of {given!r}; expected 1 to {MOST_ELEMENTS} things that are present")
    row = Row(value["id"], value["scene"], image, timestamp, value["caption"], elements, meta)
    try:  # NaN and lone surrogates are read from JSON, and neither a file nor a gallery takes them
        json.dumps(vars(row), ensure_ascii=False, allow_nan=False).encode("utf-8")
    except ValueError as error:
        raise ValueError(f"it cannot be stored: {error}; expected numbers and texts of UTF-8") from error
    return row


def parse_image(value: Any) -> str | None:
    """A row's path of its picture; ValueError for what is neither a path nor null."""
    if value is None or (isinstance(value, str) and value and "\0" not in value):
        return value
    raise ValueError(f"image = {value!r}; expected a path or null")


def parse_timestamp(value: Any) -> float:
    """A row's or frame's seconds; ValueError for what is no finite number."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and abs(value) <= sys.float_info.max):  # False for NaN, too, and for an int beyond every float
        raise ValueError(f"timestamp = {str(value)[:40]}; expected seconds")
    return float(value)


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Writes rows.jsonl atomically."""
    write_text(path, "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows))


def read_frames(path: Path) -> tuple[Frame, ...]:
    """A scene's film in order of time; raises DatasetError for a missing or foreign file."""
    try:
        value = json.loads(path.read_text("utf-8"))
        if value["schema_version"] != FRAMES_SCHEMA:
            raise ValueError(f"schema version {value['schema_version']!r}, expected {FRAMES_SCHEMA}")
        frames = [Frame(str(f["image"]), parse_timestamp(f["timestamp"]), bool(f["key"])) for f in value["frames"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path}: not a scene's list of frames ({error}); build the data again") from error
    return tuple(sorted(frames, key=lambda frame: frame.timestamp))


def write_frames(path: Path, scene: str, frames: Sequence[Frame]) -> None:
    """Writes a scene's film atomically."""
    write_json(path, {"schema_version": FRAMES_SCHEMA, "scene": scene, "frames": [asdict(frame) for frame in frames]})
