"""The upstream-shaped loop is what it says: as many models, padded or not."""

import numpy as np
import pytest

pytest.importorskip("torch")
from benchmarks.upstream import PUBLISHED_LENGTH, TOP, TorchLoop

TEXT = "polyp in the right nasal cavity"


@pytest.fixture(scope="module")
def loop() -> TorchLoop:
    return TorchLoop(folds=2)


def test_padding_costs_tokens_and_changes_no_vector(loop):
    padded, unpadded = loop.encode(TEXT, PUBLISHED_LENGTH), loop.encode(TEXT, None)
    assert padded.shape == (2, 64)
    np.testing.assert_allclose(np.linalg.norm(padded, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(padded, unpadded, atol=1e-5)
    assert not np.allclose(padded[0], padded[1], atol=0.1)  # a head of its own each
    long = loop.tokenizer(TEXT, padding="max_length", max_length=PUBLISHED_LENGTH)
    assert len(long["input_ids"]) == 128


def test_the_vote_sum_ranks_what_both_folds_want_first(loop):
    query = loop.encode(TEXT)
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((30, 2, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    vectors[17] = query
    best = loop.searcher(vectors, None)(TEXT)
    assert best.indices[0] == 17
    assert best.values[0] == pytest.approx(2.0, abs=1e-4)
    assert len(best.indices) == TOP
