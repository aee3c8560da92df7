"""The HNSW peer of the two-stage path finds what exact MaxSim finds where it looks at everything."""

import numpy as np

from benchmarks.carim.graph_peer import GraphPeer, GraphSettings
from runtime.carim.index import ElementIndex


def rows(count: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((count, 32)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def test_the_peer_with_all_elements_in_view_answers_as_exact_search_does():
    vectors = rows(60, 0)
    ids = np.random.default_rng(1).integers(0, 60, 200)  # elements repeat over the scenes
    index = ElementIndex.build(vectors, ids, np.arange(0, 201, 5))
    peer = GraphPeer(index, GraphSettings(nearest=60, expansion=120, candidates=40), threads=1)
    for seed in range(3):
        tokens = rows(4, 10 + seed)
        scores = index.scores(tokens)
        found = peer.search(tokens, 5)
        assert found.rows.tolist() == np.argsort(-scores, kind="stable")[:5].tolist()
        np.testing.assert_allclose(found.scores, scores[found.rows], atol=1e-6)


def test_the_peer_sees_only_the_scenes_of_the_elements_that_it_met():
    index = ElementIndex.build(np.eye(4, dtype=np.float32), np.arange(4), np.array([0, 2, 4]))
    peer = GraphPeer(index, GraphSettings(nearest=1, expansion=4, candidates=2), threads=1)
    assert peer.search(np.eye(4, dtype=np.float32)[:1], 5).rows.tolist() == [0]
