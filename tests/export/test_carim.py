"""From a small run to a bundle: the continuation found, written, certified, and opened by the runtime."""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from export.carim import PROBE, certify, export_carim, probe_of  # noqa: E402  after the skip
from export.carim_graph import find_hidden_states, write_continuation  # noqa: E402
from runtime.bundle import TEXT_MODEL, TOKENIZER, TOKENS_MODEL, Bundle  # noqa: E402
from runtime.carim.encoder import open_carim_encoder  # noqa: E402
from runtime.errors import BundleError, DatasetError  # noqa: E402
from runtime.options import DEFAULT_BUNDLE  # noqa: E402
from runtime.tokenizer import TextTokenizer  # noqa: E402
from tests.train.carim.scenes import write_data  # noqa: E402
from train.carim.backbones import MiniLmBackbone  # noqa: E402
from train.carim.command import add_arguments, run, trained_head  # noqa: E402
from train.carim.model import element_vectors  # noqa: E402
from train.carim.recipe import CarimRecipe  # noqa: E402
from train.minilm import package_folder  # noqa: E402
from train.runs import Run  # noqa: E402

pytestmark = pytest.mark.torch
TEXTS = ["a red car crossing a junction at night in rain", "fog", "two cyclists, waiting"]


@pytest.fixture(scope="module")
def carim_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One epoch on invented scenes."""
    folder = tmp_path_factory.mktemp("carim-run")
    data, parser = write_data(folder / "data"), argparse.ArgumentParser()
    add_arguments(parser)
    own = ("--data", data, "--out", folder / "run", "--cache", folder / "cache", "--threads", 1, "--epochs", 1)
    assert run(parser.parse_args([str(part) for part in own])) == 0
    return Run(folder / "run")


@pytest.fixture(scope="module")
def exported(carim_run: Run) -> Bundle:
    """The bundle, away from the one whose tower it uses."""
    return export_carim(carim_run, carim_run.folder.with_name("bundle"), DEFAULT_BUNDLE)


@pytest.fixture(scope="module")
def backbone() -> MiniLmBackbone:
    return MiniLmBackbone()


def test_the_certificate_holds_and_the_continuation_is_small(exported: Bundle):
    report = exported.manifest.certificate["stored"]
    assert set(report["max_abs_difference"]) == {"tokens", "elements", "scores"}
    assert 0 < max(report["max_abs_difference"].values()) <= 1e-5
    assert report["scenes"] == 16
    assert exported.manifest.files[TOKENS_MODEL].size_bytes < 500_000
    text = (exported.folder / "manifest.json").read_text("utf-8")
    assert str(exported.folder.parent) not in text, "no path of the exporting machine"
    assert json.loads(text)["training"]["recipe"]["normalise_elements"] is True
    assert json.loads(text)["training"]["data"] == {"source": "invented", "synthetic": True}


def test_the_runtime_gives_the_vectors_that_were_trained(carim_run: Run, exported: Bundle, backbone: MiniLmBackbone):
    encoder = open_carim_encoder(exported.folder, threads=1, provider="cpu")
    head = trained_head(carim_run, 384, CarimRecipe.from_json(carim_run.settings()["recipe"]))
    with torch.inference_mode():
        tokens = [head(backbone.states([text], 512)[0]) for text in TEXTS]
        lengths = torch.tensor([len(part) for part in tokens])
        elements = element_vectors(torch.cat(tokens), lengths, unit=True)
    for text, expected in zip(TEXTS, tokens, strict=True):
        assert np.abs(encoder.encode_query(text).tokens - expected.numpy()).max() <= 1e-5
    assert np.abs(encoder.encode_elements(TEXTS) - elements.numpy()).max() <= 1e-5


def test_beside_the_bundle_of_its_tower_only_the_continuation_is_stored(carim_run: Run, tmp_path: Path):
    kger = tmp_path / "kger"
    shutil.copytree(DEFAULT_BUNDLE, kger)
    bundle = export_carim(carim_run, tmp_path / "carim", kger)
    assert {path.name for path in bundle.folder.iterdir()} == {"manifest.json", TOKENS_MODEL}
    assert bundle.manifest.files[TEXT_MODEL].path == "../kger/text.onnx"
    assert Bundle.open(bundle.folder).manifest.fingerprint == bundle.manifest.fingerprint


def test_the_frozen_stream_is_told_from_the_folds_own_by_its_values(backbone: MiniLmBackbone):
    tower = Bundle.open(DEFAULT_BUNDLE)
    ids, mask = TextTokenizer(tower.path(TOKENIZER))(TEXTS)
    feeds = {"input_ids": ids, "attention_mask": mask}
    with torch.inference_mode():
        expected = backbone.model(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
    scale = backbone.model.layers[-1].norm.weight.numpy()
    assert find_hidden_states(tower.path(TEXT_MODEL), scale, feeds, expected)
    with pytest.raises(BundleError, match="no tensor holds"):
        find_hidden_states(tower.path(TEXT_MODEL), scale, feeds, expected + 0.01)
    with pytest.raises(BundleError, match="0 candidates"):
        find_hidden_states(tower.path(TEXT_MODEL), scale + 1, feeds, expected)


def test_a_graph_that_computes_something_else_is_not_certified(
    carim_run: Run, backbone: MiniLmBackbone, tmp_path: Path
):
    tower, recipe = Bundle.open(DEFAULT_BUNDLE), CarimRecipe()
    tokenizer = TextTokenizer(tower.path(TOKENIZER), max_tokens=512)
    ids, mask = tokenizer(TEXTS)
    with torch.inference_mode():
        expected = backbone.model(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
    feeds = {"input_ids": ids, "attention_mask": mask}
    text_model, scale = tower.path(TEXT_MODEL), backbone.model.layers[-1].norm.weight.numpy()
    hidden = find_hidden_states(text_model, scale, feeds, expected)
    head = trained_head(carim_run, 384, recipe)
    write_continuation(head, hidden, tmp_path / TOKENS_MODEL)
    head.project.bias += 1e-3
    probe = probe_of({"data": {"path": str(tmp_path)}})
    assert len(probe.offsets) == len(PROBE) + 1, "without the data the written scenes serve"
    with pytest.raises(BundleError, match="the tokens differ from torch"):
        certify(text_model, tmp_path / TOKENS_MODEL, tokenizer, backbone, head, recipe, probe, package_folder())


def test_what_cannot_be_exported_is_said(carim_run: Run, tmp_path: Path):
    with pytest.raises(DatasetError, match="python -m train carim"):
        export_carim(Run(tmp_path), tmp_path / "bundle", DEFAULT_BUNDLE)
    shutil.copytree(carim_run.folder, tmp_path / "run")
    settings = Run(tmp_path / "run").settings()
    settings["recipe"]["backbone"] = "qwen2"
    (tmp_path / "run" / "run.json").write_text(json.dumps(settings))
    with pytest.raises(BundleError, match="backbone is qwen2"):
        export_carim(Run(tmp_path / "run"), tmp_path / "bundle", DEFAULT_BUNDLE)
