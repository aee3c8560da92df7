"""From a run to a bundle: the command, the certificate it writes, and what makes it refuse."""

import argparse
import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from export import kger  # noqa: E402  after the skip
from export.compact import compact_parts  # noqa: E402
from export.kger import Probe, export_kger, without_folders  # noqa: E402
from runtime.bundle import Bundle  # noqa: E402
from runtime.dataset import Dataset, read_dataset  # noqa: E402
from runtime.encoder import open_encoder  # noqa: E402
from runtime.errors import BundleError, DatasetError, InvalidInputError  # noqa: E402
from runtime.images import read_image  # noqa: E402
from runtime.tokenizer import TextTokenizer  # noqa: E402
from train.fit import CompactFolds, FoldResult  # noqa: E402
from train.frozen import check_frozen, frozen_sha256  # noqa: E402
from train.image_trunk import open_image_trunk  # noqa: E402
from train.paper_recipe import PaperRecipe  # noqa: E402
from train.recipes import CompactRecipe  # noqa: E402
from train.runs import Run  # noqa: E402

from ..conftest import run_module  # noqa: E402
from ..train.tiny_trunks import restless  # noqa: E402

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


def test_weights_from_a_folder_of_the_machine_are_stated_by_their_name(tmp_path):
    (tmp_path / "dinov2.safetensors").touch()
    recipe = {"image_weights": str(tmp_path / "dinov2.safetensors"), "text_weights": str(tmp_path), "epochs": 3}
    assert without_folders(recipe) == {
        "image_weights": "dinov2.safetensors",
        "text_weights": tmp_path.name,
        "epochs": 3,
    }
    for kept in ({"image_weights": "hub"}, {"text_weights": "sentence-transformers/all-MiniLM-L6-v2"}, {"epochs": 3}):
        assert without_folders(kept) == kept


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
    monkeypatch.setattr("export.kger.compact_parts", lambda run, **options: broken)
    with pytest.raises(BundleError, match="the text tower of fold 1 differs from torch"):
        export_kger(Run(tiny_run), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def export(*options: object) -> int:
    """The command in this process, which has imported torch already."""
    parser = argparse.ArgumentParser()
    kger.add_arguments(parser)
    return kger.run(parser.parse_args([str(option) for option in options]))


def test_the_first_folds_alone_are_a_bundle_of_their_own(tiny_run, tiny_parts, tmp_path, capsys):
    assert export(tiny_run, "--out", tmp_path / "bundle", "--folds", 2) == 0
    assert "over 2 folds and both towers" in capsys.readouterr().out
    encoder = open_encoder(tmp_path / "bundle", threads=2)
    manifest = Bundle.open(tmp_path / "bundle").manifest
    assert (manifest.folds, manifest.training["folds_of_run"]) == (2, 3)
    assert len(manifest.certificate["fp32"]["image_max_abs_difference"]) == 2
    vectors = encoder.encode_texts(["ear", "open vocal cords"])
    assert vectors.shape == (2, 2, 64)
    for k in range(2):
        np.testing.assert_allclose(
            vectors[:, k], tiny_parts.references[k].texts(["ear", "open vocal cords"])[:, 0], atol=1e-5
        )


@pytest.mark.parametrize("folds", [0, 4, -1])
def test_folds_that_the_run_has_not_are_refused(tiny_run, tmp_path, folds):
    with pytest.raises(InvalidInputError, match=f"--folds {folds}; the run has 3 folds"):
        export(tiny_run, "--out", tmp_path / "bundle", "--folds", folds)
    assert not (tmp_path / "bundle").exists()


def test_a_soup_of_folds_that_began_apart_is_refused(tiny_run, tmp_path):
    with pytest.raises(DatasetError, match=r"began from different random weights.*train with --start shared"):
        export(tiny_run, "--out", tmp_path / "bundle", "--soup")
    assert not (tmp_path / "bundle").exists()


def test_a_soup_of_a_paper_run_is_refused(tmp_path):
    run = Run.start(tmp_path / "run", {"recipe": PaperRecipe(folds=2).to_json(), "split": "group", "data": {}})
    with pytest.raises(InvalidInputError, match="--soup is for runs of the compact recipe"):
        export(run.folder, "--out", tmp_path / "bundle", "--soup")


def test_a_soup_of_folds_that_began_alike_is_their_mean(tiny_run, minilm, phantoms, tmp_path):
    recipe = CompactRecipe(image_trunk="lite0", start="shared", rank=2, folds=3)
    images = open_image_trunk(recipe)
    run = Run.start(tmp_path / "run", Run(tiny_run).settings() | {"recipe": recipe.to_json()})
    check_frozen(run, frozen_sha256(minilm, images), begin=True)
    for seed in range(3):
        weights = restless(CompactFolds(minilm, images, recipe), seed, 0.02).state_dict()
        run.save_fold(seed, FoldResult(weights, {"mrr": 0.0}, [{"epoch": 1.0}]))
    text, picture = "a left tympanic membrane", read_image(read_dataset(phantoms).records[0].path)
    for folds in (None, 2):
        parts = compact_parts(run, folds=folds, soup=True)
        mean = {name: sum(run.weights(k)[name] for k in range(folds or 3)) / (folds or 3) for name in run.weights(0)}
        one = CompactFolds(minilm, images, recipe).eval()
        one.load_state_dict(mean)
        ids = torch.from_numpy(TextTokenizer(parts.tokenizer_folder / "tokenizer.json")([text])[0])
        pixels = torch.from_numpy(parts.preprocessing([picture]))
        with torch.inference_mode():
            expected = (
                one.text(minilm.stream(ids, torch.ones_like(ids), recipe.text))[0, 0].numpy(),
                one.image(images.stream(pixels, recipe.image))[0, 0].numpy(),
            )
            given = parts.text_graph(ids, torch.ones_like(ids)), parts.image_graph(pixels)
        assert len(parts.references) == 1
        for ours, theirs in zip(given, expected, strict=True):
            assert ours.shape == (1, 1, 64)
            np.testing.assert_allclose(ours[0, 0].numpy(), theirs, atol=1e-6)
        np.testing.assert_allclose(parts.references[0].texts([text])[0, 0], expected[0], atol=1e-5)


def test_other_frozen_weights_than_the_runs_end_the_export(tiny_run, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(tiny_run, copy)
    (copy / "frozen.json").write_text(json.dumps({"sha256": "0" * 64}), "utf-8")
    with pytest.raises(DatasetError, match="the run began with 000000000000"):
        export_kger(Run(copy), tmp_path / "bundle")


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
