"""One stored vector is the mean cosine over folds, and the published vote sum is the published loop."""

import numpy as np
import pytest

from runtime.ensemble import fold_cosines, fold_top, stack_folds, vote_sum

N, K, D = 60, 10, 64


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    rows = rng.normal(size=shape).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def test_a_dot_product_of_stored_vectors_is_the_mean_cosine_over_folds():
    rng = np.random.default_rng(0)
    queries, items = unit(rng, 5, K, D), unit(rng, N, K, D)
    mean = np.mean([queries[:, k] @ items[:, k].T for k in range(K)], axis=0)
    np.testing.assert_allclose(stack_folds(queries) @ stack_folds(items).T, mean, atol=1e-6)


def test_stored_vectors_are_unit_rows_in_float32_and_split_again():
    items = unit(np.random.default_rng(1), N, K, D)
    rows = stack_folds(items)
    assert (rows.shape, rows.dtype) == ((N, K * D), np.float32)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(rows.reshape(N, K, D) * np.sqrt(K), items, atol=1e-6)


def test_each_folds_own_cosine_stays_readable():
    rng = np.random.default_rng(2)
    query, items = unit(rng, K, D), unit(rng, N, K, D)
    cosines = fold_cosines(stack_folds(query[None])[0], stack_folds(items), K)
    assert (cosines.shape, cosines.dtype) == ((N, K), np.float32)
    for k in range(K):
        np.testing.assert_allclose(cosines[:, k], items[:, k] @ query[k], atol=1e-6)
    np.testing.assert_allclose(cosines.mean(1), stack_folds(items) @ stack_folds(query[None])[0], atol=1e-6)


def published_totals(cosines: np.ndarray, names: list[str]) -> dict[str, float]:
    """The published loop, word for word: for each model, its own top five add their similarity to their total."""
    totals: dict[str, float] = {}
    for k in range(cosines.shape[1]):
        similarities = {name: float(cosines[i, k]) for i, name in enumerate(names)}
        top_five = sorted(similarities, key=lambda name: similarities[name], reverse=True)[:5]
        for name in top_five:
            totals[name] = totals.get(name, 0.0) + similarities[name]
    return totals


def test_the_vote_sum_is_the_published_loop():
    rng = np.random.default_rng(3)
    query = unit(rng, K, D)
    # items near the query, at different distances, so that folds agree in part as trained ones do
    items = query + rng.normal(size=(N, 1, 1)) * 0.1 + rng.normal(size=(N, K, D)).astype(np.float32) * 0.2
    items = (items / np.linalg.norm(items, axis=-1, keepdims=True)).astype(np.float32)
    cosines = fold_cosines(stack_folds(query[None])[0], stack_folds(items), K)
    votes = fold_top(cosines, np.arange(N), 5)
    np.testing.assert_array_equal(votes.sum(0), np.full(K, 5))
    totals = vote_sum(cosines, votes)
    expected = published_totals(cosines, [f"{i}.png" for i in range(N)])
    assert 5 < len(expected) < N
    for i in range(N):
        assert totals[i] == pytest.approx(expected.get(f"{i}.png", 0.0), abs=1e-5)
    ours = [f"{i}.png" for i in np.argsort(-totals, kind="stable")[:5]]
    assert ours == sorted(expected, key=lambda name: expected[name], reverse=True)[:5]


def test_sixth_in_one_fold_loses_that_folds_vote_and_the_order_with_it():
    # item 0: best mean (.84), but sixth in fold 1; item 5 is fifth there with a lower mean
    fold_0 = [0.90, 0.10, 0.11, 0.12, 0.13, 0.80, 0.05]
    fold_1 = [0.78, 0.83, 0.82, 0.81, 0.80, 0.79, 0.00]
    cosines = np.array([fold_0, fold_1], np.float32).T
    votes = fold_top(cosines, np.arange(7), 5)
    np.testing.assert_array_equal(votes[0], [True, False])
    np.testing.assert_array_equal(votes[5], [True, True])
    totals = vote_sum(cosines, votes)
    assert totals[0] == pytest.approx(0.90)
    assert totals[5] == pytest.approx(0.80 + 0.79)
    assert cosines.mean(1).argmax() == 0
    assert totals.argmax() == 5


def test_equal_cosines_go_to_the_smaller_id_wherever_it_stands():
    cosines = np.ones((6, 1), np.float32)
    ids = np.array([60, 10, 50, 20, 40, 30])
    votes = fold_top(cosines, ids, 5)
    assert ids[~votes[:, 0]].tolist() == [60]


def test_fewer_items_than_votes_all_get_one():
    assert fold_top(np.ones((3, K), np.float32), np.arange(3), 5).all()
