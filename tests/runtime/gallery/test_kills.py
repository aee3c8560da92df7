"""kill -9 at random moments, twenty times: nothing lost, nothing doubled."""

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from runtime.errors import GalleryNotFoundError
from runtime.gallery import Gallery

from .adder import BATCH
from .fakes import new_item, vector_of

ROOT = Path(__file__).resolve().parents[3]
FILES = 2000
KILLS = 20


def adder(images: Path, target: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.runtime.gallery.adder", str(images), str(target)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


def killed_after(process: "subprocess.Popen[bytes]", lines: int, seconds: float) -> int:
    """Kills after some stored batches and a little more; returns how many batches it had reported."""
    assert process.stdout
    reported = sum(bool(process.stdout.readline()) for _ in range(lines))
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)
    process.kill()
    reported += len(process.stdout.readlines())
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL, "it ended by itself: the test killed nothing"
    return reported


def checked_length(target: Path) -> int:
    """How many items survive, after checking that each is whole and right."""
    try:
        gallery = Gallery.open(target, fingerprint="b1")
    except GalleryNotFoundError:
        return 0  # killed before there was anything
    with gallery:
        assert gallery.verify() == []
        ids, vectors = gallery.matrix()
        items = gallery.items([int(i) for i in ids])
        assert len({item.path for item in items}) == len(items) == len(gallery)
        for item, vector in zip(items, vectors, strict=True):
            assert item.sha256 == new_item(item.path).sha256
            np.testing.assert_array_equal(vector, vector_of(f"{item.path} 1"))
        assert gallery.generation == 1 + len(items) // BATCH
        return len(items)


@pytest.mark.slow
def test_twenty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    images, target = tmp_path / "images", tmp_path / "gallery"
    images.mkdir()
    for number in range(FILES):
        (images / f"{number:04}.png").touch()
    rng = np.random.default_rng(7)
    stored = 0
    for _ in range(KILLS):
        reported = killed_after(adder(images, target), int(rng.integers(0, 7)), float(rng.uniform(0, 0.03)))
        length = checked_length(target)
        assert length % BATCH == 0, "a batch was stored in part"
        assert length >= stored + BATCH * reported, "a batch that was reported as stored is lost"
        stored = length
    assert BATCH * KILLS < stored < FILES

    process = adder(images, target)
    process.communicate()
    assert process.returncode == 0
    assert checked_length(target) == FILES
    with Gallery.open(target) as gallery:
        assert set(gallery.known()) == {str(path) for path in images.iterdir()}
        assert gallery.generation == 1 + FILES // BATCH
    names = sorted(path.name for path in target.iterdir() if "cache" in path.name)
    assert names == [f"vectors-{1 + FILES // BATCH}.cache"], "a killed writer's file or an old cache stayed"


def test_a_second_run_over_the_same_files_adds_nothing(tmp_path: Path) -> None:
    images, target = tmp_path / "images", tmp_path / "gallery"
    images.mkdir()
    for number in range(10):
        (images / f"{number}.png").touch()
    outputs = [adder(images, target).communicate()[0].count(b"stored") for _ in range(2)]
    assert outputs == [3, 0]
    with Gallery.open(target) as gallery:
        assert (len(gallery), gallery.generation) == (10, 4)
