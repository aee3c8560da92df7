"""`python -m train kger` from pictures to folds, killed in the middle and continued."""

import argparse
import contextlib
import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from runtime.dataset import read_dataset  # noqa: E402  after the skip
from runtime.errors import DatasetError, InvalidInputError  # noqa: E402
from train import kger  # noqa: E402
from train.runs import Run  # noqa: E402

from ..conftest import ROOT, run_module, tiny_options  # noqa: E402

pytestmark = pytest.mark.torch


def train(*options: object) -> int:
    """The command in this process, which has imported torch already."""
    parser = argparse.ArgumentParser()
    kger.add_arguments(parser)
    return kger.run(parser.parse_args([str(option) for option in options]))


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_a_run_has_every_fold_its_curve_its_settings_and_no_pickle(tiny_run, phantoms):
    run = Run(tiny_run)
    names = {str(path.relative_to(tiny_run)) for path in tiny_run.rglob("*") if path.is_file()}
    of_fold = ("weights.safetensors", "figures.json", "curve.csv")
    assert names == {"run.json", "folds.json", "frozen.json", "times.json"} | {
        f"fold-{k}/{name}" for k in range(3) for name in of_fold
    }
    settings = run.settings()
    assert settings["recipe"]["epochs"] == 2
    assert settings["data"]["fingerprint"] == read_dataset(phantoms).fingerprint
    for k in range(3):
        assert run.finished(k)
        with (run.fold_folder(k) / "curve.csv").open() as stream:
            rows = list(csv.DictReader(stream))
        assert {"epoch", "loss", "mrr", "learning_rate"} <= set(rows[0])
        assert rows[-1]["epoch"] == "2"
    assert not torch.equal(run.weights(0)["image.head.out.weight"], run.weights(1)["image.head.out.weight"])


def test_no_patient_stands_on_both_sides_of_a_fold(tiny_run, phantoms):
    group = {record.file: record.group for record in read_dataset(phantoms).records}
    folds = [set(fold["files"]) for fold in json.loads((tiny_run / "folds.json").read_text())["folds"]]
    assert sorted(file for fold in folds for file in fold) == sorted(group)
    patients = [{group[file] for file in fold} for fold in folds]
    assert None not in set().union(*patients)
    for k, fold in enumerate(patients):
        assert not fold & set().union(*(patients[:k] + patients[k + 1 :]))


def test_the_same_command_on_a_finished_run_changes_nothing_and_prints_the_table(
    tiny_run, phantoms, tiny_cache, capsys
):
    before = [content(tiny_run / f"fold-{k}") for k in range(3)]
    assert train("--out", tiny_run, *tiny_options(phantoms, tiny_cache)) == 0
    assert [content(tiny_run / f"fold-{k}") for k in range(3)] == before
    assert "mean" in capsys.readouterr().out


def test_a_fold_that_is_lost_is_trained_again_to_the_same_weights(tiny_run, phantoms, tiny_cache, tmp_path):
    copy = tmp_path / "run"
    copy.mkdir()
    for name in ("run.json", "folds.json"):
        (copy / name).write_bytes((tiny_run / name).read_bytes())
    for k in (0, 2):
        (copy / f"fold-{k}").mkdir()
        for name, (data, _) in content(tiny_run / f"fold-{k}").items():
            (copy / f"fold-{k}" / name).write_bytes(data)
    before = [content(copy / f"fold-{k}") for k in (0, 2)]
    assert train("--out", copy, *tiny_options(phantoms, tiny_cache)) == 0
    assert [content(copy / f"fold-{k}") for k in (0, 2)] == before
    weights, again = Run(tiny_run).weights(1), Run(copy).weights(1)
    for name, tensor in weights.items():
        torch.testing.assert_close(again[name], tensor, rtol=0, atol=1e-5)


def test_other_settings_and_other_data_are_refused(tiny_run, phantoms, tiny_cache, tmp_path):
    with pytest.raises(DatasetError, match="another recipe; choose another --out"):
        train("--out", tiny_run, *tiny_options(phantoms, tiny_cache, epochs=3))
    hold_out = tmp_path / "hold-out.txt"
    hold_out.write_text(read_dataset(phantoms).records[0].file + "\n")
    with pytest.raises(DatasetError, match="another data"):
        train("--out", tiny_run, *tiny_options(phantoms, tiny_cache), "--hold-out", hold_out)


def test_a_hold_out_list_takes_images_away_and_its_mistakes_are_named(phantoms, tmp_path):
    dataset = read_dataset(phantoms)
    hold_out = tmp_path / "hold-out.txt"
    hold_out.write_text(f"{dataset.records[1].file}\n\n  {dataset.records[3].file}  \n")
    rest = kger.without(dataset, hold_out)
    assert [r.file for r in rest.records] == [r.file for i, r in enumerate(dataset.records) if i not in (1, 3)]
    assert kger.without(dataset, None) is dataset
    hold_out.write_text("stranger.png\n")
    with pytest.raises(DatasetError, match=r"stranger\.png is not an image"):
        kger.without(dataset, hold_out)
    with pytest.raises(DatasetError, match=r"none\.txt: cannot be read"):
        kger.without(dataset, tmp_path / "none.txt")


@pytest.mark.parametrize("option", [["--folds", 1], ["--epochs", 0], ["--batch", 1]])
def test_settings_that_mean_nothing_are_refused(phantoms, tmp_path, option):
    with pytest.raises(InvalidInputError, match="at least 2 folds, 1 epoch and batches of 2"):
        train("--data", phantoms, "--out", tmp_path / "run", *option)
    assert not (tmp_path / "run").exists()


def recipe_of(*options: object) -> "kger.CompactRecipe":
    parser = argparse.ArgumentParser()
    kger.add_arguments(parser)
    return kger._recipe(parser.parse_args(["--data", "set", "--out", "run", *map(str, options)]))


@pytest.mark.parametrize(
    ("options", "text", "image"),
    [
        ([], "readout:2", "heads"),
        (["--adapt", "lora:4"], "lora:4", "heads"),  # the default image trunk is convolutional
        (["--adapt", "lora:4", "--image-trunk", "dinov2-s"], "lora:4", "lora:4"),
        (["--adapt", "unfreeze:4", "--image-trunk", "dinov2-s", "--text-adapt", "heads"], "heads", "unfreeze:4"),
        (["--adapt", "heads", "--image-trunk", "dinov2-s", "--image-adapt", "readout:3"], "heads", "readout:3"),
        (["--adapt", "readout:1", "--image-trunk", "lite0"], "readout:1", "heads"),
        (["--image-adapt", "readout:1", "--image-trunk", "dinov2-s"], "readout:2", "readout:1"),
    ],
)
def test_adapt_is_for_both_towers_and_a_convolutional_one_has_heads(options, text, image):
    recipe = recipe_of(*options)
    assert (recipe.text_adapt, recipe.image_adapt) == (text, image)


def test_zero_is_a_setting_and_not_its_absence():
    recipe = recipe_of("--rank", 0, "--hidden", 0, "--no-skip", "--own-key", "--start", "shared", "--seed", 0)
    assert (recipe.rank, recipe.hidden, recipe.skip, recipe.own_key, recipe.start) == (0, 0, False, True, "shared")
    assert recipe.seed == 0
    assert recipe.text.rank == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--image-trunk", "lite2", "--image-adapt", "readout:2"],
            """readout wants the last 2 blocks, but the image tower lite2 is no transformer: only heads can be trained \
on it""",
        ),
        (["--text-adapt", "readout:7"], "readout wants the last 7 blocks, but the text tower has 6 blocks"),
        (
            ["--image-trunk", "dinov2-s", "--image-weights", "random", "--image-adapt", "unfreeze:13"],
            "unfreeze wants the last 13 blocks, but the image tower dinov2-s has 12 blocks",
        ),
        (["--adapt", "readout"], "adapt 'readout'; expected heads, readout:N, lora:R or unfreeze:N, such as readout:2"),
    ],
)
def test_what_a_trunk_cannot_be_is_said_before_a_run_begins(phantoms, tmp_path, options, message):
    with pytest.raises(InvalidInputError) as error:
        train("--data", phantoms, "--out", tmp_path / "run", *options)
    assert str(error.value) == message
    assert not (tmp_path / "run").exists(), "the corrected command would be refused for its other settings"


def test_a_run_does_not_go_on_with_other_frozen_weights(phantoms, tiny_cache, tmp_path):
    (tmp_path / "frozen.json").write_text(json.dumps({"sha256": "0" * 64}), "utf-8")
    with pytest.raises(DatasetError, match="the run began with 000000000000; give the weights"):
        train("--out", tmp_path, *tiny_options(phantoms, tiny_cache))
    assert not Run(tmp_path).finished(0)


def test_an_error_is_one_sentence_without_a_traceback(tmp_path):
    done = run_module("train", "kger", "--data", tmp_path / "none", "--out", tmp_path / "run")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.timeout(900)  # about a dozen seconds, but it starts many processes
def test_a_killed_run_keeps_its_finished_folds_and_continues(phantoms, tiny_cache, tiny_run, tmp_path):
    run = tmp_path / "run"
    options = ["--out", run, *tiny_options(phantoms, tiny_cache, folds=3, epochs=6)]
    command = [sys.executable, "-m", "train", "kger", *map(str, options)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not Run(run).finished(0):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.02)
        assert process.returncode is None, "it ended by itself: the test killed nothing"
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.2)  # into the second fold
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not Run(run).finished(2), "the run was over before it was killed"
    kept = [k for k in range(3) if Run(run).finished(k)]
    before = {k: content(run / f"fold-{k}") for k in kept}
    assert train(*options) == 0
    assert all(Run(run).finished(k) for k in range(3))
    assert {k: content(run / f"fold-{k}") for k in kept} == before
    assert not [path.name for path in run.iterdir() if path.name.startswith(".")]
