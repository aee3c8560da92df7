"""The first pass over a few folds: recall where folds agree, exact scores, and giving way where they do not."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from runtime.errors import InvalidInputError
from runtime.gallery import Gallery, NewItem
from runtime.gallery.matrix import Matrix
from runtime.index import ExactIndex, choose, open_index, tune
from runtime.index.choose import index_over
from runtime.index.folds import FoldsIndex, first_width
from runtime.index.hnsw import HnswIndex

from .clusters import Floats, unit
from .reference import ReferenceIndex

COUNT, FOLDS, DIMS = 6000, 10, 16


def agreeing(count: int, seed: int) -> Floats:
    """(count, 160) unit rows: every fold sees the same eight numbers through its own matrix, with some noise."""
    rng = np.random.default_rng(seed)
    seen = rng.standard_normal((count, 8))
    views = np.random.default_rng(1).standard_normal((FOLDS, 8, DIMS))
    folds = np.einsum("nz,kzd->nkd", seen, views) + 0.5 * rng.standard_normal((count, FOLDS, DIMS))
    return unit((folds / np.linalg.norm(folds, axis=2, keepdims=True)).reshape(count, FOLDS * DIMS))


QUERIES = agreeing(40, 41)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    with Gallery.create(tmp_path_factory.mktemp("folds"), fingerprint="b1", folds=FOLDS, dims=DIMS) as made:
        rows = agreeing(COUNT, 40)
        made.add([NewItem(f"{i}.png", "0" * 64, (), {"third": i % 3}, row) for i, row in enumerate(rows)])
        yield made


@pytest.fixture(scope="module")
def index(gallery: Gallery) -> FoldsIndex:
    made = open_index(gallery, backend="folds", sample=lambda: agreeing(200, 42))
    assert isinstance(made, FoldsIndex)
    return made


@pytest.mark.parametrize("k", [1, 10, 40])
def test_the_target_holds_on_other_queries_and_scores_are_exact(index: FoldsIndex, k: int) -> None:
    assert index.tuning.reached
    assert index.expansion < COUNT / 20
    expected = ReferenceIndex(index.ids, index.vectors).search(QUERIES, k)
    found = index.search(QUERIES, k)
    assert np.mean([np.isin(a, b).mean() for a, b in zip(found.ids, expected.ids, strict=True)]) >= 0.98
    rows = np.searchsorted(index.ids, found.ids)
    own = np.einsum("qd,qkd->qk", QUERIES.astype(np.float64), index.vectors[rows].astype(np.float64))
    np.testing.assert_allclose(found.similarities, own, rtol=0, atol=1e-7)


def test_only_the_first_folds_choose_and_all_folds_rank(index: FoldsIndex) -> None:
    assert first_width(160, 10) == 32
    assert [first_width(64 * folds, folds) // 64 for folds in (2, 3, 5, 9, 10, 15)] == [1, 1, 1, 1, 2, 3]
    silent = QUERIES[:1].copy()
    silent[:, 32:] = 0  # the later folds say nothing: the first pass is all there is
    expected = ReferenceIndex(index.ids, index.vectors).search(silent, 10)
    np.testing.assert_array_equal(index.search(silent, 10).ids, expected.ids)


def test_a_filter_makes_it_exact_and_more_than_there_are_gives_all(index: FoldsIndex, gallery: Gallery) -> None:
    allowed = gallery.allowed_ids(["third=1"])
    expected = ReferenceIndex(index.ids, index.vectors).search(QUERIES, 10, allowed)
    np.testing.assert_array_equal(index.search(QUERIES, 10, allowed).ids, expected.ids)
    assert index.search(QUERIES[:2], 9999).ids.shape == (2, COUNT)
    assert index.search(QUERIES[:0], 5).ids.shape == (0, 5)
    with pytest.raises(InvalidInputError, match="NaN"):
        index.search(np.full((1, 160), np.nan, np.float32), 5)


def test_by_size_folds_go_first_and_the_tuning_is_kept(
    gallery: Gallery, index: FoldsIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "EXACT_UP_TO", 100)
    monkeypatch.delattr("runtime.index.hnsw.build_graph")
    monkeypatch.delattr(tune, "measure")
    again = open_index(gallery)
    assert isinstance(again, FoldsIndex)
    assert (again.tuning, again.expansion) == (index.tuning, index.expansion)


def test_folds_that_do_not_agree_give_way_to_a_graph_and_say_so_where_forced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(choose, "EXACT_UP_TO", 100)
    rows, sample = agreeing(4000, 43), agreeing(100, 45)
    for vectors, seed in ((rows, 46), (sample, 47)):  # the folds that go first know nothing of the others
        vectors[:, :32] = agreeing(len(vectors), seed)[:, :32]
    matrix = Matrix(1, "rows", np.arange(4000), rows)
    assert isinstance(index_over(matrix, tmp_path, folds=FOLDS, recall=0.7, sample=lambda: sample), HnswIndex)
    with caplog.at_level(logging.WARNING):
        forced = index_over(matrix, tmp_path, folds=FOLDS, backend="folds", recall=0.7, sample=lambda: sample)
    assert isinstance(forced, FoldsIndex)
    assert "FoldsIndex reaches recall" in caplog.text


def test_one_fold_has_no_first_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = Matrix(1, "rows", np.arange(500), agreeing(500, 44))
    with pytest.raises(InvalidInputError, match="has one fold"):
        index_over(matrix, tmp_path, folds=1, backend="folds")
    monkeypatch.setattr(choose, "EXACT_UP_TO", 100)
    assert isinstance(index_over(matrix, tmp_path, folds=1), HnswIndex | ExactIndex)
    assert not list(tmp_path.glob("folds-*"))
