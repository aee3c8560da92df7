"""Terms: stored with their items or not at all, found again, cached by content, and checked."""

import contextlib
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from runtime.errors import GalleryError
from runtime.gallery import Gallery, NewItem

DIMS = 8


def row(number: int) -> np.ndarray:
    vector = np.zeros(DIMS, np.float32)
    vector[number] = 1
    return vector


def item(name: str, *terms: str, scene: str | None = None) -> NewItem:
    metadata = {"frame_id": name, "elements": list(terms)} | ({"scene": scene} if scene else {})
    return NewItem(name, "0" * 64, ("a caption",), metadata, row(0))


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    with Gallery.create(tmp_path / "g", fingerprint="b1", folds=1, dims=DIMS) as gallery:
        gallery.add(
            [item("a", "rain", "night", scene="s"), item("b", "rain", scene="s")], {"rain": row(1), "night": row(2)}
        )
        gallery.add([item("c", "fog")], {"fog": 0.5 * row(3)})
        yield gallery


def test_items_name_rows_of_the_different_terms(gallery: Gallery) -> None:
    arrays = gallery.terms().arrays
    assert arrays.offsets.tolist() == [0, 2, 3, 4]
    assert gallery.term_texts(arrays.ids[arrays.refs].tolist()) == ["rain", "night", "rain", "fog"]
    np.testing.assert_array_equal(arrays.vectors[arrays.refs[3]], 0.5 * row(3))
    assert arrays.groups.tolist() == [0, 0, 1], "a and b are frames of one scene"
    assert set(gallery.term_vectors(["rain", "snow"])) == {"rain"}


def test_a_refused_batch_leaves_neither_items_nor_terms(gallery: Gallery) -> None:
    for bad in (np.full(DIMS, np.nan), 2 * row(1), np.zeros(DIMS), np.ones(3)):
        with pytest.raises(GalleryError, match="Nothing of the batch was stored"):
            gallery.add([item("d", "snow", "ice")], {"snow": row(4), "ice": bad.astype(np.float32)})
    assert len(gallery) == 3
    assert gallery.term_vectors(["snow", "ice"]) == {}


def test_an_item_whose_term_has_no_vector_is_named(gallery: Gallery) -> None:
    gallery.add([item("d", "snow")])
    assert gallery.verify() == ["item 4 (d): no vector of the term 'snow'"]
    with pytest.raises(GalleryError, match=r"such as 'snow'.*runtime verify"):
        gallery.terms()


def test_a_deleted_item_and_its_terms_leave(gallery: Gallery) -> None:
    gallery.delete([3])
    arrays = gallery.terms().arrays
    assert gallery.term_texts(arrays.ids.tolist()) == ["rain", "night"]


def test_the_cache_is_mapped_replaced_and_rebuilt_when_damaged(gallery: Gallery) -> None:
    first = gallery.terms()
    assert gallery.terms() is first
    (path,) = gallery.folder.glob("terms-*.cache")
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert any("terms-" in line for line in gallery.verify())
    with Gallery.open(gallery.folder) as reader:
        arrays = reader.terms().arrays
        assert not arrays.vectors.flags.writeable
        np.testing.assert_array_equal(arrays.vectors, first.arrays.vectors)
    assert path.read_bytes() == content
    gallery.add([item("d", "rain")])
    assert len(gallery.terms().arrays.items) == 4
    assert [p.name for p in gallery.folder.glob("terms-*.cache")] == [f"terms-{gallery.generation}.cache"]


def test_another_bundle_sees_no_terms_of_the_first(gallery: Gallery) -> None:
    with Gallery.create(gallery.folder, fingerprint="b2", folds=1, dims=DIMS, reencode=True) as second:
        assert second.term_vectors(["rain"]) == {}
        second.add([item("b", "rain")], {"rain": row(5)})
        arrays = second.terms().arrays
        assert arrays.items.tolist() == [2], "items keep their ids"
        np.testing.assert_array_equal(arrays.vectors, row(5)[None])


def test_a_gallery_without_terms_gets_no_table(tmp_path: Path) -> None:
    with Gallery.create(tmp_path / "g", fingerprint="b1", folds=1, dims=DIMS) as gallery:
        gallery.add([NewItem(str(tmp_path), "0" * 64, (), {}, row(0))])
        assert len(gallery.terms().arrays.items) == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "g" / "gallery.sqlite")) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert ("terms",) not in tables
