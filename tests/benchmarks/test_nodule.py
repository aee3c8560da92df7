"""The nodule benchmark's own arithmetic, and its section in the README."""

import json

import numpy as np
import pytest

from benchmarks.nodule import retrieval
from benchmarks.nodule.section import nodule_section
from benchmarks.results import FOLDER
from runtime.nodule.prompts import prompts


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
    if not path.is_file():
        pytest.skip("no results yet")
    figures = json.loads(path.read_text("utf-8"))["figures"]
    text = nodule_section(figures)
    assert f"{figures['cosine_bins_p10']:.3f} [" in text
    assert "right by construction" in text
    both = nodule_section(
        figures | {"validation": {"a": {"p10": 0.5, "mean_error_mm": 1}, "b": {"p10": 0.4, "mean_error_mm": 2}}}
    )
    assert "| a | 0.500 | 1.00 |" in " ".join(both.split())


def test_the_shipped_figures_meet_what_was_asked() -> None:
    path = FOLDER / "nodule_retrieval.json"
    if not path.is_file():
        pytest.skip("no results yet")
    figures = json.loads(path.read_text("utf-8"))["figures"]
    assert figures["cosine_bins_p10"] >= 0.8
    assert figures["bundle_mb"] <= 12
    assert figures["diameter_read_error_mm"] < figures["diameter_constant_error_mm"] / 2
