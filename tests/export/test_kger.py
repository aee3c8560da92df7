"""From a run to a bundle: the command, the certificate it writes, and what makes it refuse."""

import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from export.kger import Probe, export_kger  # noqa: E402  after the skip
from runtime.bundle import Bundle  # noqa: E402
from runtime.dataset import Dataset, read_dataset  # noqa: E402
from runtime.encoder import open_encoder  # noqa: E402
from runtime.errors import BundleError, DatasetError, InvalidInputError  # noqa: E402
from runtime.images import read_image  # noqa: E402
from train.runs import Run  # noqa: E402

from ..conftest import run_module  # noqa: E402

pytestmark = pytest.mark.torch


def test_the_bundle_carries_its_certificate_its_provenance_and_its_licences(tiny_bundle, tiny_run, phantoms):
    manifest = Bundle.open(tiny_bundle).manifest
    fp32 = manifest.certificate["fp32"]
    for tower in ("text", "image"):
        assert len(fp32[f"{tower}_max_abs_difference"]) == 3
        assert max(fp32[f"{tower}_max_abs_difference"]) <= 1e-5
    assert fp32["texts"] == 16
    assert fp32["images"] == 8
    assert manifest.certificate["tokens_compared"] > 16
    assert (manifest.system, manifest.recipe, manifest.precision) == ("kger", "compact", "fp32")
    assert (manifest.folds, manifest.dims) == (3, 64)
    assert manifest.training["data_fingerprint"] == read_dataset(phantoms).fingerprint
    assert manifest.training["recipe"] == Run(tiny_run).settings()["recipe"]
    assert set(manifest.licences.values()) == {"Apache-2.0"}


def test_the_runtime_gives_each_folds_own_torch_vectors_from_file_to_vector(tiny_bundle, tiny_parts, phantoms):
    encoder = open_encoder(tiny_bundle, threads=2)
    records = read_dataset(phantoms).records[-3:]
    texts = [*(record.captions_vi[0] for record in records), "🙂 " + "long " * 200]
    images = [read_image(record.path) for record in records]
    ours_texts, ours_images = encoder.encode_texts(texts), encoder.encode_images(images)
    for k, fold in enumerate(tiny_parts.references):
        np.testing.assert_allclose(ours_texts[:, k], fold.texts(texts)[:, 0], atol=1e-5)
        np.testing.assert_allclose(ours_images[:, k], fold.images(images)[:, 0], atol=1e-5)


def test_a_bundle_names_no_folder_of_the_machine_that_made_it(tiny_bundle, tiny_run, phantoms):
    text = (tiny_bundle / "manifest.json").read_text("utf-8")
    for folder in (tiny_run, phantoms, tiny_bundle):
        assert str(folder) not in text


def test_a_run_without_all_its_folds_is_refused(tiny_run, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(tiny_run, copy)
    shutil.rmtree(copy / "fold-2")
    with pytest.raises(DatasetError, match="fold-2: not finished"):
        export_kger(Run(copy), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_a_certificate_that_fails_leaves_no_bundle(tiny_run, tiny_parts, tmp_path, monkeypatch):
    """One fold's reference has another weight than the graph, as after a mistake in export."""
    head = tiny_parts.references
    wrong = [head[0], head[2], head[2]]
    broken = type(tiny_parts)(**{**vars(tiny_parts), "references": wrong})
    monkeypatch.setattr("export.kger.compact_parts", lambda run: broken)
    with pytest.raises(BundleError, match="the text tower of fold 1 differs from torch"):
        export_kger(Run(tiny_run), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_errors_of_the_command_are_one_sentence(tmp_path):
    done = run_module("export", "kger", tmp_path / "none", "--out", tmp_path / "bundle")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "python -m train kger" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_probe_is_seeded_bilingual_and_passes_over_broken_pictures(phantoms, tmp_path):
    dataset = read_dataset(phantoms)
    probe, again = (Probe.draw(dataset, 12, 5) for _ in range(2))
    assert probe.texts == again.texts
    assert all(np.array_equal(a, b) for a, b in zip(probe.images, again.images, strict=True))
    assert (len(probe.texts), len(set(probe.texts)), len(probe.images)) == (12, 12, 5)
    english = {caption for record in dataset.records for caption in record.captions}
    assert 0 < sum(text in english for text in probe.texts) < 12
    (tmp_path / "bad.png").write_bytes(b"no picture")
    shutil.copyfile(dataset.records[0].path, tmp_path / "good.png")
    rows = [json.dumps({"file": name, "caption": "a"}) for name in ("bad.png", "good.png")]
    (tmp_path / "captions.jsonl").write_text("\n".join(rows))
    assert len(Probe.draw(read_dataset(tmp_path), 5, 5).images) == 1
    with pytest.raises(InvalidInputError, match="needs captions and readable images"):
        Probe.draw(Dataset(tmp_path, ()), 5, 5)
