"""How many nodes a query keeps in view: by a recall target, measured on the gallery, once."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from runtime.cli import main
from runtime.errors import InvalidInputError
from runtime.gallery import Gallery, NewItem
from runtime.index import RECALL, ExactIndex, Hits, choose, open_index, tune
from runtime.index.hnsw import HnswIndex
from runtime.index.tune import LEAST, NEARNESS, SCAN_SHARE, STEP, K, Tuning, measure, stand_in_queries

from .clusters import Floats, clustered, unit

COUNT, DIMS = 6000, 160


def off_centre(count: int, seed: int) -> Floats:
    """Rows without clusters: nothing leads a walk, so that recall grows slowly with what is kept in view."""
    return unit(np.random.default_rng(seed).standard_normal((count, DIMS)))


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    _, rows, _ = clustered(COUNT, DIMS, seed=30)
    with Gallery.create(tmp_path_factory.mktemp("tune"), fingerprint="b1", folds=10, dims=16) as made:
        made.add([NewItem(f"{i}.png", "0" * 64, (), {}, row) for i, row in enumerate(rows)])
        yield made


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    with Gallery.create(tmp_path_factory.mktemp("hard"), fingerprint="b1", folds=10, dims=16) as made:
        made.add([NewItem(f"{i}.png", "0" * 64, (), {}, row) for i, row in enumerate(off_centre(COUNT, 31))])
        yield made


class Stepped:
    """Finds everything with at least `needed` nodes in view, one in ten less below."""

    def __init__(self, needed: int, count: int = 100_000) -> None:
        self.vectors = np.broadcast_to(np.float32(1), (count, 1))
        self.needed = needed
        self.expansion = 0
        self.tried: list[int] = []

    def search(self, queries: Floats, k: int) -> Hits:
        self.tried.append(self.expansion)
        found = np.ones((len(queries), k), np.float32)
        found[:, -1] -= self.expansion < self.needed
        return Hits(np.tile(np.arange(k), (len(queries), 1)), found)


def all_found(queries: Floats, k: int) -> Hits:
    return Hits(np.tile(np.arange(k), (len(queries), 1)), np.ones((len(queries), k), np.float32))


@pytest.mark.parametrize("needed", [1, LEAST, LEAST + 1, 100, 137, 700, 3000])
def test_the_smallest_expansion_that_suffices_is_found_in_few_steps(needed: int) -> None:
    index = Stepped(needed)
    found = measure(index, all_found, 0.95, np.ones((20, 1), np.float32))
    assert found.reached
    assert (found.recall, found.queries, found.kind) == (1.0, 20, "given")
    assert max(needed, LEAST) <= found.expansion <= max(LEAST, needed / (1 - STEP) + 1)
    assert len(index.tried) <= 12


def test_what_would_cost_a_scan_is_not_tried() -> None:
    index = Stepped(10**9, count=10_000)
    found = measure(index, all_found, 0.95, np.ones((20, 1), np.float32))
    assert not found.reached
    assert (found.expansion, max(index.tried), found.recall) == (10_000 // SCAN_SHARE,) * 2 + (pytest.approx(0.9),)


def test_the_target_is_reached_only_with_a_standard_error_to_spare() -> None:
    assert Tuning(0.9, 48, 0.95, 0.049, 300, "rows").reached
    assert not Tuning(0.9, 48, 0.95, 0.051, 300, "rows").reached


def test_an_item_as_near_as_the_tenth_counts_as_found() -> None:
    class Copies(Stepped):
        def search(self, queries: Floats, k: int) -> Hits:
            hits = super().search(queries, k)
            return Hits(hits.ids + 50, hits.similarities)  # other items, equally near

    assert measure(Copies(0), all_found, 1.0, np.ones((5, 1), np.float32)).recall == 1.0


def test_the_measured_recall_holds_on_other_queries(hard: Gallery) -> None:
    sample = unit(off_centre(200, 32) + 0.7 * hard.matrix()[1][:200])
    others = unit(off_centre(200, 33) + 0.7 * hard.matrix()[1][200:400])
    index = open_index(hard, backend="hnsw", recall=0.7, sample=lambda: sample)
    assert isinstance(index, HnswIndex)
    assert (index.tuning.reached, index.tuning.kind, index.tuning.queries) == (True, "given", 200)
    expected = index.ids[np.argsort(-(others @ index.vectors.T), axis=1)[:, :K]]
    found = index.search(others, K).ids
    recall = np.mean([np.isin(a, b).mean() for a, b in zip(found, expected, strict=True)])
    assert recall == pytest.approx(index.tuning.recall, abs=4 * index.tuning.error)
    assert recall >= 0.7


def test_a_target_is_measured_once_and_another_one_builds_nothing(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_index(gallery, backend="hnsw", recall=0.9)
    monkeypatch.delattr("runtime.index.hnsw.build_graph")
    second = open_index(gallery, backend="hnsw", recall=0.99)
    assert isinstance(first, HnswIndex)
    assert isinstance(second, HnswIndex)
    assert first.expansion <= second.expansion
    monkeypatch.delattr(tune, "measure")
    with Gallery.open(gallery.folder) as other:
        for known in (first, second):
            again = open_index(other, backend="hnsw", recall=known.tuning.target)
            assert isinstance(again, HnswIndex)
            assert (again.tuning, again.expansion) == (known.tuning, known.expansion)


def test_a_damaged_measurement_is_made_again(gallery: Gallery, caplog: pytest.LogCaptureFixture) -> None:
    before = open_index(gallery, backend="hnsw")
    file = next(gallery.folder.glob("recall-*.cache"))
    file.write_bytes(file.read_bytes()[:-7])
    with caplog.at_level(logging.WARNING):
        after = open_index(gallery, backend="hnsw")
    assert "is rebuilt" in caplog.text
    assert isinstance(before, HnswIndex)
    assert isinstance(after, HnswIndex)
    assert after.tuning == before.tuning


def test_where_a_graph_misses_the_target_exact_search_serves_and_says_so(
    hard: Gallery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(choose, "EXACT_UP_TO", 100)
    monkeypatch.setattr(choose, "FOLDS_UP_TO", 100)
    with caplog.at_level(logging.WARNING):
        assert isinstance(open_index(hard, recall=0.9999), ExactIndex)
    assert "of the 1.000 asked for" in caplog.text
    assert "exact search serves" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        index = open_index(hard, backend="hnsw", recall=0.9999)
    assert isinstance(index, HnswIndex)
    assert index.expansion == COUNT // SCAN_SHARE
    assert "it serves, as asked" in caplog.text


def test_all_of_the_ten_best_means_exact_search_without_a_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "EXACT_UP_TO", 10)
    with Gallery.create(tmp_path, fingerprint="b1", folds=10, dims=16) as gallery:
        gallery.add([NewItem(f"{i}.png", "0" * 64, (), {}, row) for i, row in enumerate(off_centre(50, 34))])
        assert isinstance(open_index(gallery, recall=1), ExactIndex)
        assert not list(tmp_path.glob("hnsw-*.cache"))


@pytest.mark.parametrize("recall", [0, -0.1, 1.01, float("nan")])
def test_a_recall_that_cannot_be_is_refused(gallery: Gallery, recall: float) -> None:
    with pytest.raises(InvalidInputError, match="expected more than 0 and at most 1"):
        open_index(gallery, recall=recall)


def test_stand_in_queries_are_unit_rows_off_the_stored_ones_and_always_the_same(gallery: Gallery) -> None:
    rows = gallery.matrix()[1]
    queries = stand_in_queries(rows, 100)
    np.testing.assert_allclose(np.linalg.norm(queries, axis=1), 1, atol=1e-6)
    assert ((queries @ rows.T).max(axis=1) >= NEARNESS - 1e-5).all()
    assert (queries @ rows.T).max() < 0.98
    np.testing.assert_array_equal(queries, stand_in_queries(rows, 100))
    assert np.isfinite(stand_in_queries(np.repeat(rows[:1], 20, axis=0), 10)).all()


def test_stand_ins_are_harder_to_answer_than_stored_rows(hard: Gallery) -> None:
    index = open_index(hard, backend="hnsw", recall=0.5)
    assert isinstance(index, HnswIndex)
    exact = ExactIndex(index.ids, index.vectors).search
    stored, stand_ins = (measure(index, exact, 0.01, queries) for queries in (index.vectors[::30], None))
    assert stored.expansion == stand_ins.expansion == LEAST
    assert stand_ins.recall < stored.recall


def test_the_command_line_says_and_checks_the_recall(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["search", "--help"])
    assert f"default: {RECALL:.2f}".replace("0.", ".") in capsys.readouterr().out
