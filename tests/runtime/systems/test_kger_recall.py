"""The recall that a search asks for reaches the index, which is tuned with the gallery's own captions."""

import shutil

import numpy as np
import pytest

from runtime.cli import main
from runtime.index.hnsw import HnswIndex
from runtime.results import Query
from runtime.systems import kger
from runtime.systems.kger import open_kger


def opened_index(system: kger.KgerSystem) -> HnswIndex:
    index = system._index()
    assert isinstance(index, HnswIndex)
    return index


@pytest.mark.parametrize(("fewest", "kind"), [(5, "given"), (10_000, "rows")])
def test_an_approximate_index_is_tuned_with_encoded_captions_where_there_are_enough(
    bundle_folder, small_gallery, tmp_path, monkeypatch, fewest, kind
):
    monkeypatch.setattr(kger, "CAPTIONS", (fewest, 12))
    shutil.copytree(small_gallery, tmp_path / "gallery")
    system = open_kger(bundle_folder, tmp_path / "gallery", threads=2, backend="hnsw", recall=0.8)
    tuning = opened_index(system).tuning
    assert (tuning.kind, tuning.target) == (kind, 0.8)
    assert len(system.search(Query("right nasal cavity"), k=3).candidates) == 3
    if kind == "given":
        sample = system._caption_queries()
        assert sample is not None
        assert sample.shape == (12, system.encoder.folds * system.encoder.dims)
        np.testing.assert_allclose(np.linalg.norm(sample, axis=1), 1, atol=1e-5)
        assert tuning.queries == 12


def test_the_command_line_refuses_a_recall_that_cannot_be(bundle_folder, small_gallery, capsys):
    places = ["--bundle", str(bundle_folder), "--gallery", str(small_gallery)]
    assert main(["search", "mucus", *places, "--recall", "1.2"]) == 2
    assert "expected more than 0 and at most 1" in capsys.readouterr().err
