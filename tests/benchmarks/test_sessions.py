"""What the session benchmark compares really differs, and its kept graphs compute the same."""

import numpy as np
import pytest

from benchmarks.sessions import CHANGES, QUERIES_BESIDE, Neighbours, _index, _save_optimised, together
from runtime.bundle import TEXT_MODEL, Bundle
from runtime.encoder import DualEncoder
from runtime.sessions import FOR_IMAGES, FOR_QUERIES, SessionSettings, open_session


@pytest.fixture(scope="module")
def bundle(bundle_folder) -> Bundle:
    return Bundle.open(bundle_folder)


def test_every_change_but_the_first_changes_a_default():
    first, *others = CHANGES.values()
    assert first == {}
    for change in others:
        assert any(
            getattr(default, name) != value for name, value in change.items() for default in (FOR_QUERIES, FOR_IMAGES)
        )


def test_queries_beside_images_are_timed_one_by_one_and_the_images_have_a_pace(bundle):
    encoder = DualEncoder(bundle, threads=1)
    pair = Neighbours(encoder, _index(encoder))
    pair()
    assert len(pair.seconds) == QUERIES_BESIDE
    assert min(pair.seconds) > 0
    assert pair.images_per_s[0] > 0
    rows = together({"defaults": encoder}, rounds=2)
    assert [(row["setting"], row["n"], row["over_defaults"]) for row in rows] == [("defaults", 2, 1.0)]


@pytest.mark.parametrize("weights", [None, "apart.data"])
def test_a_kept_graph_gives_the_bundles_vectors(bundle, tmp_path, weights):
    _save_optimised(bundle.path(TEXT_MODEL), tmp_path / "kept.onnx", weights)
    assert weights is None or (tmp_path / weights).is_file()
    ids = np.arange(1000, 1008)[None]
    feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    kept = open_session(tmp_path / "kept.onnx", SessionSettings(graph_level="off"), provider="cpu")
    expected = open_session(bundle.path(TEXT_MODEL), provider="cpu").run(None, feeds)[0]
    np.testing.assert_allclose(kept.run(None, feeds)[0], expected, atol=1e-6)
