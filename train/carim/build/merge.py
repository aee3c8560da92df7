"""Shards become one data folder, after every one was found whole, alike and apart from the others."""

import json
import posixpath
from dataclasses import dataclass, replace
from pathlib import Path

from runtime.carim.rows import Frame, Row, read_frames, read_rows, write_frames
from runtime.errors import DatasetError

from .build import Built, finish, write_failures
from .manifest import NAME, Manifest, read_manifest, scenes_sha256
from .places import FAILURES, ROWS, frames_path, shard_folder, shard_folders
from .shot import Failure, natural

ALIKE = ("source", "captioner", "extractor", "synthetic", "settings", "all_scenes", "all_scenes_sha256")


@dataclass(frozen=True)
class Shard:
    """A finished shard and its folder."""

    folder: Path
    manifest: Manifest
    rows: tuple[Row, ...]


def merge(out: Path) -> Built:
    """Writes out/rows.jsonl, out/frames and out/carim.json from the shards in out/shards; pictures stay where they are.

    Raises DatasetError, naming every fault, where a shard is missing, unfinished, damaged, built with other settings,
    or shares a scene or an id with another, or where a scene of the source is in none.
    """
    shards = checked_shards(out)
    (out / NAME).unlink(missing_ok=True)
    rows, frames = [], 0
    failures: dict[Failure, None] = {}  # a fault of the whole source is told by every shard
    for shard in shards:
        inside = shard.folder.relative_to(out).as_posix()
        rows += [_moved(row, inside) for row in shard.rows]
        frames += _move_films(shard, inside, out)
        lines = (shard.folder / FAILURES).read_text("utf-8").split("\n")
        failures |= dict.fromkeys(Failure(**json.loads(line)) for line in lines if line)
    if not rows:
        raise DatasetError(f"{out}: the shards hold no row; {next(iter(failures), 'the source is empty')}")
    rows.sort(key=lambda row: (natural(row.scene), row.timestamp, natural(row.id)))
    write_failures(out, tuple(failures))
    return finish(out, rows, tuple(failures), replace(shards[0].manifest, shard=None), frames=frames)


def checked_shards(out: Path) -> list[Shard]:
    """Every shard of `out`, in order; raises DatasetError with all that is wrong with them."""
    found = shard_folders(out)
    if not found:
        raise DatasetError(f"{out}: holds no shards; build them with `python -m train carim-build … --shard I/N`")
    numbers = sorted({of for _, of in found})
    if len(numbers) > 1:
        raise DatasetError(
            f"{out}: holds shards of {' and of '.join(map(str, numbers))}; remove those of the run that does not count"
        )
    problems: list[str] = []
    shards = []
    for index in range(numbers[0]):
        folder = found.get((index, numbers[0]), shard_folder(out, index, numbers[0]))
        try:
            shards.append(_shard(folder, index, numbers[0]))
        except DatasetError as error:
            problems.append(str(error))
    problems += _unlike(shards) + _shared(shards)
    if not problems:
        problems += _lacking(shards)
    if problems:
        raise DatasetError(f"{out}: cannot be merged:\n  " + "\n  ".join(problems))
    return shards


def _shard(folder: Path, index: int, of: int) -> Shard:
    again = f"run `python -m train carim-build … --shard {index}/{of}` again"
    if not folder.is_dir():
        raise DatasetError(f"shard {index} of {of} is missing; {again}")
    try:
        manifest = read_manifest(folder)
        if (manifest.shard or {}).get("index") != index or (manifest.shard or {}).get("of") != of:
            raise DatasetError(f"{folder / NAME}: is of another shard")
        rows = read_rows(folder).rows if manifest.counts["rows"] else ()
        if len(rows) != manifest.counts["rows"]:
            raise DatasetError(f"{folder / ROWS}: {len(rows)} usable rows; carim.json says {manifest.counts['rows']}")
        failed = len([line for line in (folder / FAILURES).read_text("utf-8").split("\n") if line])
        if failed != manifest.counts["failures"]:
            raise DatasetError(f"{folder / FAILURES}: {failed} lines; carim.json says {manifest.counts['failures']}")
        for row in rows:
            if "frames" in row.meta and not (folder / row.meta["frames"]).is_file():
                raise DatasetError(f"{folder / row.meta['frames']}: the film of {row.scene} is missing")
    except (DatasetError, OSError) as error:
        raise DatasetError(f"shard {index} of {of}: {error}; {again}") from error
    return Shard(folder, manifest, rows)


def _unlike(shards: list[Shard]) -> list[str]:
    problems = []
    for name in ALIKE:
        values = {json.dumps(getattr(s.manifest, name), sort_keys=True): s.folder.name for s in reversed(shards)}
        if len(values) > 1:
            told = " and ".join(f"{value} ({folder})" for value, folder in values.items())
            problems.append(f"{name} differs: {told}; build the shards with the same options")
    return problems


def _shared(shards: list[Shard]) -> list[str]:
    problems = []
    scenes: dict[str, str] = {}
    ids: dict[str, str] = {}
    for shard in shards:
        for kind, names, seen in (
            ("scene", sorted((shard.manifest.shard or {})["scenes"]), scenes),
            ("id", [row.id for row in shard.rows], ids),
        ):
            twice = [name for name in names if name in seen]
            if twice:
                problems.append(
                    f"{kind} {twice[0]!r} and {len(twice) - 1} more are in {seen[twice[0]]} and {shard.folder.name}"
                )
            seen.update(dict.fromkeys(names, shard.folder.name))
    return problems


def _lacking(shards: list[Shard]) -> list[str]:
    scenes = [scene for shard in shards for scene in (shard.manifest.shard or {})["scenes"]]
    first = shards[0].manifest
    if scenes_sha256(scenes) == first.all_scenes_sha256:
        return []
    return [f"the shards have {len(scenes)} scenes of the source's {first.all_scenes}, or others than it has"]


def _moved(row: Row, inside: str) -> Row:
    image = None if row.image is None else posixpath.normpath(f"{inside}/{row.image}")
    return replace(row, image=image)


def _move_films(shard: Shard, inside: str, out: Path) -> int:
    count = 0
    for scene in sorted({row.scene for row in shard.rows if "frames" in row.meta}):
        film = read_frames(shard.folder / frames_path(scene))
        moved = [Frame(posixpath.normpath(f"{inside}/{f.image}"), f.timestamp, f.key) for f in film]
        write_frames(out / frames_path(scene), scene, moved)
        count += len(moved)
    return count
