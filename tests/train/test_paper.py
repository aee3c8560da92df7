"""A paper run: what moves, what does not, and what happens when a fold is lost."""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from assets.phantoms.layout import generate  # noqa: E402  after the skip
from runtime.dataset import read_dataset  # noqa: E402
from runtime.errors import DatasetError  # noqa: E402
from runtime.tokenizer import TextTokenizer  # noqa: E402
from train import kger  # noqa: E402
from train.fit import FoldResult  # noqa: E402
from train.frozen import frozen_sha256  # noqa: E402
from train.minilm import package_folder  # noqa: E402
from train.pairs import make_pairs  # noqa: E402
from train.paper_fit import PaperData, fit_paper_fold  # noqa: E402
from train.paper_recipe import PaperRecipe  # noqa: E402
from train.paper_towers import build_towers, trained_weights  # noqa: E402
from train.runs import Run  # noqa: E402

pytestmark = pytest.mark.torch

RECIPE = PaperRecipe(image_weights="random", folds=2, epochs=1, steps=1, batch=4)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paper") / "data"
    generate(folder, images=12, seed=7)
    return folder


def train(data: Path, out: Path, *options: str) -> int:
    parser = argparse.ArgumentParser()
    kger.add_arguments(parser)
    fixed = ["--recipe", "paper", "--folds", "2", "--epochs", "1", "--steps", "1", "--batch", "4"]
    return kger.run(parser.parse_args(["--data", str(data), "--out", str(out), *fixed, *options]))


def test_a_fold_moves_what_is_unlocked_and_not_a_bit_else(data: Path) -> None:
    dataset = read_dataset(data)
    pairs = make_pairs(dataset, np.arange(len(dataset.records)), languages=("en",))
    tokenizer = TextTokenizer(package_folder() / "tokenizer.json")
    material = PaperData.read(dataset, pairs, tokenizer, "circle")
    model = build_towers(RECIPE)
    before, start = {k: v.clone() for k, v in model.state_dict().items()}, trained_weights(model)
    rows = np.arange(len(pairs.text))
    *curve, result = fit_paper_fold(model, start, material, rows[:-4], rows[-4:], RECIPE, 0)
    after = model.state_dict()
    assert isinstance(result, FoldResult)
    assert {name for name in before if not torch.equal(before[name], after[name])} == set(start)
    assert all(torch.equal(weight, after[name]) for name, weight in result.weights.items())
    assert len(curve) == 1
    assert curve[0]["learning_rate"] == pytest.approx(RECIPE.learning_rate / 2)  # the first of two warm-up steps
    assert result.figures["r5_own"] <= result.figures["r5"]


def test_a_run_that_lost_a_fold_makes_the_same_one_again(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert train(data, out, "--image-weights", "random") == 0
    run = Run(out)
    first, other = run.weights(1), run.weights(0)
    assert all(not torch.equal(weight, other[name]) for name, weight in first.items())
    kept = (run.fold_folder(0) / "weights.safetensors").stat().st_mtime_ns
    shutil.rmtree(run.fold_folder(1))
    assert train(data, out, "--image-weights", "random") == 0
    assert (run.fold_folder(0) / "weights.safetensors").stat().st_mtime_ns == kept
    again = run.weights(1)
    assert all(torch.allclose(weight, again[name], atol=1e-6) for name, weight in first.items())
    stated = json.loads((out / "frozen.json").read_text("utf-8"))["sha256"]
    assert stated == frozen_sha256(build_towers(RECIPE))


def test_a_run_does_not_go_on_with_other_frozen_weights(data: Path, tmp_path: Path) -> None:
    (tmp_path / "frozen.json").write_text(json.dumps({"sha256": "0" * 64}), "utf-8")
    with pytest.raises(DatasetError, match="weights that the run was started with"):
        train(data, tmp_path, "--image-weights", "random")
    assert not Run(tmp_path).finished(0)


def test_a_setting_of_the_other_recipe_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--text-adapt is no setting of the paper recipe"):
        train(data, tmp_path, "--text-adapt", "readout:2")
    with pytest.raises(ValueError, match=r"--adapt is no setting of the paper recipe.*--unfrozen N"):
        train(data, tmp_path, "--adapt", "unfreeze:4")
