"""`python -m benchmarks evaluate`: run files, and a user's own data, end to end."""

import argparse
import json
import shutil

import numpy as np
import pytest

from benchmarks.evaluation import evaluate
from benchmarks.evaluation.evaluate_data import FUSIONS
from benchmarks.evaluation.evaluate_runs import named
from benchmarks.evaluation.leakage import LeakageError
from benchmarks.evaluation.measures import measure_run
from benchmarks.evaluation.trec import Run, plain_id, read_qrels, read_run, write_qrels, write_run
from runtime.dataset import read_dataset
from runtime.encoder import open_encoder
from runtime.errors import DatasetError, InvalidInputError
from runtime.fusion import PosFuseSettings
from runtime.fusion.tuned import Tuned, write_tuned
from runtime.judge.choose import choose_judge

for package in evaluate.NEEDED:
    pytest.importorskip(package)


def evaluated(*arguments):
    parser = argparse.ArgumentParser()
    evaluate.add_arguments(parser)
    return evaluate.run(parser.parse_args([str(argument) for argument in arguments]))


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    qrels = {f"q{q}": {f"d{d}": int(d in (q % 7, q % 5)) for d in range(10)} for q in range(40)}
    for name, signal in (("good", 2.0), ("poor", 0.1)):
        scores = {
            q: {d: float(rng.normal() + signal * grade) for d, grade in items.items()} for q, items in qrels.items()
        }
        write_run(tmp_path / f"{name}.trec", Run(name, scores))
    write_qrels(tmp_path / "qrels.trec", qrels)
    return tmp_path


def test_any_systems_runs_are_measured_compared_and_reported(files, capsys):
    report = files / "report.html"
    code = evaluated(
        "--run", files / "good.trec", files / "poor.trec", "--qrels", files / "qrels.trec", "--report", report
    )
    assert code == 0
    printed = capsys.readouterr().out
    expected = {
        n: measure_run(read_run(files / f"{n}.trec").scores, read_qrels(files / "qrels.trec")) for n in ("good", "poor")
    }
    for name, values in expected.items():
        line = next(line for line in printed.splitlines() if f" {name} " in line and line.startswith("|"))
        assert f"{values['mrr'].mean():.3f}" in line
        assert f"{values['map'].mean():.3f}" in line
    difference = (expected["poor"]["mrr"] - expected["good"]["mrr"]).mean()
    assert f"poor - good: MRR {difference:+.4f}, p < .001, Holm < .001" in printed
    html = report.read_text("utf-8")
    assert "Every pair of systems" in html
    assert "data:image/png;base64," in html


def test_what_a_run_leaves_out_is_said_and_other_ids_are_refused(files, capsys):
    run = read_run(files / "good.trec")
    part = {query: items for query, items in run.scores.items() if query != "q3"} | {"strange": {"d1": 1.0}}
    write_run(files / "part.trec", Run("part", part))
    evaluated("--run", files / "part.trec", "--qrels", files / "qrels.trec")
    printed = capsys.readouterr().out
    assert "part does not answer 1 of 40 queries, which count 0" in printed
    assert "part answers 1 queries that the qrels do not have" in printed
    write_run(files / "other.trec", Run("other", {"Q1": {"d1": 1.0}}))
    with pytest.raises(InvalidInputError, match=r"other answers none of the 40 queries; its ids \(such as Q1\)"):
        evaluated("--run", files / "other.trec", "--qrels", files / "qrels.trec")


def test_runs_of_one_name_are_told_apart_by_their_files(tmp_path):
    runs = [Run("same", {}), Run("same", {})]
    assert [run.name for run in named(runs, [tmp_path / "a.trec", tmp_path / "b.trec"])] == ["a", "b"]
    paths = [tmp_path / "x" / "a.trec", tmp_path / "y" / "a.trec"]
    assert [run.name for run in named(runs, paths)] == [str(path) for path in paths]
    with pytest.raises(InvalidInputError, match="given twice"):
        named(runs, [tmp_path / "a.trec"] * 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run", "a.trec"], "--run needs --qrels"),
        (["--run", "a.trec", "--data", "folder"], "give one of them"),
        (["--qrels", "q.trec"], "belong to --run"),
    ],
)
def test_options_of_different_uses_are_not_mixed(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        evaluated(*arguments)


@pytest.fixture
def own(phantoms, bundle_folder, tmp_path):
    """The arguments that every evaluation of the test phantoms shares."""
    return ["--data", phantoms, "--bundle", bundle_folder, "--work", tmp_path / "work", "--out", tmp_path / "out"]


def test_a_users_data_becomes_trec_files_that_give_the_same_figures(own, phantoms, tmp_path, capsys):
    listing = hold_out(phantoms, tmp_path)
    more = ["--hold-out", listing, "--promises", "groups", "--relevant-columns", "region,side,finding"]
    assert evaluated(*own, *more, "--judge", "local", "--judge-columns", "region,side") == 0
    printed = capsys.readouterr().out
    out = tmp_path / "out"
    run, qrels = read_run(out / "run.trec"), read_qrels(out / "qrels.trec")
    last = [line for line in printed.splitlines() if line.startswith("|")][-1]
    assert "+ fusion, corrected" in last
    again = measure_run(run.scores, qrels)
    cells = [cell.strip() for cell in last.strip("|").split("|")]
    assert cells[1] == str(len(qrels)) == str(len(run.scores))
    assert cells[2:] == [f"{again[key].mean():.3f}" for key in ("r1", "r5", "recall10", "mrr", "ndcg10", "map")]
    held = set(listing.read_text("utf-8").split())
    assert {plain_id(item) for items in run.scores.values() for item in items} == held
    html = (out / "report.html").read_text("utf-8")
    assert "synthetic" in html
    assert "local caption judge" in html
    assert "it reads the columns region, side, no picture" in html
    assert "test and" in html


def hold_out(phantoms, folder):
    records = read_dataset(phantoms).records
    patients = sorted({record.group for record in records})[:4]
    listing = folder / "hold-out.txt"
    listing.write_text("\n".join(record.file for record in records if record.group in patients), "utf-8")
    return listing


def test_pictures_are_asked_too_and_no_judge_means_no_fusion(own, phantoms, tmp_path, capsys):
    listing = hold_out(phantoms, tmp_path)
    listing.write_text("\n".join(record.file for record in read_dataset(phantoms).records), "utf-8")
    assert evaluated(*own, "--hold-out", listing, "--relevance", "pairs") == 0
    printed = capsys.readouterr().out
    assert "no judge was asked" in printed
    assert "fusion" not in printed
    run = read_run(tmp_path / "out" / "run.trec")
    pictures = [query for query in run.scores if query.endswith(".png")]
    assert pictures
    assert all(query not in run.scores[query] for query in pictures)


def test_a_split_that_leaks_ends_the_evaluation(own, phantoms, tmp_path):
    listing = tmp_path / "half.txt"
    records = read_dataset(phantoms).records
    listing.write_text("\n".join(record.file for record in records[::2]), "utf-8")
    with pytest.raises(LeakageError, match="the split leaks"):
        evaluated(*own, "--hold-out", listing)
    listing.write_text("nowhere.png", "utf-8")
    with pytest.raises(DatasetError, match=r"nowhere\.png is not an image of"):
        evaluated(*own, "--hold-out", listing)


def test_the_training_data_itself_is_refused(bundle_folder, phantoms, tmp_path):
    """The same bundle, but for the training data's fingerprint in its manifest."""
    bundle = tmp_path / "bundle"
    shutil.copytree(bundle_folder, bundle)
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    manifest["training"]["data_fingerprint"] = read_dataset(phantoms).fingerprint
    (bundle / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(LeakageError, match="was trained on"):
        evaluated("--data", phantoms, "--bundle", bundle, "--work", tmp_path, "--out", tmp_path)


def test_a_fusion_tuned_on_the_same_data_is_refused(own, phantoms, bundle_folder, tmp_path):
    fingerprint = open_encoder(bundle_folder).fingerprint
    data = {"name": "p", "fingerprint": read_dataset(phantoms).fingerprint, "kind": "synthetic", "queries": 9}
    tuned = tmp_path / "tuned.json"
    judge = choose_judge("local", lambda texts: np.zeros((len(texts), 1, 1), np.float32))
    write_tuned(tuned, Tuned("mine", data, fingerprint, judge.name, PosFuseSettings()))
    more = ["--hold-out", hold_out(phantoms, tmp_path), "--promises", "groups", "--judge", "local"]
    with pytest.raises(LeakageError, match="was tuned on this very data"):
        evaluated(*own, *more, "--fusion", tuned)
    with pytest.raises(InvalidInputError, match="fusion 'best'; expected corrected, published"):
        evaluated(*own, *more, "--fusion", "best")
    assert FUSIONS["published"].variant == "published"


def test_an_unreadable_picture_is_left_out_and_counted(phantoms, bundle_folder, tmp_path, capsys):
    folder = tmp_path / "set"
    shutil.copytree(phantoms, folder)
    broken = min((folder / "imgs").iterdir())
    broken.write_bytes(b"not a picture")
    listing = tmp_path / "all.txt"
    listing.write_text("\n".join(record.file for record in read_dataset(folder).records[:12]), "utf-8")
    arguments = ["--data", folder, "--bundle", bundle_folder, "--work", tmp_path / "work", "--out", tmp_path / "out"]
    assert evaluated(*arguments, "--hold-out", listing, "--promises", "", "--relevance", "captions") == 0
    assert "1 pictures that cannot be read are left out" in capsys.readouterr().out
