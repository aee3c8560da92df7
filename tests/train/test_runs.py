"""A run's folder: a fold is there whole or not at all, and settings never mix."""

import csv
import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from runtime.errors import DatasetError  # noqa: E402  after the skip
from train.fit import FoldResult  # noqa: E402
from train.runs import Run, fold_table  # noqa: E402

pytestmark = pytest.mark.torch
SETTINGS = {"recipe": {"epochs": 2, "languages": ("en", "vi")}, "split": "group"}


def result(value: float, mrr: float = 0.5) -> FoldResult:
    figures = {"r1": 0.1, "r5": 0.2, "r10": 0.3, "mrr": mrr}
    # a view that is not contiguous, as a transposed parameter may be
    weights = {"a.weight": torch.full((2, 3), value).T, "b": torch.arange(4.0)}
    return FoldResult(weights, {"epoch": 2.0, **figures}, [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}])


def test_a_fold_is_read_as_it_was_written(tmp_path: Path):
    run = Run.start(tmp_path / "run", SETTINGS)
    assert not run.finished(0)
    run.save_fold(0, result(7.0))
    assert run.finished(0)
    weights = run.weights(0)
    assert torch.equal(weights["a.weight"], torch.full((3, 2), 7.0))
    assert torch.equal(weights["b"], torch.arange(4.0))
    assert run.figures(0)["mrr"] == 0.5
    with (run.fold_folder(0) / "curve.csv").open() as stream:
        assert list(csv.DictReader(stream)) == [{"epoch": "1", "loss": "2.0"}, {"epoch": "2", "loss": "1.0"}]
    assert sorted(path.name for path in run.folder.iterdir()) == ["fold-0", "run.json"]


def test_the_same_settings_continue_and_others_are_refused(tmp_path: Path):
    run = Run.start(tmp_path / "run", SETTINGS)
    run.save_fold(0, result(1.0))
    assert Run.start(tmp_path / "run", SETTINGS).finished(0)
    with pytest.raises(DatasetError, match="another split; choose another --out"):
        Run.start(tmp_path / "run", SETTINGS | {"split": "row"})
    with pytest.raises(DatasetError, match="another recipe"):
        Run.start(tmp_path / "run", SETTINGS | {"recipe": {"epochs": 3}})
    assert Run(tmp_path / "run").settings()["split"] == "group"


def test_a_fold_with_damaged_weights_is_not_finished(tmp_path: Path):
    run = Run.start(tmp_path / "run", SETTINGS)
    run.save_fold(0, result(1.0))
    path = run.fold_folder(0) / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert not run.finished(0)
    with pytest.raises(DatasetError, match=r"fold-0: not finished; run the same `python -m train kger` again"):
        run.weights(0)
    run.save_fold(0, result(2.0))
    assert run.finished(0)


def test_what_a_killed_writer_left_is_no_fold_and_in_nobodys_way(tmp_path: Path):
    run = Run.start(tmp_path / "run", SETTINGS)
    part = run.folder / ".fold-0.part"
    part.mkdir()
    (part / "weights.safetensors").write_bytes(b"half")
    assert not run.finished(0)
    run.save_fold(0, result(1.0))
    assert run.finished(0)
    assert not part.exists()


def test_no_run_and_another_schema_are_one_sentence(tmp_path: Path):
    with pytest.raises(DatasetError, match=r"no run here.*python -m train kger"):
        Run(tmp_path / "none").settings()
    run = Run.start(tmp_path / "run", SETTINGS)
    content = json.loads(run.path.read_text()) | {"schema_version": 99}
    run.path.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="schema version 99"):
        run.settings()


def test_the_table_ends_with_mean_and_sample_deviation(tmp_path: Path):
    run = Run.start(tmp_path / "run", SETTINGS)
    for fold, mrr in enumerate((0.2, 0.4, 0.9)):
        run.save_fold(fold, result(1.0, mrr))
    lines = fold_table(run, 3).splitlines()
    assert [line.split()[0] for line in lines] == ["fold", "0", "1", "2", "mean", "±"]
    assert lines[-2].split()[-1] == "0.500"
    assert lines[-1].split()[-1] == f"{((0.3**2 + 0.1**2 + 0.4**2) / 2) ** 0.5:.3f}"
