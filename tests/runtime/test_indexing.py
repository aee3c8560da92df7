"""A data set becomes a gallery: what is bad is named, what is known is not encoded again."""

import shutil
import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.bulk import BulkPlan
from runtime.dataset import Dataset, read_dataset
from runtime.encoder import DualEncoder, open_encoder
from runtime.ensemble import stack_folds
from runtime.errors import InvalidInputError
from runtime.files import sha256_file
from runtime.gallery import Gallery
from runtime.images import encode_image, read_image
from runtime.indexing import index_dataset


@pytest.fixture(scope="module")
def encoder(bundle_folder: Path) -> DualEncoder:
    return open_encoder(bundle_folder, threads=2)


@pytest.fixture
def data(phantoms: Path, tmp_path: Path) -> Dataset:
    """Five phantoms in a folder of their own."""
    records = []
    for record in read_dataset(phantoms).records[:5]:
        path = tmp_path / "data" / record.file
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(record.path, path)
        records.append(replace(record, path=path))
    return Dataset(tmp_path / "data", tuple(records))


def make(folder: Path, encoder: DualEncoder) -> Gallery:
    return Gallery.create(folder, fingerprint=encoder.fingerprint, folds=encoder.folds, dims=encoder.dims)


def test_items_hold_captions_of_both_languages_metadata_and_the_stacked_vector(data, encoder, tmp_path):
    with make(tmp_path / "g", encoder) as gallery:
        report = index_dataset(data, gallery, encoder)
        assert (report.added, report.unchanged, report.skipped) == (5, 0, [])
        ids, vectors = gallery.matrix()
        for record, item, vector in zip(data.records, gallery.items([int(i) for i in ids]), vectors, strict=True):
            assert (item.path, item.sha256) == (str(record.path.resolve()), sha256_file(record.path))
            assert item.captions == (*record.captions, *record.captions_vi)
            assert item.metadata | record.metadata == item.metadata
            expected = stack_folds(encoder.encode_images([read_image(record.path)]))[0]
            np.testing.assert_allclose(vector, expected, atol=1e-5)


def test_a_second_run_encodes_only_what_changed_or_came(data, encoder, tmp_path):
    with make(tmp_path / "g", encoder) as gallery:
        first = replace(data, records=data.records[:3])
        index_dataset(first, gallery, encoder)
        shutil.copyfile(data.records[4].path, data.records[0].path)  # another picture under a known name
        ids_before = gallery.matrix()[0].tolist()
        report = index_dataset(data, gallery, encoder, batch=2)
        assert (report.added, report.unchanged) == (3, 2)
        ids, vectors = gallery.matrix()
        assert ids.tolist()[:3] == ids_before
        np.testing.assert_allclose(vectors[0], vectors[4], atol=1e-5)
        generation = gallery.generation
        report = index_dataset(data, gallery, encoder)
        assert (report.added, report.unchanged, gallery.generation) == (0, 5, generation)


def test_bad_files_never_stop_a_batch_and_are_named(data, encoder, tmp_path):
    data.records[1].path.write_bytes(b"not a picture")
    data.records[3].path.unlink()
    data = replace(data, problems=("row 9: no file name",))
    with make(tmp_path / "g", encoder) as gallery:
        report = index_dataset(data, gallery, encoder, batch=2)
        assert (report.added, len(gallery)) == (3, 3)
        skipped = "\n".join(report.skipped)
        assert len(report.skipped) == 3
        assert "row 9" in skipped
        for bad in (data.records[1], data.records[3]):
            assert str(bad.path) in skipped


def test_a_batch_of_nothing_but_bad_files_is_passed_over(data, encoder, tmp_path):
    for record in data.records[:2]:
        record.path.write_bytes(b"")
    with make(tmp_path / "g", encoder) as gallery:
        report = index_dataset(data, gallery, encoder, batch=2)
        assert (report.added, len(report.skipped)) == (3, 2)


def test_progress_grows_to_the_total(data, encoder, tmp_path):
    steps: list[tuple[int, int]] = []
    with make(tmp_path / "g", encoder) as gallery:
        index_dataset(data, gallery, encoder, batch=2, progress=lambda *step: steps.append(step))
        assert steps == [(2, 5), (4, 5), (5, 5)]


def test_ctrl_c_keeps_what_was_stored_ends_every_thread_and_the_next_call_continues(data, encoder, tmp_path):
    def interrupt(done: int, _total: int) -> None:
        if done >= 2:
            raise KeyboardInterrupt

    before = threading.active_count()
    with make(tmp_path / "g", encoder) as gallery:
        with pytest.raises(KeyboardInterrupt):
            index_dataset(data, gallery, encoder, batch=2, plan=BulkPlan(2, 2, 1), progress=interrupt)
        assert threading.active_count() == before
        assert len(gallery) == 2
        report = index_dataset(data, gallery, encoder, batch=2)
        assert (report.added, report.unchanged) == (3, 2)
        names = [Path(item.path).name for item in gallery.items(gallery.matrix()[0].tolist())]
        assert names == [record.path.name for record in data.records]


def test_every_plan_stores_the_same_vectors_and_says_how_fast(data, encoder, tmp_path):
    stored = []
    for number, plan in enumerate([BulkPlan(0, 0, 2), BulkPlan(1, 1, 4), BulkPlan(2, 2, 1)]):
        with make(tmp_path / f"g{number}", encoder) as gallery:
            report = index_dataset(data, gallery, encoder, batch=2, plan=plan)
            assert report.per_second == report.added / report.seconds > 0
            stored.append(gallery.matrix()[1].copy())
    np.testing.assert_allclose(stored[1], stored[0], atol=1e-5)
    np.testing.assert_allclose(stored[2], stored[0], atol=1e-5)


def test_a_large_jpeg_is_stored_as_its_whole_decoding_would_be(encoder, tmp_path):
    # a real scene's detail: phantoms and tuxpaint are small, so noise of several scales stands in for it (synthetic)
    rng = np.random.default_rng(0)
    shape = (8 * encoder.preprocess.size, 9 * encoder.preprocess.size)
    layers = [cv2.resize(rng.random((s, s, 3), np.float32), shape[::-1], interpolation=2) for s in (4, 20, 100, 500)]
    picture = np.clip(sum(layers) / 4 * 255, 0, 255).astype(np.uint8)
    path = tmp_path / "large.jpg"
    path.write_bytes(encode_image(picture, ".jpg"))
    reduced = read_image(path, at_least=encoder.preprocess.decode_at_least)
    assert reduced.shape[0] == shape[0] // 4
    with make(tmp_path / "g", encoder) as gallery:
        index_dataset(read_dataset(path.parent), gallery, encoder)
        stored = gallery.matrix()[1][0]
    np.testing.assert_allclose(stored, stack_folds(encoder.encode_images([reduced]))[0], atol=1e-5)
    whole = stack_folds(encoder.encode_images([read_image(path)]))[0]
    assert float(stored @ whole) > 0.999


def test_a_batch_below_one_is_refused(data, encoder, tmp_path):
    with make(tmp_path / "g", encoder) as gallery, pytest.raises(InvalidInputError, match="batch = 0"):
        index_dataset(data, gallery, encoder, batch=0)
