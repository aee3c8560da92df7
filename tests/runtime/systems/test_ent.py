"""Picture to picture on a real gallery with the shipped ent bundle."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.bundle import Bundle
from runtime.dataset import read_dataset
from runtime.ent.batch import read_image_queries, run_image_batch
from runtime.ent.cli import BUNDLE
from runtime.ent.flow import FlowGraph
from runtime.errors import BundleError, GalleryError, InvalidInputError
from runtime.gallery import Gallery
from runtime.images import read_image
from runtime.options import DEFAULT_BUNDLE as KGER_BUNDLE
from runtime.results import Query
from runtime.systems.ent import EntSettings, EntSystem, open_ent


@pytest.fixture(scope="module")
def system(small_gallery: Path) -> EntSystem:
    return open_ent(BUNDLE, small_gallery, threads=2)


@pytest.fixture(scope="module")
def picture(phantoms: Path) -> Path:
    return read_dataset(phantoms).records[3].path


def ask(system: EntSystem, path: Path, k: int = 5, **settings: object):
    return system.search(Query(None, read_image(path), path.name), path=path, k=k, settings=EntSettings(**settings))


def test_the_bundle_adds_a_field_and_points_to_the_kger_bundles_tower():
    manifest = Bundle.open(BUNDLE).manifest
    tower = Bundle.open(KGER_BUNDLE).manifest.files["image.onnx"]
    assert manifest.files["image.onnx"].sha256 == tower.sha256
    assert not (BUNDLE / "image.onnx").exists()
    assert sum(path.stat().st_size for path in BUNDLE.iterdir()) <= 6e6
    assert max(manifest.certificate["fp32"]["field_max_abs_difference"].values()) <= 1e-5


def test_the_query_itself_is_left_out_and_counted(system, picture):
    result = ask(system, picture)
    assert str(picture.resolve()) not in [c.path for c in result.candidates]
    assert result.notes[0].startswith("1 of the nearest show the query's own picture")
    kept = ask(system, picture, drop_duplicates=False)
    assert kept.candidates[0].path == str(picture.resolve())
    assert kept.candidates[0].similarity == pytest.approx(1, abs=1e-4)
    assert len(result.candidates) == len(kept.candidates) == 5


def test_a_recompressed_copy_of_the_query_is_a_near_duplicate(system, picture, tmp_path):
    copy = tmp_path / "copy.jpg"
    cv2.imwrite(str(copy), cv2.imread(str(picture)), [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert str(picture.resolve()) not in [c.path for c in ask(system, copy).candidates]


def test_scores_are_the_cosines_of_moved_vectors_and_the_place_before_is_the_towers(system, picture):
    result = ask(system, picture, k=4)
    ids, rows = system.gallery.matrix()
    own = next(i for i, item in zip(ids, system.gallery.items(ids), strict=True) if item.path == str(picture.resolve()))
    row = int(np.flatnonzero(ids == own)[0])
    moved = system.flow.transform(rows, 10)
    others = np.flatnonzero(ids != own)
    best = others[np.argsort(-(moved[others] @ moved[row]), kind="stable")][:4]
    assert [c.item_id for c in result.candidates] == ids[best].tolist()
    before = others[np.argsort(-(rows[others] @ rows[row]), kind="stable")]
    for place in result.ranking:
        assert ids[before[place.retrieval_rank - 1]] == place.item_id
        assert place.rank_change == place.retrieval_rank - place.rank
    raw = ask(system, picture, k=4, steps=None)
    assert [c.item_id for c in raw.candidates] == ids[before[:4]].tolist()


def test_the_majority_bonus_is_off_by_default_and_moves_the_majority_up(system, picture):
    plain, bonus = ask(system, picture, k=10), ask(system, picture, k=10, majority_bonus=3.0)
    assert not any("majority" in note for note in plain.notes)
    named = [c.metadata["class"] for c in bonus.candidates]
    majority = bonus.notes[-1].split(" for ")[1].split(",")[0]
    assert named[: named.count(majority)] == [majority] * named.count(majority)


def test_t_runs_from_zero_steps_to_ten(system):
    rows = system.gallery.matrix()[1][:3]
    np.testing.assert_allclose(system.at(rows, 0), system.flow.transform(rows, 0), atol=1e-6)
    np.testing.assert_allclose(system.at(rows, 1), system.flow.transform(rows, 10), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(system.at(rows, 0.5), axis=1), 1, atol=1e-5)
    with pytest.raises(InvalidInputError, match="expected 0 to 1"):
        system.at(rows, 1.5)


def test_a_batch_writes_a_match_a_query_and_names_what_it_skipped(system, phantoms, tmp_path):
    folder = tmp_path / "queries"
    folder.mkdir()
    for record in read_dataset(phantoms).records[:2]:
        shutil.copyfile(record.path, folder / record.file)
    (folder / "bad.png").write_bytes(b"no picture")
    written, skipped = run_image_batch(system, read_image_queries(folder), tmp_path / "out")
    assert [path.name for path in written] == ["submission.json", "skipped.json"]
    assert "bad.png" in skipped[0]
    text = written[0].read_text("utf-8")
    assert text.count(".png") == 4, "two queries, two matches"


def test_a_list_of_queries_is_read_relative_to_itself(tmp_path, picture):
    shutil.copyfile(picture, tmp_path / "a.png")
    (tmp_path / "list.txt").write_text("a.png\n\n")
    assert read_image_queries(tmp_path / "list.txt") == [tmp_path / "a.png"]
    (tmp_path / "list.txt").write_text("gone.png\n")
    with pytest.raises(InvalidInputError, match="relative to the list's folder"):
        read_image_queries(tmp_path / "list.txt")


def test_what_does_not_belong_together_is_refused(system, small_gallery, tmp_path):
    with pytest.raises(BundleError, match="'kger'; --system ent needs one"):
        FlowGraph.of(Bundle.open(KGER_BUNDLE))
    Gallery.create(tmp_path / "other", fingerprint="0" * 64, folds=1, dims=4).close()
    with pytest.raises(GalleryError, match="made by another image tower"):
        open_ent(BUNDLE, tmp_path / "other")
    with pytest.raises(InvalidInputError, match="needs an --image"):
        system.search(Query("polyp"))
    with pytest.raises(InvalidInputError, match="0, 1, 10 RK4 steps"):
        system.flow.transform(system.gallery.matrix()[1][:1], 3)
