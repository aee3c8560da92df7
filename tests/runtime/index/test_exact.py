"""The exact backend equals NumPy: ids, similarities, ties, subsets."""

import numpy as np
import pytest

from runtime.errors import InvalidInputError
from runtime.index import ExactIndex, Hits
from runtime.index import exact as exact_module

from .clusters import Floats, Ids, clustered, unit
from .reference import ReferenceIndex


def brute_force(ids: Ids, rows: Floats, queries: Floats, k: int) -> tuple[Ids, Floats]:
    """Every similarity in one float64 product, one full sort, ties by id: nothing of runtime/."""
    scores = (queries.astype(np.float64) @ rows.astype(np.float64).T).astype(np.float32)
    order = np.stack([np.lexsort((ids, -row)) for row in scores])[:, :k]
    return ids[order], np.take_along_axis(scores, order, axis=1)


def same(hits: Hits, ids: Ids, similarities: Floats) -> None:
    np.testing.assert_array_equal(hits.ids, ids)
    np.testing.assert_allclose(hits.similarities, similarities, rtol=0, atol=1e-7)
    assert (hits.ids.dtype, hits.similarities.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize("k", [1, 5, 100, 3000])
@pytest.mark.parametrize("index_type", [ExactIndex, ReferenceIndex])
def test_ids_and_similarities_equal_one_matrix_product(index_type: type[ExactIndex], k: int) -> None:
    ids, rows, queries = clustered(3000, 160, seed=1)
    same(index_type(ids, rows).search(queries, k), *brute_force(ids, rows, queries, k))


@pytest.mark.parametrize("k", [1, 3, 5, 12, 40])
def test_equal_rows_come_by_ascending_id_wherever_the_cut_falls(k: int) -> None:
    ids, rows, queries = clustered(500, 64, seed=2)
    rng = np.random.default_rng(3)
    for start in (0, 30, 200):  # three images, thirty times each, at scattered places
        rows[rng.choice(500, 30, replace=False)] = rows[start]
    queries[:3] = rows[[0, 30, 200]]
    index = ExactIndex(ids, rows)
    same(index.search(queries, k), *brute_force(ids, rows, queries, k))
    repeated = unit(np.ones((50, 64)))
    assert ExactIndex(np.arange(50), repeated).search(queries, k).ids.tolist() == [list(range(k))] * len(queries)


@pytest.mark.parametrize("share", [0.002, 0.3, 0.9, 1.0])
def test_a_subset_is_searched_exactly(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact_module, "BLOCK_ROWS", 300)  # several blocks, the last one short
    ids, rows, queries = clustered(1000, 64, seed=4)
    rows[500:520] = rows[7]
    queries[0] = rows[7]
    keep = np.sort(np.random.default_rng(5).choice(1000, round(share * 1000), replace=False))
    shuffled = np.random.default_rng(6).permutation(ids[keep])
    hits = ExactIndex(ids, rows).search(queries, 10, shuffled)
    same(hits, *brute_force(ids[keep], rows[keep], queries, 10))
    assert hits.ids.shape == (50, min(10, len(keep)))


def test_more_than_there_are_gives_all_and_no_padding() -> None:
    ids, rows, queries = clustered(7, 32, seed=7)
    index = ExactIndex(ids, rows)
    assert index.search(queries, 10).ids.shape == (50, 7)
    assert index.search(queries[:1], 10, ids[2:4]).ids.shape == (1, 2)


def test_nothing_allowed_gives_no_hits_and_unknown_ids_are_ignored() -> None:
    ids, rows, queries = clustered(20, 32, seed=8)
    index = ExactIndex(ids, rows)
    assert index.search(queries, 5, ids[:0]).ids.shape == (50, 0)
    assert index.search(queries, 5, np.array([-1, 10**9])).similarities.shape == (50, 0)
    assert index.search(queries[:1], 5, np.array([10**9, ids[3]])).ids.tolist() == [[ids[3]]]


def test_an_empty_gallery_gives_no_hits() -> None:
    index = ExactIndex(np.empty(0, np.int64), np.empty((0, 32), np.float32))
    assert index.search(np.ones((2, 32), np.float32), 5).ids.shape == (2, 0)


def test_read_only_rows_are_searched_in_place() -> None:
    ids, rows, queries = clustered(100, 32, seed=9)
    expected = ExactIndex(ids, rows).search(queries, 5)
    rows.flags.writeable = False
    same(ExactIndex(ids, rows).search(queries, 5), expected.ids, expected.similarities)


def test_hits_iterate_by_query() -> None:
    ids, rows, queries = clustered(100, 32, seed=10)
    hits = ExactIndex(ids, rows).search(queries, 5)
    assert len(hits) == 50
    assert [found.tolist() for found, _ in hits] == hits.ids.tolist()


@pytest.mark.parametrize(
    ("queries", "k", "message"),
    [
        (np.full((1, 32), np.nan, np.float32), 5, "NaN"),
        (np.full((1, 32), np.inf, np.float32), 5, "NaN or infinity"),
        (np.ones((1, 31), np.float32), 5, r"expects \(Q, 32\)"),
        (np.ones(32, np.float32), 5, r"expects \(Q, 32\)"),
        (np.ones((1, 32), np.float32), 0, "k is 0"),
    ],
)
def test_queries_that_cannot_be_answered_are_refused(queries: Floats, k: int, message: str) -> None:
    ids, rows, _ = clustered(10, 32, seed=11)
    with pytest.raises(InvalidInputError, match=message):
        ExactIndex(ids, rows).search(queries, k)
