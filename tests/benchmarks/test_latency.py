"""The stages of a query, on the shipped bundle."""

import numpy as np

from benchmarks.latency import STAGES, time_stages
from runtime.encoder import open_encoder


def test_a_query_s_stages_are_timed_one_after_another(bundle_folder):
    encoder = open_encoder(bundle_folder, threads=1, provider="cpu")
    vectors = np.random.default_rng(0).standard_normal((50, encoder.folds, encoder.dims)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    stages = time_stages(encoder, vectors, repeats=4)
    assert [stage["stage"] for stage in stages] == list(STAGES)
    assert all(stage["n"] == 4 and stage["p95_ms"] >= stage["median_ms"] > 0 for stage in stages)
