"""The first start: interrupted at any picture, the next one continues and ends with the same gallery."""

from pathlib import Path

import pytest

from demo.first_start import DRAW, INDEX, Places, Preparation, open_ready, prepare_gallery
from runtime.gallery import Gallery

from .colours import ColourEncoder

IMAGES = 20
IN_FLIGHT = 12  # three turns of four pictures: the model runs ahead of what is stored


class StoppedError(Exception):
    pass


def stop_at(stage: str, done: int):
    def progress(now: str, count: int, total: int) -> None:
        if now == stage and count >= done:
            raise StoppedError

    return progress


def quiet(stage: str, done: int, total: int) -> None:
    """Progress that nobody reads."""


def test_an_interrupted_first_start_is_continued(tmp_path: Path) -> None:
    places, encoder = Places(tmp_path), ColourEncoder()
    with pytest.raises(StoppedError):
        prepare_gallery(encoder, places, stop_at(DRAW, 5), images=IMAGES)
    drawn = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("phantom_*.png")}
    assert 5 <= len(drawn) <= IMAGES
    with pytest.raises(StoppedError):
        prepare_gallery(encoder, places, stop_at(INDEX, 16), images=IMAGES)
    assert all(path.stat().st_mtime_ns == before for path, before in drawn.items())
    assert 16 <= encoder.encoded <= 16 + IN_FLIGHT
    folder = prepare_gallery(encoder, places, quiet, images=IMAGES)
    assert encoder.encoded <= IMAGES + IN_FLIGHT  # what was stored is not encoded twice
    with Gallery.open(folder, fingerprint=encoder.fingerprint) as gallery:
        assert len(gallery) == IMAGES
        assert gallery.verify() == []
    before = encoder.encoded
    assert prepare_gallery(encoder, places, quiet, images=IMAGES) == folder
    assert encoder.encoded == before


def test_another_bundle_gets_another_gallery_over_the_same_phantoms(tmp_path: Path) -> None:
    first = prepare_gallery(ColourEncoder("one"), Places(tmp_path), quiet, images=6)
    second = prepare_gallery(ColourEncoder("two"), Places(tmp_path), quiet, images=6)
    assert first != second
    assert len(list(tmp_path.rglob("phantom_*.png"))) == 6


def test_the_truth_of_a_caption_is_every_picture_of_its_class_and_finding(tmp_path: Path, phantoms: Path) -> None:
    encoder = ColourEncoder()
    ready = open_ready(encoder, prepare_gallery(encoder, Places(tmp_path, data=phantoms), quiet))
    gallery = ready.system.gallery
    items = gallery.items([int(i) for i in gallery.matrix()[0]])
    item = items[3]
    same = {
        i.id
        for i in items
        if (i.metadata["class"], i.metadata["type"]) == (item.metadata["class"], item.metadata["type"])
    }
    assert ready.truth.of_item(item.id) == same
    assert item.caption is not None
    assert same <= (ready.truth.of_text(item.caption.upper() + ".") or frozenset())
    assert ready.truth.of_text("a sentence that stands in no caption") is None
    assert ready.synthetic


def test_examples_are_spread_over_the_classes_and_filters_are_offered(tmp_path: Path, phantoms: Path) -> None:
    encoder = ColourEncoder()
    ready = open_ready(encoder, prepare_gallery(encoder, Places(tmp_path, data=phantoms), quiet))
    assert len({item.metadata["class"] for item in ready.examples.pictures}) == len(ready.examples.pictures) == 6
    assert len(ready.examples.texts) == len(set(ready.examples.texts)) >= 7
    assert "class=ear-left" in ready.examples.filters


def test_a_preparation_that_fails_says_so_in_a_sentence(tmp_path: Path) -> None:
    preparation = Preparation(ColourEncoder(), Places(tmp_path, data=tmp_path / "nowhere"), report=quiet)
    preparation.start()
    preparation.wait()
    assert preparation.ready is None
    assert "no such file or folder" in (preparation.error or "")
