"""A run by its command: it learns, is kept when finished, and its split goes in and out."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from runtime.errors import DatasetError  # noqa: E402  after the skip
from train.carim.command import SPLIT, TEST, add_arguments, run, trained_head  # noqa: E402
from train.carim.recipe import CarimRecipe  # noqa: E402
from train.runs import Run  # noqa: E402

from .scenes import write_data  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("carim") / "data")


def arguments(data: Path, out: Path, *more: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    own = ("--data", data, "--out", out, "--cache", data.parent / "cache", "--threads", 1, "--batch", 8)
    return parser.parse_args([*map(str, own), *map(str, more)])


def test_a_run_learns_the_captions_words_and_a_finished_one_is_kept(data: Path, tmp_path: Path, capsys):
    out = tmp_path / "run"
    assert run(arguments(data, out, "--epochs", 6, "--learning-rate", 3e-3)) == 0
    assert "pairs" in capsys.readouterr().out
    curve = np.genfromtxt(out / "fold-0" / "curve.csv", delimiter=",", names=True)
    assert curve["loss"][-1] < 0.6 * curve["loss"][0]
    assert (curve["negatives"] > 0.9).all()
    test = json.loads((out / TEST).read_text("utf-8"))
    assert test["scenes"] == 8
    assert test["captions"]["mrr"] >= 0.8
    lists = json.loads((out / SPLIT).read_text("utf-8"))
    assert [len(lists[part]) for part in ("train", "val", "test")] == [28, 4, 8]

    stamp = (out / "fold-0" / "weights.safetensors").stat().st_mtime_ns
    assert run(arguments(data, out, "--epochs", 6, "--learning-rate", 3e-3)) == 0
    assert (out / "fold-0" / "weights.safetensors").stat().st_mtime_ns == stamp
    with pytest.raises(DatasetError, match="another recipe"):
        run(arguments(data, out, "--epochs", 7, "--learning-rate", 3e-3))
    settings = Run(out).settings()
    assert settings["data"]["source"] == "invented"
    assert settings["data"]["synthetic"] is True


def test_the_published_form_trains_on_joined_elements_and_a_given_split(data: Path, tmp_path: Path):
    lists = {"train": [f"s{i:02}" for i in range(8)], "val": ["s20", "s21"], "test": ["s30", "s31"]}
    (tmp_path / "mine.json").write_text(json.dumps(lists))
    out = tmp_path / "run"
    assert run(arguments(data, out, "--ani", "published", "--epochs", 1, "--split", tmp_path / "mine.json")) == 0
    assert json.loads((out / SPLIT).read_text("utf-8")) == lists
    recipe = CarimRecipe.from_json(Run(out).settings()["recipe"])
    assert (recipe.injected, recipe.normalise_elements) == ("joined", False)
    assert trained_head(Run(out), 384, recipe).project.weight.shape == (256, 384)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(data: Path, tmp_path: Path):
    heads = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        split = tmp_path / "split.json"
        split.write_text(json.dumps({"train": [f"s{i:02}" for i in range(8)], "val": ["s20"], "test": ["s30"]}))
        run(arguments(data, tmp_path / name, "--epochs", 1, "--seed", seed, "--split", split))
        heads.append(Run(tmp_path / name).weights(0)["project.weight"])
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_data_that_cannot_be_trained_on_is_refused(data: Path, tmp_path: Path):
    with pytest.raises(DatasetError, match=r"rows\.jsonl"):
        run(arguments(tmp_path, tmp_path / "run"))
    with pytest.raises(DatasetError, match="not finished"):
        trained_head(Run(tmp_path / "run"), 384, CarimRecipe())
