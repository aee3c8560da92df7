"""The ENT benchmark's own arithmetic, its sections in the README, its plot."""

import json

import numpy as np
import pytest

from benchmarks.ent.command import plot
from benchmarks.ent.paths import class_paths
from benchmarks.ent.section import ent_phantoms_section, ent_vocalfolds_section
from benchmarks.ent.vocalfolds import SPACES, Found, figures_of
from benchmarks.results import FOLDER
from runtime.ent.relevance import Relevance

SEQUENCES = np.array(["a", "a", "a", "b", "b", "c"])


def found(*ranks: int) -> Found:
    return Found(np.array(ranks, np.int64), np.linspace(0.5, 1, len(ranks)))


def made() -> dict[str, Found]:
    """Five frames that can be answered, one (of the sequence c, alone in it) that cannot."""
    ranks = ((1, 1, 2, 2, 4, 0), (1, 1, 1, 2, 1, 0), (1, 1, 1, 1, 1, 0))
    return {name: found(*row) for name, row in zip(SPACES, ranks, strict=True)}


def test_a_held_out_sequence_takes_only_its_own_answers() -> None:
    rows = np.eye(4, dtype=np.float32)
    rows[1] = rows[0] * 0.8 + rows[2] * 0.6
    same = np.array([0, 0, 1, 1])
    alike = same[:, None] == same[None]
    asked = Relevance(alike, alike, None, ~np.eye(4, dtype=bool), 0)
    first = Found.empty(4)
    first.take(np.array([0, 1]), rows, rows, asked)
    assert first.ranks.tolist() == [1, 1, 0, 0]
    assert first.cosines == pytest.approx([0.8, 0.8, 0, 0])


def test_means_are_over_frames_that_can_be_answered_and_sequences_stand_apart() -> None:
    pytest.importorskip("scipy", reason="the training environment has it")
    figures = figures_of(made(), SEQUENCES)
    assert (figures["queries"], figures["sequences"]) == (5, 2)
    assert [figures[key] for key in ("r1_raw", "r1_t0", "r1_flow")] == pytest.approx([2 / 5, 4 / 5, 1])
    raw = figures["spaces"]["raw"]
    assert raw["mrr"]["mean"] == pytest.approx((1 + 1 + 1 / 2 + 1 / 2 + 1 / 4) / 5)
    assert (raw["r1"]["low"], raw["r1"]["high"]) == pytest.approx((0, 2 / 3)), "whole sequences are drawn"
    assert figures["spaces"]["10 steps"]["r1_over_raw"]["mean"] == pytest.approx(3 / 5)
    a, b = figures["rows"]
    assert (a["sequence"], a["queries"], a["raw"], a["10 steps"]) == ("a", 3, pytest.approx(2 / 3), 1)
    assert (b["sequence"], b["queries"], b["raw"], b["0 steps"]) == ("b", 2, 0, 0.5)


def test_the_section_of_real_frames_says_each_figure_with_its_interval() -> None:
    pytest.importorskip("scipy", reason="the training environment has it")
    text = ent_vocalfolds_section(figures_of(made(), SEQUENCES) | {"frames": 6})
    assert "leave one of 2 sequences out: 5 frames, each asked over all 6" in text
    assert "| the tower alone | 0.400 (0.000 to 0.667) |" in text
    assert "| flow | 1.000 (1.000 to 1.000) | 1.000 (1.000 to 1.000) | +0.600 (+0.333 to +1.000) |" in text
    assert "| b | 2 | 0.000 | 0.500 | 1.000 |" in text


def test_the_section_of_phantoms_says_what_the_flow_gains_and_what_it_loses() -> None:
    path = FOLDER / "ent_phantoms.json"
    figures = json.loads(path.read_text("utf-8"))["figures"]
    text = ent_phantoms_section(figures)
    for tower in figures["towers"].values():
        spaces = tower["spaces"]
        assert len(spaces) == 5
        for entry in spaces.values():
            assert f"{entry['r1']['mean']:.3f} ({entry['r1']['low']:.3f} to {entry['r1']['high']:.3f})" in text
        flow = spaces["each-epoch, 10 steps"]
        assert f"exact class {flow['r1_over_raw']['mean']:+.3f}" in text
        assert f"wrong sides {spaces['raw']['side_confusions']} → {flow['side_confusions']}" in text
        change = flow["senses"]["finding"]["r1"] - spaces["raw"]["senses"]["finding"]["r1"]
        assert f"finding {change:+.3f}" in text
    assert "What the towers knew: the shipped image tower: " in text


def test_the_paths_are_drawn_class_by_class(tmp_path) -> None:
    pytest.importorskip("matplotlib")
    points = np.random.default_rng(0).standard_normal((30, 11, 8)).astype(np.float32)
    paths = class_paths(points, ["x"] * 20 + ["y"] * 10)
    assert np.shape(paths["x"]["mean"]) == (11, 2)
    assert (len(paths["x"]["images"]), len(paths["y"]["images"])) == (12, 10)
    (picture,) = plot({"paths": paths}, tmp_path)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert plot({}, tmp_path) == []
