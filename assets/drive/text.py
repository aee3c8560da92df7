"""The text part: rows.jsonl (one row a scene, no picture), queries.jsonl and carim.json."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..phantoms.streams import stream
from .captions import caption
from .facts import elements_of
from .grammar import draw_scene
from .queries import queries_of
from .truth import Scene

SCHEMA = 1
NOTE = "Synthetic: the phantom drive, made by a program (python -m assets.drive). It shows no real place or person."


def write_text_part(out: Path, *, scenes: int, seed: int) -> dict[str, int]:
    """Writes the text scenes to `out` and returns what was counted."""
    drawn = [draw_scene(seed, f"phantom-{number + 1:04d}") for number in range(scenes)]
    rows = [text_row(scene, seed) for scene in drawn]
    queries = list(queries_of(drawn, seed))
    write_lines(out / "rows.jsonl", rows)
    write_lines(out / "queries.jsonl", queries)
    distinct = {element for row in rows for element in row["elements"]}
    counts = {"rows": len(rows), "scenes": scenes, "elements": len(distinct), "queries": len(queries)}
    write_manifest(out, (scene.name for scene in drawn), counts, seed)
    return counts


def text_row(scene: Scene, seed: int) -> dict[str, Any]:
    """A line of rows.jsonl, in the form of runtime/carim/rows.py."""
    return {
        "id": scene.name,
        "scene": scene.name,
        "image": None,
        "timestamp": 0.0,
        "caption": caption(scene, stream(seed, "caption", scene.name)),
        "elements": list(elements_of(scene)),
        "meta": meta_of(scene),
    }


def meta_of(scene: Scene) -> dict[str, Any]:
    """What the viewer filters by."""
    return {
        "weather": scene.weather,
        "time_of_day": scene.time,
        "location": scene.location,
        "road": scene.road,
        "lanes": scene.lanes,
        "signal": scene.signal,
        "synthetic": True,
    }


def write_manifest(out: Path, scenes: Iterable[str], counts: dict[str, int], seed: int) -> None:
    """carim.json, the last file of a data folder, in the form that `python -m train carim-build` gives it."""
    names = sorted(scenes)
    manifest = {
        "schema_version": SCHEMA,
        "source": "phantom-drive",
        "captioner": "given",
        "extractor": "given",
        "synthetic": True,
        "settings": {"note": NOTE, "seed": seed},
        "all_scenes": len(names),
        "all_scenes_sha256": hashlib.sha256(json.dumps(names, ensure_ascii=False).encode()).hexdigest(),
        "counts": counts,
        "shard": None,
        "sha256": hashlib.sha256((out / "rows.jsonl").read_bytes()).hexdigest(),
    }
    write_file(out / "carim.json", json.dumps(manifest, indent=2) + "\n")


def write_lines(path: Path, values: Iterable[dict[str, Any]]) -> None:
    """One JSON object a line."""
    write_file(path, "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values))


def write_file(path: Path, content: str | bytes) -> None:
    """The whole file or none of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    part.replace(path)
