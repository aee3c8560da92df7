"""The ENTRep folder: imgs/, cls.json, data.json, t2i.json, i2i.json, and truth.csv beside them.

`phantoms.json` is written first and says which set the folder holds; pictures are written whole or not at
all; the tables come last. So an interrupted run is continued by the same call, a finished one left as it is.
"""

import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2

from .cohort import Item, plan
from .errors import PhantomError
from .render import render
from .tables import tables

_VERSION = 2  # raised whenever a picture or a caption changes, so that two drawings never mix in one folder
_MANIFEST = "phantoms.json"
_PNG_END = b"IEND\xaeB`\x82"
_OURS = (_MANIFEST, "README.txt", "truth.csv", "cls.json", "data.json", "t2i.json", "i2i.json")


def generate(
    out: Path,
    *,
    images: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
    force: bool = False,
) -> None:
    """Writes a set of `images` phantoms to `out`, or continues one that was interrupted.

    The bytes depend on `images` and `seed` only. `progress(done, total)` is called after every image. `force`
    replaces another phantom set in `out`. Raises PhantomError where `out` holds anything else.
    """
    if images < 1:
        raise PhantomError(f"--images {images}: at least one image is needed, for example --images 600")
    if seed < 0:
        raise PhantomError(f"--seed {seed}: a seed is a number from 0 upwards, for example --seed 7")
    _claim(out, images, seed, force)
    items = plan(images, seed)
    done = 0
    with ThreadPoolExecutor(workers or min(4, os.cpu_count() or 1)) as pool:
        # cv2 and NumPy let go of the interpreter while they work on whole pictures
        for _ in pool.map(lambda item: _write_image(out / "imgs" / item.file, item, seed), items):
            done += 1
            if progress is not None:
                progress(done, images)
    for name, content in tables(items, seed).items():
        _write(out / name, content)


def _claim(out: Path, images: int, seed: int, force: bool) -> None:
    manifest = {"kind": "synthetic phantom", "version": _VERSION, "images": images, "seed": seed}
    if out.exists() and not out.is_dir():
        raise PhantomError(f"{out} is a file; give a folder to write the phantoms to")
    found = out / _MANIFEST
    if found.is_file():
        try:
            held = json.loads(found.read_text(encoding="utf-8"))
        except ValueError:
            held = None
        if held == manifest:
            return
        if not force:
            raise PhantomError(
                f"{out} holds another phantom set ({json.dumps(held)}), not --images {images} --seed {seed}; "
                "give another folder, or --force to replace that set"
            )
        _clear(out)
    elif out.is_dir() and any(out.iterdir()):
        raise PhantomError(f"{out} is not empty and holds no phantom set; give an empty or a new folder")
    (out / "imgs").mkdir(parents=True, exist_ok=True)
    _write(found, json.dumps(manifest, indent=2) + "\n")


def _clear(out: Path) -> None:
    """Removes what this generator wrote, the manifest last; anything else in the folder stays."""
    for picture in (out / "imgs").glob("phantom_*.png"):
        picture.unlink()
    if (out / "imgs").is_dir() and not any((out / "imgs").iterdir()):
        shutil.rmtree(out / "imgs")
    for name in reversed(_OURS):
        (out / name).unlink(missing_ok=True)


def _write(path: Path, content: str | bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    part.replace(path)


def _write_image(path: Path, item: Item, seed: int) -> None:
    if _whole(path):
        return
    picture = render(
        seed,
        patient=item.patient,
        view=item.view,
        classification=item.classification,
        finding=item.finding,
        severity=item.severity,
    )
    fast = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    _write(path, cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), fast)[1].tobytes())


def _whole(path: Path) -> bool:
    """Whether a PNG is there to its last chunk: a power cut may leave a short file behind a rename."""
    if not path.is_file() or path.stat().st_size < 64:
        return False
    with path.open("rb") as file:
        file.seek(-len(_PNG_END), os.SEEK_END)
        return file.read() == _PNG_END
