"""The splits and the scores of the tuxpaint benchmark."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.tuxpaint import KEYS, Pictures, headline, measure, same, summarise
from runtime import metrics
from runtime.encoder import open_encoder
from runtime.errors import DatasetError
from runtime.images import read_image

TUXPAINT = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "tuxpaint"


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    if not TUXPAINT.is_dir():
        pytest.skip("the tuxpaint pictures are not beside the checkout")
    return Pictures.read(TUXPAINT)


def test_the_row_split_is_the_first_150_of_a_permutation_of_the_rows(pictures):
    assert len(pictures.files) == 700
    shared = []
    for seed in range(5):
        test = pictures.held_out("row", seed)
        expected = np.random.RandomState(seed).permutation(700)[:150]
        assert sorted(expected) == test.tolist()
        rest = {pictures.en[i] for i in set(range(700)) - set(test.tolist())}
        shared.append(sum(pictures.en[i] in rest for i in test))
    assert (min(shared), max(shared)) == (22, 29)


def test_the_grouped_split_holds_out_whole_captions(pictures):
    distinct = list(dict.fromkeys(pictures.en))
    assert len(distinct) == 625
    for seed in range(5):
        test = pictures.held_out("grouped", seed)
        held = {pictures.en[i] for i in test}
        order = np.random.RandomState(seed).permutation(625)[:150]
        assert held == {distinct[i] for i in order}
        assert not held & {pictures.en[i] for i in set(range(700)) - set(test.tolist())}
        assert len(test) >= 150


def test_equal_captions_are_relevant_and_a_missing_one_is_to_nothing():
    np.testing.assert_array_equal(
        same(["a", "b"], ["b", "a", "a", None]), [[False, True, True, False], [True, False, False, False]]
    )
    np.testing.assert_array_equal(same(["a", "b", "a"]), [[1, 0, 1], [0, 1, 0], [1, 0, 1]])


def test_ensemble_and_mean_single_fold_are_measured_fold_by_fold(bundle_folder, phantoms, tmp_path):
    """Six phantoms under drawn captions: both rows against metrics computed here from separate cosines."""
    files = sorted(path.name for path in (phantoms / "imgs").iterdir())[:6]
    captions = ["left ear", "right nose", "left ear", "throat", "open cords", "polyp"]
    (tmp_path / "img").symlink_to(phantoms / "imgs")
    rows = [
        {"file": f, "en": c, "vi": "tai trái" if c == "left ear" else None}
        for f, c in zip(files, captions, strict=True)
    ]
    (tmp_path / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    pictures, encoder = Pictures.read(tmp_path), open_encoder(bundle_folder, threads=2)
    test = np.arange(6)
    measured = {(row["language"], row["system"]): row for row in measure(encoder, pictures, test)}
    images = encoder.encode_images([read_image(tmp_path / "img" / file) for file in files])
    for language, texts, relevant in (
        ("en", captions, np.array([[a == b for b in captions] for a in captions])),
        ("vi", ["tai trái"] * 2, np.array([[c == "left ear" for c in captions]] * 2)),
    ):
        cosines = np.einsum("qkd,nkd->kqn", encoder.encode_texts(texts), images)
        folds = [metrics.table(fold, relevant) for fold in cosines]
        ensemble = metrics.table(cosines.mean(0), relevant)
        for key in KEYS:
            assert measured[language, "ensemble"][key] == pytest.approx(ensemble[key])
            single = np.mean([fold[key] for fold in folds])
            assert measured[language, "single fold (mean)"][key] == pytest.approx(single)


def test_the_headline_is_the_mean_over_seeds_english_by_english_folds_vietnamese_by_bilingual_ones():
    value = {"row": 0.1, "grouped": 0.2, "en": 0.01, "en,vi": 0.02, "ridge": 0, "single fold (mean)": 1, "ensemble": 2}
    rows = [
        {"split": split, "trained_on": trained_on, "seed": seed, "language": language, "system": system}
        | dict.fromkeys(KEYS, value[split] + value[trained_on] + value[system] + seed * 10 + (language == "vi") * 100)
        for split in ("row", "grouped")
        for trained_on in ("en", "en,vi")
        for seed in (1, 3)
        for language in ("en", "vi")
        for system in ("ridge", "single fold (mean)", "ensemble")
    ]
    figures = headline(summarise(rows))
    assert figures["ensemble_r1"] == figures["ensemble_mrr"] == pytest.approx(0.1 + 0.01 + 2 + 20)
    assert figures["ridge_r1"] == pytest.approx(0.1 + 0.01 + 20)
    assert figures["grouped_single_r1_mean"] == pytest.approx(0.2 + 0.01 + 1 + 20)
    assert figures["vi_ensemble_r1"] == pytest.approx(0.1 + 0.02 + 2 + 20 + 100)
    required = {"ensemble_r1", "ensemble_r10", "ensemble_mrr", "single_r1_mean", "ridge_r1"}
    required |= {"grouped_ensemble_r1", "grouped_single_r1_mean", "grouped_ridge_r1", "vi_ensemble_r1"}
    assert required <= set(figures)


def test_a_folder_without_the_table_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"captions\.jsonl: not found; give the tuxpaint folder with --data"):
        Pictures.read(tmp_path)
