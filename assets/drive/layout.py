"""The folder of a phantom drive: text/ and drawn/, and drive.json, which says what it holds."""

import json
from collections.abc import Callable
from pathlib import Path

from ..phantoms.errors import PhantomError
from .drawn import write_drawn_part
from .text import NOTE, SCHEMA, write_file, write_text_part

_VERSION = 1  # raised whenever a word or a picture changes, so that two drives never mix in one folder
_MANIFEST = "drive.json"
PARTS = ("text", "drawn")


def generate(
    out: Path,
    *,
    scenes: int = 60,
    text_scenes: int = 2000,
    seconds: float = 20.0,
    seed: int = 7,
    only: str | None = None,
    ready: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, dict[str, int]]:
    """Writes the parts of a drive (`only` one of them) and returns what each counts.

    The bytes depend on the numbers and the seed only. Raises PhantomError for numbers that cannot be, and where
    `out` holds another drive or anything else.
    """
    if scenes < 1 or text_scenes < 1:
        raise PhantomError(f"--scenes {scenes} --text-scenes {text_scenes}: expected at least one of each")
    if not 0.5 <= seconds <= 600:
        raise PhantomError(f"--seconds {seconds:g}: expected 0.5 to 600, for example --seconds 20")
    if seed < 0:
        raise PhantomError(f"--seed {seed}: a seed is a number from 0 upwards, for example --seed 7")
    parts = {
        "text": {"scenes": text_scenes},
        "drawn": {"scenes": scenes, "seconds": seconds},
    }
    parts = {name: parts[name] for name in PARTS if only in {None, name}}
    _claim(out, parts, seed)
    done = {}
    if "text" in parts:
        done["text"] = write_text_part(out / "text", scenes=text_scenes, seed=seed)
    if "drawn" in parts:
        done["drawn"] = write_drawn_part(
            out / "drawn", scenes=scenes, seconds=seconds, seed=seed, ready=ready, progress=progress
        )
    return done


def _claim(out: Path, parts: dict[str, dict[str, float]], seed: int) -> None:
    """Says in drive.json what the folder is to hold; refuses one that holds something else."""
    wanted = {"schema_version": SCHEMA, "synthetic": True, "note": NOTE, "version": _VERSION, "seed": seed}
    if out.exists() and not out.is_dir():
        raise PhantomError(f"{out} is a file; give a folder to write the drive to")
    found, held = out / _MANIFEST, {}
    if found.is_file():
        try:
            value = json.loads(found.read_text("utf-8"))
            held = dict(value["parts"])
            same = {name: value.get(name) for name in wanted} == wanted
        except (ValueError, KeyError, TypeError):
            same = False
        clash = [name for name in parts if name in held and held[name] != parts[name]]
        if not same or clash:
            raise PhantomError(f"{out} holds another phantom drive than --seed {seed} {parts}; give another folder")
    elif out.is_dir() and any(out.iterdir()):
        raise PhantomError(f"{out} is not empty and holds no phantom drive; give an empty or a new folder")
    out.mkdir(parents=True, exist_ok=True)
    write_file(found, json.dumps({**wanted, "parts": {**held, **parts}}, indent=2) + "\n")
