"""Preparing a data set: the tables, the folds, the report, and what does not stop it."""

import argparse
import csv
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the training environment")

from runtime.dataset import read_dataset
from runtime.errors import DatasetError
from runtime.images import encode_image
from train.folds import load_folds
from train.prepare import add_arguments, prepare, run

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def make_set(root: Path, *, patients: int = 12, views: int = 3, bad: int = 0) -> Path:
    rng = np.random.default_rng(1)
    (root / "img").mkdir(parents=True)
    lines = ["file,caption,caption_vi,group,side"]
    for i in range(patients * views):
        image = np.kron(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
        content = b"broken" if i < bad else encode_image(image)
        (root / "img" / f"{i:02d}.png").write_bytes(content)
        vietnamese = f"thấy {i % 5}" if i % 2 else ""
        lines.append(f"{i:02d}.png,finding {i % 5},{vietnamese},p{i // views},{'left' if i % 2 else 'right'}")
    (root / "captions.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return root


def test_everything_is_written_and_agrees(tmp_path):
    data = make_set(tmp_path / "data")
    prepared = prepare(data, tmp_path / "out", folds=6)
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["folds.json", "pairs.csv", "pairs.jsonl", "report.json", "report.md"]
    assert load_folds(tmp_path / "out" / "folds.json", read_dataset(data)) == prepared.folds
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert report == prepared.report
    assert report["images"] == 36
    assert report["captions"]["distinct"] == 5
    assert report["captions"]["shared_by_several_images"] == 5
    assert report["captions"]["images_without_vietnamese"] == 18
    assert report["groups"] == {"own": 12, "with_duplicates": 12}
    assert report["split"]["images_per_fold"] == [6] * 6
    assert report["split"]["leaks"] == {"rows": 36, "image": 0, "group": 0, "caption": 36}
    assert report["row_split_leaks"]["group"] > 18
    assert "the published row split would leak" in (tmp_path / "out" / "report.md").read_text("utf-8")


def test_the_tables_say_who_is_held_out_where(tmp_path):
    prepared = prepare(make_set(tmp_path / "data"), tmp_path / "out", folds=6)
    with (tmp_path / "out" / "pairs.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    lines = (tmp_path / "out" / "pairs.jsonl").read_text("utf-8").splitlines()
    objects = [json.loads(line) for line in lines]
    assert len(rows) == len(objects) == 36
    for row, value in zip(rows, objects, strict=True):
        assert row["file"] in prepared.folds.files[int(row["fold"])]
        assert (value["file"], value["fold"]) == (row["file"], int(row["fold"]))
        assert value["side"] in {"left", "right"}


def test_the_table_reads_back_to_the_same_captions(tmp_path):
    data = make_set(tmp_path / "data")
    prepare(data, tmp_path / "out", folds=6)
    before = read_dataset(data)
    (data / "pairs.csv").write_bytes((tmp_path / "out" / "pairs.csv").read_bytes())
    assert read_dataset(data / "pairs.csv").fingerprint == before.fingerprint


def test_bad_images_are_named_and_left_out_and_strict_exits_with_one(tmp_path, capsys):
    data = make_set(tmp_path / "data", bad=2)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    given = ["--data", str(data), "--out", str(tmp_path / "out"), "--folds", "5"]
    assert run(parser.parse_args(given)) == 0
    assert run(parser.parse_args([*given, "--strict"])) == 1
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert sorted(report["bad_images"]) == ["00.png", "01.png"]
    assert report["images"] == 34
    held = {f for fold in load_folds(tmp_path / "out" / "folds.json").files for f in fold}
    assert held == {f"{i:02d}.png" for i in range(2, 36)}
    assert "00.png" in capsys.readouterr().out


def test_copies_across_patients_are_split_together(tmp_path):
    data = make_set(tmp_path / "data")
    (data / "img" / "35.png").write_bytes((data / "img" / "00.png").read_bytes())
    prepared = prepare(data, tmp_path / "out", folds=6)
    assert prepared.groups[0] == prepared.groups[35] == "p0+p11"
    assert prepared.report["duplicates"] == {"same_content": 1, "look_alike_sets": [["00.png", "35.png"]]}
    assert any({"00.png", "35.png"} <= set(files) for files in prepared.folds.files)


def test_the_row_split_is_warned_of(tmp_path):
    prepared = prepare(make_set(tmp_path / "data"), tmp_path / "out", folds=6, split="row")
    assert prepared.report["split"]["leaks"]["caption"] == 36
    assert "WARNING" in (tmp_path / "out" / "report.md").read_text("utf-8")


def test_an_impossible_split_still_reports_and_leaves_no_old_folds(tmp_path):
    data = make_set(tmp_path / "data")
    prepare(data, tmp_path / "out", folds=6)
    with pytest.raises(DatasetError, match=r"12 groups.*--folds 12"):
        prepare(data, tmp_path / "out", folds=20)
    assert not (tmp_path / "out" / "folds.json").exists()
    assert "12 groups" in json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["split"]["error"]


@pytest.mark.skipif(not DATA.is_dir(), reason="needs shared/data/vocalfolds")
def test_eight_real_sequences_are_prepared(tmp_path):
    prepared = prepare(DATA / "vocalfolds", tmp_path, group_column="sequence", folds=8)
    assert prepared.report["split"]["leaks"]["group"] == 0
    assert prepared.report["row_split_leaks"]["group"] == 179


def test_a_synthetic_entrep_folder_is_prepared(tmp_path):
    layout = pytest.importorskip("assets.phantoms.layout", reason="needs the phantom generator")
    layout.generate(tmp_path / "data", images=40, seed=5, workers=1)
    prepared = prepare(tmp_path / "data", tmp_path / "out", folds=3)
    assert prepared.report["images"] == 40
    assert prepared.report["problems"] == []
    assert sum(prepared.report["classes"].values()) == 40
    assert prepared.report["queries"]["text"] > 0
    assert prepared.report["split"]["leaks"]["group"] == 0
