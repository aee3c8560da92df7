"""The nodule benchmark's own arithmetic, and its section in the README."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.nodule import retrieval
from benchmarks.nodule.plots import KINDS, found_by_question, read_by_size
from benchmarks.nodule.section import nodule_section
from benchmarks.results import FOLDER
from runtime.nodule.prompts import prompts, read


def test_generated_questions_are_none_that_training_asked_and_ten_crops_answer_each() -> None:
    unseen = retrieval._unseen(500, 42)
    assert not {p.text for p in unseen} & {p.text for p in prompts(500, 42)}
    diameters = np.linspace(3, 30, 200)
    answered = retrieval._answered(unseen, diameters)
    assert len(answered) >= retrieval.GENERATED
    assert all(p.interval.contains(diameters).sum() >= retrieval.K for p in answered)


def test_the_interval_is_over_patients_and_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieval, "RESAMPLES", 50)
    patients = np.array(["a", "a", "b", "c"])
    sizes: list[int] = []

    def value(rows):
        sizes.append(len(rows))
        assert (rows == 0).sum() == (rows == 1).sum()  # both of patient a, or neither
        return float(rows.mean())

    first = retrieval.interval95(value, patients)
    assert first == retrieval.interval95(value, patients)
    assert first[0] < first[1]
    assert set(sizes) <= {3, 4, 5, 6}


def test_the_section_says_what_the_results_file_holds() -> None:
    path = FOLDER / "nodule_retrieval.json"
    figures = json.loads(path.read_text("utf-8"))["figures"]
    text = nodule_section(figures)
    assert f"{figures['cosine_bins_p10']:.3f} [" in text
    assert "right by construction" in text
    both = nodule_section(
        figures | {"validation": {"a": {"p10": 0.5, "mean_error_mm": 1}, "b": {"p10": 0.4, "mean_error_mm": 2}}}
    )
    assert "| a | 0.500 | 1.00 |" in " ".join(both.split())


def test_the_ablation_says_what_hiding_the_outline_costs_and_size_is_still_read() -> None:
    path = FOLDER / "nodule_retrieval.json"
    figures = json.loads(path.read_text("utf-8"))["figures"]
    seen = figures["validation"]
    assert set(seen) == {"outline hidden", "outline drawn", "published roi"}
    assert seen["outline hidden"]["p10"] >= 0.8
    assert seen["outline hidden"]["mean_error_mm"] < figures["diameter_constant_error_mm"] / 2
    text = " ".join(nodule_section(figures).split())
    for name, row in seen.items():
        assert f"| {name} | {row['p10']:.3f} | {row['mean_error_mm']:.2f} |" in text


def test_what_a_question_found_is_told_by_kind_in_millimetres() -> None:
    asked = [read(text) for text in ("> 10 mm", "<= 6 mm", "6-10 mm", "about 8 mm")]
    sizes = np.array([4.0, 8.0, 12.0, 20.0])
    scores = np.tile([0.1, 0.2, 0.4, 0.3], (4, 1))  # 12 mm first, then 20 mm
    rows = found_by_question(asked, scores, sizes, 2)
    assert [row["kind"] for row in rows] == list(KINDS)
    assert [row["p"] for row in rows] == [1, 0, 0, 0]
    assert rows[0]["found_mm"] == [12, 16, 20]
    assert (rows[0]["high_mm"], rows[1]["high_mm"]) == (None, 6)


def test_read_diameters_are_told_by_bins_of_those_measured() -> None:
    rows = read_by_size(np.array([5.0, 5.5, 11.0]), np.array([4.0, 6.0, 9.0]))
    assert [(row["measured_mm"], row["crops"], row["p50"]) for row in rows] == [(5, 2, 5), (11, 1, 9)]


def test_the_plots_are_three_pngs_of_the_results_file(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = FOLDER / "nodule_retrieval.json"
    paths = retrieval.plot(json.loads(path.read_text("utf-8"))["figures"], tmp_path)
    assert [p.name for p in paths] == ["nodule_precision.png", "nodule_found.png", "nodule_diameters.png"]
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in paths)


def test_the_shipped_figures_meet_what_was_asked() -> None:
    path = FOLDER / "nodule_retrieval.json"
    figures = json.loads(path.read_text("utf-8"))["figures"]
    assert figures["cosine_bins_p10"] >= 0.8
    assert figures["bundle_mb"] <= 12
    assert figures["diameter_read_error_mm"] < figures["diameter_constant_error_mm"] / 2
