"""The HNSW backend: recall, exact scores, and a graph file that is never trusted unchecked."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from runtime.errors import InvalidInputError
from runtime.gallery import Gallery, NewItem
from runtime.gallery.cache import HEADER_BYTES
from runtime.index import ExactIndex, VectorIndex, choose, open_index
from runtime.index.folds import FoldsIndex
from runtime.index.hnsw import HnswIndex

from .clusters import Floats, clustered
from .reference import ReferenceIndex

IDS, ROWS, QUERIES = clustered(5000, 160, seed=20, queries=100)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    with Gallery.create(tmp_path_factory.mktemp("hnsw"), fingerprint="b1", folds=10, dims=16) as made:
        made.add([NewItem(f"{i}.png", "0" * 64, (), {"third": i % 3}, row) for i, row in enumerate(ROWS)])
        yield made


@pytest.fixture(scope="module")
def index(gallery: Gallery) -> VectorIndex:
    return open_index(gallery, backend="hnsw")


def recall(index: VectorIndex, queries: Floats, k: int) -> float:
    expected = ReferenceIndex(index.ids, index.vectors).search(queries, k).ids
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(index.search(queries, k).ids, expected, strict=True)]))


@pytest.mark.parametrize("k", [1, 5, 10, 100])
def test_recall_on_clusters_is_at_least_95_percent(index: VectorIndex, k: int) -> None:
    assert isinstance(index, HnswIndex)
    assert recall(index, QUERIES, k) >= 0.95


def test_reported_similarities_are_the_float32_rows_own_best_first(index: VectorIndex) -> None:
    hits = index.search(QUERIES, 10)
    rows = np.searchsorted(index.ids, hits.ids)
    own = np.einsum("qd,qkd->qk", QUERIES.astype(np.float64), index.vectors[rows].astype(np.float64))
    np.testing.assert_allclose(hits.similarities, own, rtol=0, atol=1e-7)
    assert (np.diff(hits.similarities, axis=1) <= 0).all()


def test_a_filter_makes_it_exact(index: VectorIndex, gallery: Gallery) -> None:
    allowed = gallery.allowed_ids(["third=1"])
    expected = ReferenceIndex(index.ids, index.vectors).search(QUERIES, 10, allowed)
    found = index.search(QUERIES, 10, allowed)
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found.similarities, expected.similarities)


def test_asking_for_more_than_there_are_gives_all(index: VectorIndex) -> None:
    assert index.search(QUERIES[:2], 9999).ids.shape == (2, 5000)
    assert index.search(QUERIES[:0], 5).ids.shape == (0, 5)


def test_a_query_with_nan_is_refused(index: VectorIndex) -> None:
    with pytest.raises(InvalidInputError, match="NaN"):
        index.search(np.full((1, 160), np.nan, np.float32), 5)


def test_threads_that_search_one_graph_get_what_one_thread_gets(index: VectorIndex) -> None:
    expected = [index.search(query[None], 5).ids.tolist() for query in QUERIES]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            found = list(pool.map(lambda query: index.search(query[None], 5).ids.tolist(), QUERIES))
            assert found == expected


def test_the_graph_is_read_from_its_file_when_sound(
    gallery: Gallery, index: VectorIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = index.search(QUERIES, 5).ids
    monkeypatch.delattr("runtime.index.hnsw.build_graph")
    with Gallery.open(gallery.folder) as other:
        again = open_index(other, backend="hnsw")
    np.testing.assert_array_equal(again.search(QUERIES, 5).ids, before)


@pytest.mark.parametrize("damage", ["a flipped bit", "random bytes in the graph", "cut", "zeroed tail", "gone"])
def test_a_damaged_graph_file_is_noticed_and_rebuilt(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Gallery.create(tmp_path, fingerprint="b1", folds=10, dims=16) as gallery:
        gallery.add([NewItem(f"{i}.png", "0" * 64, (), {}, row) for i, row in enumerate(ROWS[:400])])
        open_index(gallery, backend="hnsw")
        file = tmp_path / "hnsw-2.cache"
        content = bytearray(file.read_bytes())
        sound = bytes(content)
        rng = np.random.default_rng(21)
        if damage == "a flipped bit":
            content[int(rng.integers(HEADER_BYTES, len(content)))] ^= 1
        elif damage == "random bytes in the graph":
            content[-4000:] = rng.bytes(4000)
        elif damage == "cut":
            del content[-1000:]
        elif damage == "zeroed tail":
            content[-1000:] = bytes(1000)
        file.unlink()
        if damage != "gone":
            file.write_bytes(content)
        with caplog.at_level(logging.WARNING):
            assert recall(open_index(gallery, backend="hnsw"), QUERIES, 5) >= 0.95
        assert ("is rebuilt" in caplog.text) == (damage != "gone")
        assert file.read_bytes()[HEADER_BYTES:][:64] == sound[HEADER_BYTES:][:64]


def test_a_changed_gallery_gets_a_new_graph_and_the_old_file_goes(tmp_path: Path) -> None:
    with Gallery.create(tmp_path, fingerprint="b1", folds=10, dims=16) as gallery:
        for part in (ROWS[:200], ROWS[200:400]):
            gallery.add([NewItem(f"{row[0]}.png", "0" * 64, (), {}, row) for row in part])
            assert len(open_index(gallery, backend="hnsw").search(QUERIES[:1], 300).ids[0]) == min(300, len(gallery))
    assert sorted(path.name for path in tmp_path.glob("*.cache")) == [
        "hnsw-3.cache",
        "recall-3.cache",
        "vectors-3.cache",
    ]


def test_the_backend_follows_the_size_and_can_be_forced(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (choose.EXACT_UP_TO, choose.FOLDS_UP_TO) == (50_000, 200_000)
    assert isinstance(open_index(gallery), ExactIndex)
    monkeypatch.setattr(choose, "EXACT_UP_TO", 4998)
    monkeypatch.setattr(choose, "FOLDS_UP_TO", 4999)
    assert isinstance(open_index(gallery), HnswIndex)
    assert isinstance(open_index(gallery, backend="exact"), ExactIndex)
    assert isinstance(open_index(gallery, backend="folds"), FoldsIndex)
    with pytest.raises(InvalidInputError, match="expected one of auto, exact, folds, hnsw"):
        open_index(gallery, backend="faiss")
