"""A folder that runs as a Hugging Face Space, or anywhere by `python app.py`: the app and nothing else."""

import re
import shutil
from pathlib import Path

from runtime.bundle import FILES, Bundle
from runtime.errors import InvalidInputError
from runtime.files import write_text

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("runtime", "demo", "assets")
PINS = "requirements-runtime.txt"
NOTES = ("LICENSE", "NOTICE", "README")  # what a bundle says of its licences travels with it
BUNDLE = Path("assets") / "bundles" / "kger"

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
each item ended.

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
    """Writes the Space to `out`: code, prompts, phantoms' generator, the bundle, and the pins of the runtime.

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
    # written anew, not copied: a bundle may point to a neighbour for a tower that both share
    Bundle.write(out / BUNDLE, checked.manifest, {name: checked.path(name) for name in FILES})
    for note in sorted(path for path in bundle.iterdir() if path.stem in NOTES):
        shutil.copyfile(note, out / BUNDLE / note.name)
    write_text(out / "requirements.txt", pins)
    write_text(out / "README.md", README.format(gradio=version[1]))
    write_text(out / "app.py", APP)
    write_text(out / ".gitattributes", ATTRIBUTES)
