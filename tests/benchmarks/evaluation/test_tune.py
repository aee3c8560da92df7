"""The command that tunes a fusion on a folder's own captions, from the pictures to the file that search reads."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the training environment")
from assets.phantoms.layout import generate
from benchmarks.evaluation import tune
from benchmarks.evaluation.fused_orders import Shown, orders_of
from benchmarks.evaluation.trials import Trials
from benchmarks.evaluation.tune_data import (
    caption_trials,
    is_synthetic,
    judge_scores,
    other_caption,
    own_trials,
    remembered,
)
from runtime import metrics
from runtime.dataset import Dataset, Record, captions_of, read_dataset
from runtime.encoder import DualEncoder, open_encoder
from runtime.errors import InvalidInputError
from runtime.fusion import PosFuseSettings
from runtime.fusion.tuned import read_tuned
from runtime.judge.choose import choose_judge
from runtime.judge.local import LocalCaptionJudge

from .synthetic_trials import noisy_scores, synthetic_trials

ABOUT = {"name": "ear", "data": {"name": "d", "fingerprint": "f", "kind": "synthetic"}, "bundle": "b", "judge": "j"}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 phantoms of patients that no bundle of the tests has seen."""
    folder = tmp_path_factory.mktemp("fresh") / "set"
    generate(folder, images=16, seed=31)
    return folder


@pytest.fixture(scope="module")
def encoder(bundle_folder: Path) -> DualEncoder:
    return open_encoder(bundle_folder, threads=1)


def _run(*arguments):
    parser = argparse.ArgumentParser()
    tune.add_arguments(parser)
    return tune.run(parser.parse_args([str(argument) for argument in arguments]))


def test_the_command_writes_a_file_that_names_bundle_judge_and_data(fresh, bundle_folder, encoder, tmp_path, capsys):
    out = tmp_path / "ear.json"
    assert _run("--data", fresh, "--bundle", bundle_folder, "--judge", "local", "--out", out, "--splits", 2) == 0
    tuned = read_tuned(out)
    tuned.check_bundle(encoder.fingerprint)
    tuned.check_judge(choose_judge("local", encoder.encode_texts).name)
    assert tuned.data == {
        "name": fresh.name,
        "fingerprint": read_dataset(fresh).fingerprint,
        "kind": "synthetic",
        "queries": tuned.data["queries"],
    }
    captions = {
        (language, c)
        for r in read_dataset(fresh).records
        for language in ("en", "vi")
        for c in captions_of(r, language)
    }
    assert tuned.data["queries"] >= len(captions)
    assert 0 < tuned.confidence.probability(dict.fromkeys(tuned.confidence.names, 0.5)) < 1
    printed = capsys.readouterr().out
    assert "published: variant published, decay exponential" in printed
    assert "tuned:     " in printed
    assert str(out) in printed
    assert tuned.figures["published"]["judge_weight"] == 0.6
    systems = [row["system"] for row in tuned.figures["rows"]]
    assert {"ensemble alone", "published Pos-Fuse", "corrected Pos-Fuse"} < set(systems)
    assert all(system in printed for system in systems)


def test_replay_answers_from_its_file_and_a_family_can_be_chosen(fresh, bundle_folder, tmp_path):
    records = read_dataset(fresh).records
    truth = {c: r.metadata for r in records for language in ("en", "vi") for c in captions_of(r, language)}
    replies = {
        caption: [
            {"image_name": r.path.name, "overall_score": 0.9 if r.metadata["finding"] == wanted["finding"] else 0.2}
            for r in records
        ]
        for caption, wanted in truth.items()
    }
    record, out = tmp_path / "scores.json", tmp_path / "tuned.json"
    record.write_text(json.dumps(replies), "utf-8")
    places = ("--data", fresh, "--bundle", bundle_folder, "--out", out)
    assert _run(*places, "--judge", "replay", "--record", record, "--family", "rrf", "--splits", 2) == 0
    tuned = read_tuned(out)
    assert tuned.judge == "published scores (scores.json)"
    assert tuned.fusion.strategy == "rrf"
    assert tuned.figures["judged"] == 1.0
    assert tuned.figures["splits"] == 2


def test_an_out_that_is_a_folder_is_refused_before_any_work(tmp_path):
    with pytest.raises(InvalidInputError, match=r"is a folder; give the file"):
        _run("--data", tmp_path, "--bundle", tmp_path, "--judge", "local", "--out", tmp_path)


def test_more_splits_than_patients_are_refused_before_the_judge_is_asked(fresh, bundle_folder, tmp_path, capsys):
    places = ("--data", fresh, "--bundle", bundle_folder, "--out", tmp_path / "tuned.json")
    with pytest.raises(InvalidInputError, match=r"9 splits of \d groups"):
        _run(*places, "--judge", "local", "--splits", 9)
    assert "judge" not in capsys.readouterr().err


def test_figures_are_the_metrics_of_whole_rankings():
    trials = synthetic_trials()
    scores = noisy_scores(trials, missing=0.2)
    tuned = tune.tuned_fusion(trials, scores, ("pos_fuse", "rrf"), splits=3, **ABOUT)
    rows = {row["system"]: row for row in tuned.figures["rows"]}
    plain = metrics.table(-np.argsort(trials.order, axis=1).astype(float), trials.relevant)
    assert rows["ensemble alone"] == {"system": "ensemble alone"} | {k: plain[k] for k in ("r1", "r5", "mrr")}
    shown = Shown.of(trials, scores)
    for name, variant in (("published Pos-Fuse", "published"), ("corrected Pos-Fuse", "corrected")):
        expected = shown.reciprocal_ranks(orders_of(shown, PosFuseSettings(variant=variant))).mean()
        assert rows[name]["mrr"] == pytest.approx(expected)
    (chosen,) = tune.out_of_fold([trials], [scores], tuned.figures["family"], 3)
    row = rows[f"tuned {tuned.figures['family']}, out of fold"]
    assert row["mrr"] == pytest.approx(shown.reciprocal_ranks(chosen).mean())
    assert tuned.fusion == tune.tune([trials], [scores], tuned.figures["family"])


def test_the_family_with_the_highest_mrr_out_of_fold_is_chosen():
    trials = synthetic_trials(seed=2)
    tuned = tune.tuned_fusion(trials, noisy_scores(trials, seed=2, missing=0.3), splits=3, **ABOUT)
    by_family = {f: r["mrr"] for r in tuned.figures["rows"] for f in tune.FAMILIES if f"tuned {f}, out" in r["system"]}
    assert len(by_family) == 3
    assert by_family[tuned.figures["family"]] == max(by_family.values())


def test_withholding_the_least_confident_lowers_the_risk():
    trials = synthetic_trials(queries=400)
    tuned = tune.tuned_fusion(trials, noisy_scores(trials, missing=0.2), ("convex",), splits=3, **ABOUT)
    confidence = tuned.figures["confidence"]
    first = next(row for row in tuned.figures["rows"] if row["system"] == "tuned convex, out of fold")
    assert confidence["risk_at_coverage"]["1"] == pytest.approx(1 - first["r1"])
    assert confidence["risk_at_coverage"]["0.5"] < confidence["risk_at_coverage"]["1"]
    assert confidence["brier"] < confidence["brier_of_a_constant"]


def test_a_bundle_trained_on_this_very_data_is_refused(fresh, bundle_folder, monkeypatch):
    from runtime.bundle import Manifest

    training = {"data_fingerprint": read_dataset(fresh).fingerprint}
    original = Manifest.from_json.__func__
    changed = classmethod(lambda cls, value, where: original(cls, value | {"training": training}, where))
    monkeypatch.setattr(Manifest, "from_json", changed)
    with pytest.raises(InvalidInputError, match=r"was trained on .*--hold-out"):
        own_trials(bundle_folder, fresh)


@pytest.fixture(scope="module")
def by_caption(fresh) -> Dataset:
    """Six phantoms as a set without truth columns: two of them share a caption."""
    records = [
        replace(record, metadata={}, captions=(f"caption {max(1, i)}", f"another {i}"), captions_vi=())
        for i, record in enumerate(read_dataset(fresh).records[:6])
    ]
    shared = replace(records[1], captions=("Caption 1.", "another 1"))
    return Dataset(fresh, (records[0], shared, *records[2:]))


@pytest.fixture(scope="module")
def six(by_caption, bundle_folder) -> Trials:
    return caption_trials(bundle_folder, by_caption, "six")


def test_without_truth_columns_equal_captions_are_relevant_and_asked_once(six, by_caption):
    trials = six
    assert len(trials.texts) == 5 + 6
    asked = trials.texts.index("caption 1")
    assert "Caption 1." not in trials.texts
    assert trials.relevant[asked].tolist() == [True, True, False, False, False, False]
    assert trials.relevant.sum() == 11 + 1
    assert trials.cosines.shape[:2] == (11, 6)
    assert trials.groups[asked] == by_caption.records[0].group


def test_a_set_without_captions_has_no_query(bundle_folder, fresh):
    silent = Dataset(fresh, (Record("a.png", fresh / "a.png"),))
    with pytest.raises(InvalidInputError, match="no picture has a caption"):
        caption_trials(bundle_folder, silent, "silent")


def test_the_judge_is_shown_no_caption_that_is_the_query(six, encoder):
    local = LocalCaptionJudge(remembered(encoder.encode_texts))
    shown: list[tuple[str, str | None]] = []

    class Listening:
        name = local.name

        def judge(self, query, candidates, images):
            shown.extend((query.text, c.caption) for c in candidates)
            assert all(images(c)[:4] == b"\x89PNG" and not c.metadata for c in candidates)
            return local.judge(query, candidates, images)

    scores = judge_scores(six, Listening(), 4)
    assert scores.shape == (11, 4)
    assert not np.isnan(scores).any()
    assert len(shown) == 44
    assert all(text.casefold().rstrip(".") != caption.casefold().rstrip(".") for text, caption in shown)


def test_a_local_judge_with_nothing_but_the_query_to_read_is_refused(six, encoder):
    first = six.relevant[0].argmax()
    lonely = [replace(record, captions=(six.texts[0],) if i == first else ()) for i, record in enumerate(six.items)]
    trials = replace(
        six,
        texts=six.texts[:1],
        groups=six.groups[:1],
        strata={},
        items=lonely,
        cosines=six.cosines[:1],
        grades=six.grades[:1],
    )
    assert trials.relevant[0, first]
    with pytest.raises(InvalidInputError, match="needs a second caption an image"):
        judge_scores(trials, LocalCaptionJudge(encoder.encode_texts), 6)


def test_the_other_caption_stays_in_the_querys_language():
    record = Record("a.png", Path("a.png"), ("A frog.", "green frog"), ("Con ếch.",))
    assert other_caption(record, "a frog", "en") == "green frog"
    assert other_caption(record, "polyp", "en") == "A frog."
    assert other_caption(record, "con ếch", "vi") is None


def test_no_text_is_encoded_twice():
    asked = []

    def encode(texts):
        asked.extend(texts)
        return np.array([[[len(text)]] for text in texts], np.float32)

    once = remembered(encode)
    assert once(["a", "bb", "a"]).ravel().tolist() == [1, 2, 1]
    assert once(["bb", "ccc"]).ravel().tolist() == [2, 3]
    assert asked == ["a", "bb", "ccc"]


def test_phantoms_are_known_as_synthetic(fresh, tmp_path):
    assert is_synthetic(fresh)
    assert not is_synthetic(tmp_path)
