"""A folder that runs as a Hugging Face Space, or anywhere by `python app.py`: the app and nothing else."""

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from runtime.bundle import FILES, MANIFEST, Bundle
from runtime.errors import InvalidInputError
from runtime.files import write_text

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("runtime", "demo", "assets")
PINS = "requirements-runtime.txt"
NOTES = ("LICENSE", "NOTICE", "README")  # what a bundle says of its licences travels with it
BUNDLES = Path("assets") / "bundles"
BUNDLE = BUNDLES / "kger"
PANELS = {  # the siblings' bundles that travel along where they are there, and what their panels do
    "ent": "picture to picture by a vector field",
    "nodule": "lung nodules by size, on phantom CT",
    "carim": "driving scenes by text, with a player, on a phantom drive",
}

README = """---
title: KGER
emoji: 🔎
colorFrom: green
colorTo: indigo
sdk: gradio
sdk_version: {gradio}
python_version: "3.11"
app_file: app.py
pinned: false
license: apache-2.0
suggested_hardware: cpu-basic
---

# KGER: knowledge-grounded image retrieval

Text, picture, or both → images, by ten folds of one dual encoder; an optional judge; Pos-Fuse of both rankings.
Every stage stands side by side: what retrieval found and how the folds voted, what the judge said, and where
each item ended.{panels}

The gallery holds **synthetic phantoms**: they are drawn by a program at the first start (about a minute), show no
patient and are not clinical images. **Not a medical device.** The Gemini judge works only with a key in the
Space's secrets (`GEMINI_API_KEY`) and after the visitor's consent, because pictures then leave the machine.

To run this folder elsewhere, with Python 3.11: `pip install -r requirements.txt && python app.py`
"""

APP = '''"""Starts the app; host and port come from the environment, as a Space sets them."""

import os
import sys

from demo.__main__ import main

if __name__ == "__main__":
    host = os.environ.get("GRADIO_SERVER_NAME", "0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1")
    port = os.environ.get("GRADIO_SERVER_PORT", "7860")
    sys.exit(main(["--host", host, "--port", port, *sys.argv[1:]]))
'''

# a Space's git takes files above 10 MB through LFS only
ATTRIBUTES = "*.onnx filter=lfs diff=lfs merge=lfs -text\n"

_GRADIO = re.compile(r"^gradio==(\S+)$", re.MULTILINE)


def assemble(out: Path, bundle: Path) -> None:
    """Writes the Space to `out`: code, prompts, phantoms, the bundle and its siblings', and the pins of the runtime.

    gradio stays among the pins, in the Space's own version, so that the folder runs elsewhere too.
    Raises InvalidInputError where `out` is not empty, BundleError or BundleNotFoundError without a sound bundle.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InvalidInputError(f"{out} is not an empty folder; give a new one: python -m demo space OUT")
    checked = Bundle.open(bundle)
    pins = (ROOT / PINS).read_text("utf-8")
    version = _GRADIO.search(pins)
    if version is None:
        raise InvalidInputError(f"{PINS} does not pin gradio (gradio==VERSION), which the Space must name")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package,
            out / package,
            ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "*.pyi", "bundles", ".*"),
        )
    _write_bundle(checked, out / BUNDLE, FILES)
    siblings = [name for name in PANELS if _write_sibling(ROOT / BUNDLES / name, out)]
    write_text(out / "requirements.txt", pins)
    write_text(out / "README.md", README.format(gradio=version[1], panels=_told(siblings)))
    write_text(out / "app.py", APP)
    write_text(out / ".gitattributes", ATTRIBUTES)


def _write_bundle(bundle: Bundle, folder: Path, files: Iterable[str], shared: Mapping[str, Path] | None = None) -> None:
    # written anew, not copied: a bundle may point to a neighbour for a tower that both share
    sources = {name: bundle.path(name) for name in files if name not in (shared or {})}
    Bundle.write(folder, bundle.manifest, sources, shared=shared)
    for note in sorted(path for path in bundle.folder.iterdir() if path.stem in NOTES):
        shutil.copyfile(note, folder / note.name)


def _write_sibling(folder: Path, out: Path) -> bool:
    """Writes a sibling's bundle beside the main one; False where there is none, or where it needs another tower."""
    if not (folder / MANIFEST).is_file():
        return False
    bundle, main = Bundle.open(folder), Bundle.open(out / BUNDLE)
    shared = {}
    for name, entry in bundle.manifest.files.items():
        if not entry.path.startswith(".."):
            continue
        if name not in main.manifest.files or main.manifest.files[name].sha256 != entry.sha256:
            return False
        shared[name] = main.path(name)
    _write_bundle(bundle, out / BUNDLES / folder.name, bundle.manifest.files, shared)
    return True


def _told(siblings: list[str]) -> str:
    return f" Below them: {'; '.join(PANELS[name] for name in siblings)}." if siblings else ""
