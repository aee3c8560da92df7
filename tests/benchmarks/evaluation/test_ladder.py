"""The ladder's results file and its README section."""

import json

import pytest

from benchmarks.evaluation.ladder import ladder, plot
from benchmarks.evaluation.ladder_grounds import Ground
from benchmarks.evaluation.ladder_section import ladder_section
from benchmarks.evaluation.ladder_systems import DEFAULT, FIXED, POSFUSE_LILLIS, REFERENCE, SINGLE, TUNED
from benchmarks.evaluation.report import write_report

from .synthetic_trials import noisy_scores, synthetic_trials

for package in ("sklearn", "scipy", "ranx", "ir_measures", "jinja2", "matplotlib"):
    pytest.importorskip(package)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made():
    grounds = []
    for name, seed in (("phantoms", 1), ("tuxpaint", 2)):
        trials = synthetic_trials(queries=60, groups=12, seed=seed)
        soup = [synthetic_trials(queries=60, folds=1, seed=seed)] if name == "phantoms" else None
        facts = [f"{name} here are random numbers: synthetic"]
        grounds.append(Ground(name, [trials], [noisy_scores(trials, missing=0.1)], "simulated judge", soup, facts))
    return ladder(grounds, splits=4, resamples=999)


def test_every_system_has_its_mean_interval_and_p(made):
    figures, _ = made
    json.dumps(figures, allow_nan=False)
    by_data = {name: [r for r in figures["rows"] if r["data"] == name] for name in ("phantoms", "tuxpaint")}
    assert len(by_data["phantoms"]) == len(by_data["tuxpaint"]) + 1 == 6 + len(FIXED) + len(TUNED)
    for rows in by_data.values():
        for row in rows:
            assert row["interval"][0] <= row["mean"] == row["mrr"] <= row["interval"][1]
            assert (row["p"] is None) == (row["system"] == REFERENCE)
        n = len(rows)
        pairs = [pair for pair in figures["pairs"] if pair["data"] == rows[0]["data"]]
        assert len(pairs) == n * (n - 1) / 2
    assert figures["judges"] == dict.fromkeys(by_data, "simulated judge")
    tuned = figures["tuned"]["phantoms"]
    assert set(tuned) == {SINGLE, POSFUSE_LILLIS, *TUNED}
    assert all(len(chosen) == 4 for chosen in tuned.values())


def test_the_section_quotes_the_figures(made):
    figures, _ = made
    text = ladder_section(figures)
    row = next(r for r in figures["rows"] if r["system"] == DEFAULT and r["data"] == "tuxpaint")
    assert f"| {DEFAULT} | {row['r1']:.3f} |" in text
    assert f"{row['interval'][0]:.3f}–{row['interval'][1]:.3f} | {row['difference']:+.3f}" in text
    assert text.count("reference |") == 2
    assert "synthetic phantoms, simulated judge (60 queries)" in text
    assert "real pictures (tuxpaint), local judge" in text


def test_the_report_and_the_plots_are_written(made, tmp_path):
    figures, sections = made
    write_report(tmp_path / "r.html", "The fusion ladder", sections)
    html = (tmp_path / "r.html").read_text("utf-8")
    assert html.count("data:image/png;base64,") == 4
    assert "phantoms here are random numbers: synthetic" in html
    assert "judge: simulated judge" in html
    paths = plot(figures, tmp_path)
    assert [path.name for path in paths] == ["fusion_ladder_phantoms.png", "fusion_ladder_tuxpaint.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
