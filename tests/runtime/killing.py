"""Kills `python -m runtime index` and looks at what is left."""

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from runtime.errors import GalleryNotFoundError
from runtime.files import sha256_file
from runtime.gallery import Gallery

ROOT = Path(__file__).resolve().parents[2]
POLL_S = 0.01


def make_pictures(folder: Path, *, count: int) -> None:
    """`count` small pictures, each of another content."""
    folder.mkdir()
    rng = np.random.default_rng(5)
    for number in range(count):
        cv2.imwrite(str(folder / f"{number:03}.png"), rng.integers(0, 256, (48, 64, 3), dtype=np.uint8))


def kill_index(bundle: Path, pictures: Path, target: Path, stored: int, *, seconds: float) -> None:
    """Starts the command, waits until `stored` items are in the gallery and a little more, and kills it."""
    command = [sys.executable, "-m", "runtime", "index", pictures, "--bundle", bundle, "--gallery", target]
    process = subprocess.Popen(
        [*map(str, command), "--batch", "1", "--threads", "1"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while stored and count(target) < stored:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=POLL_S)
        assert process.returncode is None, "it ended by itself: the test killed nothing"
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)
    process.kill()
    assert process.wait() == -signal.SIGKILL


def count(target: Path) -> int:
    """How many items another process sees in the gallery right now."""
    try:
        with Gallery.open(target) as gallery:
            return len(gallery)
    except GalleryNotFoundError:
        return 0


def check_survivors(target: Path, pictures: Path) -> int:
    """How many items survive, after checking that the gallery is sound and every item whole and single."""
    try:
        gallery = Gallery.open(target)
    except GalleryNotFoundError:
        return 0
    with gallery:
        assert gallery.verify() == []
        ids, vectors = gallery.matrix()
        items = gallery.items([int(i) for i in ids])
        names = [Path(item.path).name for item in items]
        # one image a batch, in the order of the names: what is there is the first so many, without a gap
        assert names == sorted(path.name for path in pictures.iterdir())[: len(names)]
        for item in items:
            assert item.sha256 == sha256_file(Path(item.path))
        assert len(np.unique(vectors, axis=0)) == len(items)
        return len(items)
