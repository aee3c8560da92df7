"""The matrix file: noticed and rebuilt when missing, damaged, or made from something else."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from runtime.gallery import Gallery
from runtime.gallery.cache import HEADER_BYTES

from .fakes import DIMS, FOLDS, new_item, vector_of


def filled(folder: Path, names: str = "abcde") -> Path:
    with Gallery.create(folder, fingerprint="b1", folds=FOLDS, dims=DIMS) as gallery:
        gallery.add([new_item(name) for name in names])
        gallery.matrix()
    return folder / "vectors-2.cache"


def flipped(position: int) -> Callable[[bytes], bytes]:
    def flip(content: bytes) -> bytes:
        changed = bytearray(content)
        changed[position] ^= 0x10
        return bytes(changed)

    return flip


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "magic": flipped(0),
    "length": flipped(9),
    "identity": flipped(20),
    "digest": flipped(60),
    "an id": flipped(HEADER_BYTES + 3),
    "a vector": flipped(-1),
    "cut by a byte": lambda content: content[:-1],
    "cut in the header": lambda content: content[: HEADER_BYTES - 1],
    "empty": lambda content: b"",
    "zeroed tail": lambda content: content[:-64] + bytes(64),
    "longer": lambda content: content + b"\0" * 8,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_noticed_and_rebuilt(
    tmp_path: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    cache = filled(tmp_path)
    sound = cache.read_bytes()
    cache.write_bytes(damage(sound))
    with caplog.at_level(logging.WARNING), Gallery.open(tmp_path) as gallery:
        ids, vectors = gallery.matrix()
        assert ids.tolist() == [1, 2, 3, 4, 5]
        np.testing.assert_array_equal(vectors, [vector_of(f"{name} 1") for name in "abcde"])
    assert "is rebuilt" in caplog.text
    assert cache.read_bytes() == sound


def test_a_sound_file_is_mapped_and_not_written_again(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    before = cache.stat()
    with Gallery.open(tmp_path) as gallery:
        first = gallery.matrix()[1]
        assert gallery.matrix()[1] is first
        assert not first.flags.writeable
        assert not first.flags.owndata
    assert (cache.stat().st_ino, cache.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_missing_file_is_made_again(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    cache.unlink()
    with Gallery.open(tmp_path) as gallery:
        assert len(gallery.matrix()[0]) == 5
    assert cache.is_file()


def test_a_sound_file_of_another_gallery_with_the_same_generation_is_not_believed(tmp_path: Path) -> None:
    cache, other = filled(tmp_path / "one"), filled(tmp_path / "two", "vwxyz")
    shutil.copy(other, cache)
    with Gallery.open(tmp_path / "one") as gallery:
        np.testing.assert_array_equal(gallery.matrix()[1][0], vector_of("a 1"))


def test_a_gallery_made_anew_in_an_old_folder_ignores_the_old_caches(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "vectors-77.cache").write_bytes(b"of a later generation")
    for file in tmp_path.glob("gallery.sqlite*"):
        file.unlink()
    filled(tmp_path, "vwxyz")
    with Gallery.open(tmp_path) as gallery:
        np.testing.assert_array_equal(gallery.matrix()[1][0], vector_of("v 1"))
    assert [path.name for path in tmp_path.glob("*.cache")] == ["vectors-2.cache"]


def test_old_generations_go_and_matrices_in_use_stay_readable(tmp_path: Path) -> None:
    filled(tmp_path)
    with Gallery.create(tmp_path, fingerprint="b1", folds=FOLDS, dims=DIMS) as gallery:
        old = gallery.matrix()[1]
        gallery.add([new_item("f")])
        assert len(gallery.matrix()[0]) == 6
    assert [path.name for path in tmp_path.glob("*.cache")] == ["vectors-3.cache"]
    np.testing.assert_array_equal(old, [vector_of(f"{name} 1") for name in "abcde"])


def test_a_killed_writers_file_is_swept_by_the_next_writer(tmp_path: Path) -> None:
    filled(tmp_path)
    left = tmp_path / ".vectors-2.cache.x1y2.part"
    left.write_bytes(b"half")
    with Gallery.open(tmp_path):
        assert left.exists()
    with Gallery.create(tmp_path, fingerprint="b1", folds=FOLDS, dims=DIMS):
        assert not left.exists()
