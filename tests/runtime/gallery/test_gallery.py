"""What a gallery stores, refuses and says."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runtime.errors import GalleryError, GalleryNotFoundError, InvalidInputError
from runtime.gallery import Gallery

from .fakes import DIMS, FOLDS, WIDTH, new_item, vector_of


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery.create(tmp_path / "g", fingerprint="b1", folds=FOLDS, dims=DIMS) as made:
        yield made


def test_items_come_back_as_they_went_in_in_the_asked_order(gallery: Gallery) -> None:
    ids = gallery.add(
        [new_item("a.png", captions=("viêm tai", "otitis"), side="left", lesion={"mm": 6}), new_item("b.png")]
    )
    second, first = gallery.items(ids[::-1])
    assert (first.path, first.captions, first.caption) == ("a.png", ("viêm tai", "otitis"), "viêm tai")
    assert first.metadata == {"side": "left", "lesion": {"mm": 6}}
    assert (second.path, second.captions, second.caption, second.metadata) == ("b.png", (), None, {})
    assert gallery.item(ids[0]) == first
    assert gallery.known() == {"a.png": new_item("a.png").sha256, "b.png": new_item("b.png").sha256}


def test_a_changed_file_replaces_its_row_and_keeps_its_id(gallery: Gallery) -> None:
    before = gallery.add([new_item("a.png"), new_item("b.png")])
    assert gallery.add([new_item("a.png", "2", captions=("new",))]) == before[:1]
    ids, vectors = gallery.matrix()
    assert ids.tolist() == before
    np.testing.assert_array_equal(vectors, [vector_of("a.png 2"), vector_of("b.png 1")])
    assert gallery.item(before[0]).captions == ("new",)


def test_a_deleted_item_is_out_of_search_but_readable_until_added_again(gallery: Gallery) -> None:
    first, second = gallery.add([new_item("a.png", side="left"), new_item("b.png", side="left")])
    assert gallery.delete([first, first, 999]) == 1
    assert len(gallery) == 1
    assert list(gallery.known()) == ["b.png"]
    assert gallery.matrix()[0].tolist() == [second]
    assert gallery.allowed_ids(["side=left"]) == [second]
    assert gallery.item(first).path == "a.png"
    assert gallery.add([new_item("a.png")]) == [first]
    assert len(gallery) == 2


def test_generation_moves_with_every_change_and_only_then(gallery: Gallery) -> None:
    seen = [gallery.generation]
    ids = gallery.add([new_item("a.png")])
    seen.append(gallery.generation)
    gallery.add([])
    gallery.delete([999])
    seen.append(gallery.generation)
    gallery.delete(ids)
    seen.append(gallery.generation)
    assert seen == [1, 2, 2, 3]


@pytest.mark.parametrize(
    "vector",
    [
        np.full(WIDTH, np.nan, np.float32),
        np.full(WIDTH, np.inf, np.float32),
        np.zeros(WIDTH, np.float32),
        2 * vector_of("x"),
        vector_of("x")[:-1],
        vector_of("x")[None],
    ],
    ids=["nan", "infinite", "zero", "norm 2", "too short", "two-dimensional"],
)
def test_a_vector_that_is_no_unit_row_refuses_the_whole_batch(gallery: Gallery, vector: np.ndarray) -> None:
    with pytest.raises(GalleryError, match=r"bad\.png"):
        gallery.add([new_item("good.png"), replace(new_item("bad.png"), vector=vector)])
    assert len(gallery) == 0


@pytest.mark.parametrize(
    ("path", "metadata"),
    [("a\udcff.png", {}), ("a.png", {"mm": float("nan")}), ("a.png", {"mm": object()}), ("a.png", {"x": "\ud800"})],
    ids=["path not UTF-8", "NaN", "no JSON", "lone surrogate"],
)
def test_what_json_or_sqlite_cannot_hold_is_refused_by_name(
    gallery: Gallery, path: str, metadata: dict[str, object]
) -> None:
    item = replace(new_item("a.png"), path=path, metadata=metadata)
    with pytest.raises(GalleryError, match=r"a.*\.png"):
        gallery.add([new_item("good.png"), item])
    assert len(gallery) == 0


def test_an_unknown_id_is_named(gallery: Gallery) -> None:
    with pytest.raises(InvalidInputError, match="no item 12"):
        gallery.items([12])


def test_another_bundles_gallery_is_refused_with_the_command_that_reencodes_it(gallery: Gallery) -> None:
    command = rf"python -m runtime index DATA --gallery {gallery.folder} --bundle BUNDLE --reencode"
    with pytest.raises(GalleryError, match=command):
        Gallery.open(gallery.folder, fingerprint="b2")
    with pytest.raises(GalleryError, match=command):
        Gallery.create(gallery.folder, fingerprint="b2", folds=FOLDS, dims=DIMS)
    with Gallery.open(gallery.folder, fingerprint="b1") as same:
        assert (same.info.folds, same.info.dims, same.info.precision) == (FOLDS, DIMS, "fp32")


def test_reencoding_keeps_ids_and_continues_where_it_was_stopped(gallery: Gallery) -> None:
    before = gallery.add([new_item("a.png"), new_item("b.png")])
    gallery.matrix()
    with Gallery.create(gallery.folder, fingerprint="b2", folds=FOLDS, dims=DIMS, reencode=True) as new:
        assert (len(new), new.known(), new.matrix()[0].size) == (0, {}, 0)
        new.add([new_item("b.png", "2")])
        with pytest.raises(GalleryError, match="re-encodes"):
            gallery.add([new_item("c.png")])
    with Gallery.create(gallery.folder, fingerprint="b2", folds=FOLDS, dims=DIMS, reencode=True) as new:
        assert list(new.known()) == ["b.png"]
        assert "1 items still have vectors of another bundle" in " ".join(new.verify())
        new.add([new_item("a.png", "2")])
        assert new.matrix()[0].tolist() == before
        np.testing.assert_array_equal(new.matrix()[1], [vector_of("a.png 2"), vector_of("b.png 2")])


def test_an_unknown_schema_version_is_refused_and_left_alone(gallery: Gallery) -> None:
    gallery.close()
    with sqlite3.connect(gallery.folder / "gallery.sqlite") as raw:
        raw.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    raw.close()
    for attempt in (
        lambda: Gallery.open(gallery.folder),
        lambda: Gallery.create(gallery.folder, fingerprint="b2", folds=1, dims=4, reencode=True),
    ):
        with pytest.raises(GalleryError, match="schema version 99"):
            attempt()
    raw = sqlite3.connect(gallery.folder / "gallery.sqlite")
    assert raw.execute("SELECT value FROM meta WHERE key = 'fingerprint'").fetchone() == ("b1",)
    raw.close()


def test_opening_where_there_is_none_makes_none(tmp_path: Path) -> None:
    for readonly in (True, False):
        with pytest.raises(GalleryNotFoundError, match=r"python -m runtime index DATA --gallery"):
            Gallery.open(tmp_path / "none", readonly=readonly)
    assert not (tmp_path / "none").exists()


def test_a_damaged_database_is_an_error_that_says_so(gallery: Gallery) -> None:
    gallery.add([new_item(f"{i}.png") for i in range(50)])
    gallery.close()
    file = gallery.folder / "gallery.sqlite"
    file.write_bytes(b"not a database at all" * 500)
    with pytest.raises(GalleryError, match="damaged"):
        Gallery.open(gallery.folder)


def test_a_closed_gallery_is_not_called_damaged(gallery: Gallery) -> None:
    gallery.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        len(gallery)


def test_a_gallery_opened_to_read_cannot_be_written(gallery: Gallery) -> None:
    with Gallery.open(gallery.folder) as reader, pytest.raises(GalleryError, match="read-only"):
        reader.add([new_item("a.png")])
    with Gallery.open(gallery.folder, readonly=False) as writer:
        assert writer.add([new_item("a.png")]) == [1]


def test_a_folder_nobody_may_write_is_still_searched() -> None:
    folder = Path(tempfile.mkdtemp())
    nobody = 65534
    try:
        with Gallery.create(folder / "g", fingerprint="b1", folds=FOLDS, dims=DIMS) as made:
            made.add([new_item("a.png", side="left"), new_item("b.png", side="right")])
        folder.chmod(0o755)
        (folder / "g").chmod(0o555)
        if os.geteuid() == 0:
            os.seteuid(nobody)  # root may write anywhere
        with Gallery.open(folder / "g", fingerprint="b1") as reader:
            ids, vectors = reader.matrix()
            assert reader.allowed_ids(["side=right"]) == [ids[1]]
            np.testing.assert_array_equal(vectors, [vector_of("a.png 1"), vector_of("b.png 1")])
            assert not vectors.flags.writeable
        assert [path.name for path in (folder / "g").iterdir()] == ["gallery.sqlite"]
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
        (folder / "g").chmod(0o755)
        shutil.rmtree(folder)


def test_verify_names_every_kind_of_fault(tmp_path: Path) -> None:
    image = tmp_path / "here.png"
    image.touch()
    with Gallery.create(tmp_path / "g", fingerprint="b1", folds=FOLDS, dims=DIMS) as made:
        first, second = made.add([new_item(image), new_item(tmp_path / "gone.png")])
        made.matrix()
        assert made.verify() == [f"item {second}: the image {tmp_path / 'gone.png'} is gone"]
        made._connection.execute("UPDATE items SET vector = zeroblob(?) WHERE id = ?", (4 * WIDTH, first))
        made._connection.execute("UPDATE items SET vector = x'00' WHERE id = ?", (second,))
        cache = next((tmp_path / "g").glob("*.cache"))
        cache.write_bytes(cache.read_bytes()[:-1])
        report = "\n".join(made.verify())
    for part in (
        f"item {first} ({image}): its vector has norm 0",
        "has 1 bytes, expected",
        f"{cache.name} is cut short",
    ):
        assert part in report
