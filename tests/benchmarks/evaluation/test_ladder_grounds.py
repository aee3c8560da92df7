"""The ladder's real pictures: each caption asked once, and a judge that never reads what the query is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evaluation.ladder_grounds import asked_once, folder_words, local_scores
from benchmarks.evaluation.leakage import LeakageError, check_split, without_copies
from benchmarks.tuxpaint import Pictures
from runtime.dataset import caption_key, read_dataset
from runtime.encoder import open_encoder

TUXPAINT = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "tuxpaint"


@pytest.fixture
def records(phantoms):
    """Eight phantoms under drawn English captions, one shared by two."""
    captions = ["left ear", "right nose", "Left ear.", "throat", "open cords", "polyp", "scar", "cerumen"]
    found = read_dataset(phantoms).records[:8]
    return [replace(r, captions=(c,), captions_vi=(), group=None) for r, c in zip(found, captions, strict=True)]


def test_the_judge_reads_folders_only():
    assert folder_words("animals__birds__adelaide-rosella.jpg") == "animals birds"
    assert folder_words("people__body_parts__eye_blue_left.jpg") == "people body parts"


def test_a_caption_is_asked_in_the_first_set_that_holds_it(bundle_folder, phantoms, records, tmp_path):
    asked: set[str] = set()
    first = asked_once(bundle_folder, phantoms, records[:4], asked, tmp_path, "first")
    second = asked_once(bundle_folder, phantoms, records[2:], asked, tmp_path, "second")
    assert first.texts == ["left ear", "right nose", "throat"]
    assert second.texts == ["open cords", "polyp", "scar", "cerumen"]
    assert first.relevant[0].tolist() == [True, False, True, False]
    assert len(second.items) == 6
    assert second.cosines.shape[:2] == (4, 6)
    assert asked == {caption_key(text) for text in first.texts + second.texts}
    kept = asked_once(bundle_folder, phantoms, records[:4], set(), tmp_path, "first")
    np.testing.assert_array_equal(kept.cosines, first.cosines)
    assert kept.items[0].path == records[0].path


def test_the_local_judge_scores_the_words_it_is_given_and_not_the_captions(bundle_folder, phantoms, records, tmp_path):
    trials = asked_once(bundle_folder, phantoms, records, set(), tmp_path, "judged")
    encoder = open_encoder(bundle_folder, threads=2)
    words = [f"words {i % 3}" for i in range(8)]
    scores = local_scores(trials, encoder, words, k=3)
    other = [replace(item, captions=("something else",)) for item in trials.items]
    np.testing.assert_array_equal(scores, local_scores(replace(trials, items=other), encoder, words, k=3))
    vectors = encoder.encode_texts([trials.texts[1], *words])
    expected = np.einsum("kd,ckd->c", vectors[0], vectors[1:]) / encoder.folds
    np.testing.assert_allclose(scores[1], np.clip(expected, 0, 1)[trials.top(3)[1]], atol=1e-5)


def test_tuxpaints_grouped_split_leaks_three_pictures_that_look_alike_and_nothing_else():
    if not TUXPAINT.is_dir():
        pytest.skip("the tuxpaint pictures are not beside the checkout")
    pictures = Pictures.read(TUXPAINT)
    records = [replace(r, captions_vi=()) for r in read_dataset(TUXPAINT, caption_column="en").records]
    held = {pictures.files[i] for i in pictures.held_out("grouped", 0)}
    train = [record for record in records if record.file not in held]
    test = [record for record in records if record.file in held]
    with pytest.raises(LeakageError, match="eye_"):
        check_split(train, test)
    clean, copies = without_copies(train, test)
    assert all(file.startswith("people__body_parts__eye_") for file in copies)
    assert "share nothing" in check_split(train, clean)
