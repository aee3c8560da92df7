"""Where things lie in a data folder, and how its files name one another."""

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import quote

ROWS, FRAMES, FAILURES, SHARDS = "rows.jsonl", "frames", "failures.jsonl", "shards"
LONGEST_NAME = 120
_SHARD = re.compile(r"shard-(\d+)-of-(\d+)")


def scene_file(scene: str) -> str:
    """A scene's name as the name of a file: unchanged where it may be one, else quoted."""
    name = quote(scene, safe=" ")
    name = name if not name.startswith(".") else f"%2E{name[1:]}"
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - 17]}-{hashlib.sha256(scene.encode()).hexdigest()[:16]}"


def frames_path(scene: str) -> str:
    """Of the scene's film, relative to the data folder."""
    return f"{FRAMES}/{scene_file(scene)}.json"


def seen_from(folder: Path, path: Path) -> str:
    """`path` relative to `folder`, as rows and films name pictures."""
    inside = path.absolute()
    if inside.is_relative_to(folder.absolute()):  # as it is called there, even where it is a link
        return inside.relative_to(folder.absolute()).as_posix()
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def shard_of(scene: str, shards: int) -> int:
    """Which shard has the scene: the same on every machine and at every time."""
    return int(hashlib.sha256(scene.encode()).hexdigest()[:12], 16) % shards


def shard_folder(out: Path, index: int, shards: int) -> Path:
    """Where shard `index` of `shards` lies."""
    return out / SHARDS / f"shard-{index}-of-{shards}"


def shard_folders(out: Path) -> dict[tuple[int, int], Path]:
    """By (index, shards), those that are there."""
    named = ((_SHARD.fullmatch(path.name), path) for path in sorted((out / SHARDS).glob("shard-*")) if path.is_dir())
    return {(int(match[1]), int(match[2])): path for match, path in named if match}
