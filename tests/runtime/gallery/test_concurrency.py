"""Threads that read while a writer adds see whole batches and right vectors."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np

from runtime.gallery import Gallery

from .fakes import DIMS, FOLDS, new_item, vector_of

BATCH, BATCHES = 5, 40


def read_until(done: threading.Event, gallery: Gallery) -> int:
    """Reads again and again; returns how many different generations it saw."""
    seen = set()
    while True:
        last = done.is_set()
        current = gallery.snapshot()
        assert len(current.ids) == BATCH * (current.generation - 1), "a batch was seen in part"
        assert len(current.vectors) == len(current.ids)
        seen.add(current.generation)
        if len(current.ids):
            item = gallery.item(int(current.ids[-1]))
            np.testing.assert_array_equal(current.vectors[-1], vector_of(f"{item.path} 1"))
            allowed = gallery.allowed_ids(["even=true"])
            assert allowed is not None
            assert len(allowed) >= len(current.ids) // 2
        if last:
            return len(seen)


def test_readers_beside_a_writer_see_whole_batches(tmp_path: Path) -> None:
    done = threading.Event()
    with (
        Gallery.create(tmp_path, fingerprint="b1", folds=FOLDS, dims=DIMS) as writer,
        Gallery.open(tmp_path) as shared,
        Gallery.open(tmp_path) as other,
        ThreadPoolExecutor(4) as pool,
    ):
        readers = [pool.submit(read_until, done, gallery) for gallery in (shared, shared, other, writer)]
        try:
            for start in range(0, BATCH * BATCHES, BATCH):
                writer.add([new_item(f"{i}.png", even=i % 2 == 0) for i in range(start, start + BATCH)])
        finally:
            done.set()
        assert all(reader.result() >= 1 for reader in readers)
        assert len(shared) == BATCH * BATCHES


def test_a_gallery_made_by_many_at_once_is_made_once(tmp_path: Path) -> None:
    start = Barrier(4)

    def create(folder: Path) -> str:
        start.wait()
        with Gallery.create(folder, fingerprint="b1", folds=FOLDS, dims=DIMS) as gallery:
            return gallery.info.fingerprint

    with ThreadPoolExecutor(4) as pool:
        for i in range(40):  # without waiting for the journal's switch one of nine collides
            assert list(pool.map(create, [tmp_path / str(i)] * 4)) == ["b1"] * 4


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    def add(part: int) -> None:
        with Gallery.create(tmp_path, fingerprint="b1", folds=FOLDS, dims=DIMS) as gallery:
            for i in range(20):
                gallery.add([new_item(f"shared-{i}.png"), new_item(f"{part}-{i}.png")])

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(add, range(3)))
    with Gallery.open(tmp_path) as gallery:
        assert len(gallery) == 20 + 3 * 20
        assert gallery.generation == 1 + 3 * 20
