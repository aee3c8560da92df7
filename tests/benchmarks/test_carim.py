"""The driving benchmark: what is held out, how it is measured, and what is written."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.carim import command
from benchmarks.carim.ablation import UNDONE
from benchmarks.carim.asked import Swap, hold_out, read_queries, swapped_elements, unique_elements
from benchmarks.carim.drive import Pooled, figures_of
from benchmarks.carim.measured import differences, parts_of, query_values, table_of
from benchmarks.carim.models import Scored, trained
from benchmarks.carim.plots import NAMES
from benchmarks.carim.section import carim_phantom_drive_section
from benchmarks.pipeline import ROOT
from benchmarks.results import FOLDER
from runtime.carim.encoder import open_carim_encoder
from runtime.carim.rows import Row, write_rows
from runtime.errors import DatasetError

BUNDLE = ROOT / "assets" / "bundles" / "carim"

SCENES = {
    "s1": ("red car", "rain", "night"),
    "s2": ("blue car", "rain"),
    "s3": ("red car", "fog", "tree"),
    "s4": ("white van",),
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [Row(f"row-{name}", name, None, 0.0, f"A caption of {name}.", SCENES[name]) for name in SCENES]
    write_rows(tmp_path / "rows.jsonl", rows)
    swap = {"element": "red car", "by": "blue car", "attribute": "colour"}
    base = {"relevant": ["row-s1", "row-s3"], "elements": ["red car"]}
    queries = [
        {"id": "q1", "kind": "paraphrase", "text": "a red vehicle", "scene": "s1", **base},
        {"id": "q2", "kind": "composition", "text": "red car in rain", "scene": "s1", **base, "relevant": ["row-s1"]},
        {"id": "q3", "kind": "paraphrase", "text": "a van", "scene": "s4", **base, "relevant": ["row-s4"]},
        {"id": "q4", "kind": "swapped", "text": "a red car", "scene": "s1", **base, "swapped": swap},
        {"id": "q5", "kind": "swapped", "text": "a red car", "scene": "s3", **base, "swapped": swap},
        {"id": "q6", "kind": "composition", "text": "red in fog", "scene": "s1", **base, "relevant": ["row-s3"]},
    ]
    (tmp_path / "queries.jsonl").write_text("".join(json.dumps(query) + "\n" for query in queries), "utf-8")
    return tmp_path


def test_only_held_out_scenes_are_asked_for_and_answer(data: Path):
    asked = hold_out(data, ["s1", "s2"])
    assert [row.id for row in asked.rows] == ["row-s1", "row-s2"]
    assert [query.id for query in asked.queries] == ["q1", "q2"]
    np.testing.assert_array_equal(asked.relevant, [[True, False], [True, False]])
    assert [(query.id, row.id) for query, row in asked.swapped] == [("q4", "row-s1")]
    assert asked.unanswered == 1  # q6: what satisfies it was trained on
    assert asked.scenes == ["s1", "s1"]


def test_the_copy_differs_in_the_swapped_element_alone(data: Path):
    ((query, row),) = hold_out(data, ["s1"]).swapped
    assert swapped_elements(row, query.swap) == ("blue car", "rain", "night")
    with pytest.raises(DatasetError, match="'fog' is none of its elements"):
        swapped_elements(row, Swap("fog", "rain", "weather"))


def test_what_cannot_be_measured_is_said_with_its_line(data: Path):
    with pytest.raises(DatasetError, match="no query has an answer"):
        hold_out(data, ["s2"])
    path = data / "queries.jsonl"
    path.write_text(path.read_text("utf-8") + '{"id": "q7"}\n', "utf-8")
    with pytest.raises(DatasetError, match=r"queries.jsonl:7: .*kind.*assets.drive"):
        read_queries(path)


def test_unique_elements_are_numbered_as_they_come():
    assert unique_elements([("a", "b"), ("b", "c")]) == {"a": 0, "b": 1, "c": 2}


def test_the_measures_of_every_query_are_those_of_ir_measures():
    ir_measures = pytest.importorskip("ir_measures", reason="the training environment has it")
    rng = np.random.default_rng(3)
    scores, relevant = rng.standard_normal((40, 30)), rng.random((40, 30)) < 0.05
    relevant[:, 0] |= ~relevant.any(1)
    names = {"r1": "Success@1", "r5": "Success@5", "r10": "Success@10", "mrr": "RR"}
    qrels = {str(q): {str(n): int(v) for n, v in enumerate(row)} for q, row in enumerate(relevant)}
    run = {str(q): {str(n): float(v) for n, v in enumerate(row)} for q, row in enumerate(scores)}
    parsed = {ir_measures.parse_measure(name): key for key, name in names.items()}
    found = query_values(scores, relevant)
    for one in ir_measures.iter_calc(list(parsed), qrels, run):
        assert found[parsed[one.measure]][int(one.query_id)] == pytest.approx(one.value)


def test_a_tie_with_an_irrelevant_scene_counts_against_the_model():
    values = query_values(np.zeros((1, 4)), np.array([[True, False, False, False]]))
    assert (values["r1"][0], values["r5"][0], values["mrr"][0]) == (0.0, 1.0, 0.25)


def test_tables_hold_every_kind_and_intervals_draw_whole_scenes():
    pytest.importorskip("scipy", reason="the training environment has it")
    kinds, scenes = ["a", "b", "a", "b"], ["s1", "s1", "s2", "s2"]
    parts = parts_of(kinds)
    table = table_of({"r1": np.array([1.0, 1.0, 0.0, 0.0])}, parts, scenes)
    assert list(table) == ["all", "a", "b"]
    assert [entry["queries"] for entry in table.values()] == [4, 2, 2]
    assert table["all"]["r1"] == {"mean": 0.5, "low": 0.0, "high": 1.0}  # of two scenes one or both
    better = {"r1": np.array([1.0, 1.0, 1.0, 1.0]), "mrr": np.ones(4)}
    worse = {"r1": np.array([1.0, 1.0, 0.0, 0.0]), "mrr": np.full(4, 0.5)}
    rows = differences({"x": worse, "y": better}, [("x", "y")], parts, scenes)
    assert [(row["model"], row["minus"], row["kind"]) for row in rows] == [("y", "x", k) for k in ("all", "a", "b")]
    assert rows[0]["r1"]["mean"] == rows[0]["mrr"]["mean"] == 0.5
    assert rows[0]["mrr"]["low"] == 0.5  # paired: no query differs from another


def test_the_written_figures_are_the_issue_s_and_the_sections_quote_them(data: Path, tmp_path: Path):
    pytest.importorskip("scipy", reason="the training environment has it")
    asked = hold_out(data, ["s1", "s2"])
    good = Scored(asked.relevant.astype(np.float32), np.array([[0.9, 0.5]], np.float32))
    bad = Scored(1 - asked.relevant.astype(np.float32), np.array([[0.5, 0.5]], np.float32))
    pooled: dict[str, Pooled] = {}
    for name in NAMES:
        one = pooled.setdefault(name, Pooled())
        one.add(good if name == "corrected" else bad, asked)
        one.add(good if name == "corrected" else bad, asked)  # a second seed
    figures = figures_of(pooled, [asked, asked]) | {"kind": "synthetic", "single": "its note"}
    assert (figures["r1_corrected"], figures["mrr_corrected"], figures["swapped_element_accuracy"]) == (1.0, 1.0, 1.0)
    assert (figures["r1_published"], figures["mrr_caption_vector"], figures["mrr_maxsim_untrained"]) == (0.0, 0.5, 0.5)
    assert figures["swapped"]["published"]["colour"]["accuracy"]["mean"] == 0.0  # a tie is no success
    assert (figures["queries"], figures["unanswered"], figures["chance_r1"]) == (4, 2, 0.5)
    gains = {(row["model"], row["minus"]): row["r1"]["mean"] for row in figures["differences"] if row["kind"] == "all"}
    assert gains["corrected", "published"] == 1.0
    assert gains["published", "maxsim_untrained"] == 0.0
    section = carim_phantom_drive_section(figures)
    assert "| trained, corrected | 1.000 [1.000, 1.000] |" in section
    assert "trained, corrected − trained as published: R@1 +1.000" in section
    change = {"mean": -0.25, "low": -0.5, "high": 0.125}
    row = {"undone": "its name", "r1": figures["models"]["published"]["all"]["r1"]}
    undone = carim_phantom_drive_section(figures | {"ablation": [row | {"r1_change": change, "mrr_change": change}]})
    assert undone.startswith(section)
    assert "| its name | 0.000 [0.000, 0.000] | -0.250 [-0.500, +0.125] |" in undone
    pytest.importorskip("matplotlib")
    (path,) = command.plot(figures, tmp_path / "plots")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_committed_figures_meet_what_was_asked():
    path = FOLDER / "carim_phantom_drive.json"
    f = json.loads(path.read_text("utf-8"))["figures"]
    assert f["scenes"] >= 300
    assert f["r1_corrected"] > f["r1_published"] > f["r1_maxsim_untrained"] > f["r1_caption_vector"]
    assert f["swapped_element_accuracy"] >= 0.9


def test_each_ablation_undoes_one_correction_and_all_together_are_the_published_form():
    train = pytest.importorskip("train.carim.command", reason="the training environment has torch")
    recipe = pytest.importorskip("train.carim.recipe")
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    undone = {}
    for options in UNDONE.values():
        args = vars(parser.parse_args(["--data", "d", "--out", "o", *options]))
        given = {name: args.get(name) for name in recipe.SETTINGS if args.get(name) is not None}
        assert len(given) == 1
        undone |= given
    assert undone == recipe.PUBLISHED


def test_hidden_states_leave_out_special_tokens_and_do_not_depend_on_the_batch():
    pytest.importorskip("torch", reason="the training environment has it")
    from benchmarks.carim.reference import HiddenStates

    states = HiddenStates(1)
    texts = ["rain", "a red car crossing the junction in the rain at night"]
    together, alone = states.tokens(texts), [states.tokens([text])[0] for text in texts]
    assert [rows.shape for rows in together] == [(1, 384), (11, 384)]
    for first, second in zip(together, alone, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-6)
    means = states.elements(texts, normalise=False)
    np.testing.assert_allclose(means[1], together[1].mean(0), atol=1e-6)
    assert np.linalg.norm(means[1]) < 0.99
    np.testing.assert_allclose(np.linalg.norm(states.elements(texts, normalise=True), axis=1), 1, atol=1e-6)


def test_the_shipped_bundle_answers_the_held_out_scenes_through_the_runtime(data: Path):
    asked = hold_out(data, ["s1", "s2", "s4"])
    scored = trained(asked, open_carim_encoder(BUNDLE, threads=1, provider="cpu"))
    assert scored.scores.shape == asked.relevant.shape == (3, 3)
    assert asked.relevant[np.arange(3), scored.scores.argmax(1)].all()
    assert scored.right.tolist() == [1.0]  # "a red car" is nearer to the red car than to the blue one
