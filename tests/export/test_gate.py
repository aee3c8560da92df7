"""The gate: which pairs are queries, how they are ranked, what the interval says, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import cv2  # noqa: E402  after the skip

from export.gate import LIMIT, Queries, bootstrap_bounds, compare, draw_queries, rank  # noqa: E402
from runtime.dataset import Dataset, read_dataset  # noqa: E402
from runtime.errors import InvalidInputError  # noqa: E402

pytestmark = pytest.mark.torch


def dataset(folder: Path, captions: list[list[str]], first: int = 0) -> Dataset:
    """One small picture a list of captions; `first` is the grey of the first picture."""
    folder.mkdir()
    rows = []
    for i, texts in enumerate(captions):
        cv2.imwrite(str(folder / f"{i}.png"), np.full((4, 4, 3), first + i, np.uint8))
        rows += [json.dumps({"file": f"{i}.png", "caption": text, "kind": texts[0][0]}) for text in texts]
    (folder / "captions.jsonl").write_text("\n".join(rows), "utf-8")
    return read_dataset(folder)


def draw(data: Dataset, seen: Dataset, **options) -> Queries:
    settings = {"languages": ("en",), "positive_columns": (), "minimum": 1} | options
    return draw_queries(data, seen=seen, **settings)


def test_every_pair_of_caption_and_image_is_a_query(tmp_path):
    data = dataset(tmp_path / "a", [["a1", "a2"], ["a1"], ["b1"]])
    queries = draw(data, dataset(tmp_path / "b", [["c"]], first=100))
    asked = [(queries.pairs.texts[t], int(i)) for t, i in zip(queries.text, queries.own, strict=True)]
    assert asked == [("a1", 0), ("a2", 0), ("a1", 1), ("b1", 2)]
    assert queries.texts == ["a1", "a2", "b1"]
    assert queries.distinct[1].tolist() == [0, 1, 0, 2]
    assert queries.held_out
    # equal captions; with a column, alike in it
    assert queries.relevant(slice(0, 4)).tolist() == [[1, 1, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1]]
    alike = draw(data, data, positive_columns=("kind",))
    assert alike.relevant(slice(0, 4)).tolist() == [[1, 1, 0]] * 3 + [[0, 0, 1]]


def test_a_picture_that_training_has_seen_is_not_held_out_whatever_its_name(tmp_path):
    seen = dataset(tmp_path / "seen", [["x"], ["y"]], first=50)
    new, old = dataset(tmp_path / "new", [["p"], ["q"]], first=90), dataset(tmp_path / "old", [["p"], ["q"]], first=51)
    assert draw(new, seen).held_out
    assert not draw(old, seen).held_out


def test_too_few_queries_are_refused_with_the_command_that_makes_more(tmp_path):
    data = dataset(tmp_path / "a", [["a1", "a2"], ["a1"]])
    with pytest.raises(InvalidInputError, match=r"3 queries .* asks for 5000.*python -m assets.phantoms gate"):
        draw_queries(data, languages=("en",), positive_columns=(), seen=data)
    assert len(draw(data, data, minimum=3).text) == 3


def unit(rows: list[list[float]]) -> np.ndarray:
    vectors = np.array(rows, np.float32)[:, None]
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_ranks_are_of_the_first_relevant_image_and_of_the_own_one_among_the_wrong(tmp_path):
    queries = draw(dataset(tmp_path / "a", [["a"], ["a"], ["b"], ["c"]]), dataset(tmp_path / "b", [["z"]], first=99))
    # cosine of text a with the images: .8, .2, .6, .4: image 0 first; image 1 below both wrong ones
    angles = np.arccos([0.8, 0.2, 0.6, 0.4])
    images = unit([[np.cos(x), np.sin(x)] for x in angles])
    ranks = rank(queries, unit([[1, 0]] * 3), images)
    assert ranks.first_relevant.tolist() == [1, 1, 2, 3]
    assert ranks.own_image.tolist() == [1, 3, 2, 3]


def test_the_interval_of_equal_differences_is_a_point_and_rows_of_one_question_go_together():
    assert bootstrap_bounds(np.full(50, -0.5), np.arange(50)) == (-0.5, -0.5)
    rng = np.random.default_rng(0)
    values = rng.normal(0.3, 1, 400)
    low, high = bootstrap_bounds(values, np.arange(400))
    half = 1.645 * values.std() / 20  # the normal approximation: an independent reference
    np.testing.assert_allclose([low, high], [values.mean() - half, values.mean() + half], atol=0.02)
    # the same 400 values four times over are no more evidence: without questions the interval would halve
    again = bootstrap_bounds(np.repeat(values, 4), np.repeat(np.arange(400), 4))
    np.testing.assert_allclose(again, (low, high), atol=1e-12)
    assert np.diff(bootstrap_bounds(np.repeat(values, 4), np.arange(1600)))[0] < 0.6 * (high - low)


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Queries:
    folder = tmp_path_factory.mktemp("many")
    return draw(dataset(folder / "a", [[f"t{i}"] for i in range(200)]), dataset(folder / "b", [["z"]], first=250))


def test_equal_vectors_pass_and_a_known_harm_is_refused(many):
    vectors = np.random.default_rng(1).normal(size=(200, 2, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    texts = vectors[[int(t[1:]) for t in many.texts]]
    images = vectors[[int(many.dataset.records[i].captions[0][1:]) for i in many.gallery]]
    same = compare(many, (texts, images), (texts, images))
    assert same["passed"]
    assert same["top5_overlap"] == 1
    assert same["own_image_r1"] == {"fp32": 1.0, "int8": 1.0, "difference": 0.0, "bounds95": [0.0, 0.0]}
    harmed = images.copy()
    harmed[[0, 1, 2, 3]] = images[[1, 0, 3, 2]]  # four of 200 are mistaken: two points of R@1
    report = compare(many, (texts, images), (texts, harmed))
    assert not report["passed"]
    for measure in ("first_relevant_r1", "own_image_r1"):
        assert report[measure]["difference"] == pytest.approx(-0.02)
        assert report[measure]["bounds95"][0] < -LIMIT


def test_an_improvement_passes(many):
    rng = np.random.default_rng(2)
    images = rng.normal(size=(200, 1, 64)).astype(np.float32)
    images /= np.linalg.norm(images, axis=-1, keepdims=True)
    order = {int(c[1:]): j for j, i in enumerate(many.gallery) for c in many.dataset.records[i].captions}
    texts = images[[order[int(t[1:])] for t in many.texts]]
    noisy = texts + rng.normal(0, 0.4, texts.shape).astype(np.float32)
    noisy /= np.linalg.norm(noisy, axis=-1, keepdims=True)
    report = compare(many, (noisy, images), (texts, images))
    assert report["passed"]
    assert report["own_image_mrr"]["difference"] > 0.05


def test_a_gallery_has_at_most_two_thousand_images_and_is_seeded(many, monkeypatch):
    monkeypatch.setattr("export.gate.MAX_GALLERY", 30)
    seen = replace(many.dataset, records=many.dataset.records[:0])
    one, two = (draw(many.dataset, seen) for _ in range(2))
    assert len(one.gallery) == 30
    np.testing.assert_array_equal(one.gallery, two.gallery)
    assert one.own.max() == 29
