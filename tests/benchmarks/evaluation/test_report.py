"""One HTML file: whole, escaped, with its pictures inside."""

import re
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.evaluation.comparison import compared
from benchmarks.evaluation.coverage import coverage_risk
from benchmarks.evaluation.evaluation_plots import plot_coverage, plot_systems
from benchmarks.evaluation.measures import MEASURES, measure_orders
from benchmarks.evaluation.report import Section, Shown, Table, WorstQuery, png_uri, thumbnail, write_report
from benchmarks.evaluation.report_tables import p_text, span, stratum_rows, stratum_tables, worst_of_run, worst_queries
from runtime.dataset import Record, read_dataset

from .synthetic_trials import synthetic_trials

pytest.importorskip("jinja2")
HOSTILE = "<script>alert('x')</script> & \"quoted\""


def test_every_text_is_escaped_and_nothing_is_loaded_from_elsewhere(tmp_path):
    section = Section(
        HOSTILE,
        [HOSTILE],
        [Table(HOSTILE, [HOSTILE], [[HOSTILE]], HOSTILE), Table("folded", ["a"], [["b"]], folded=True)],
        [],
        [WorstQuery(HOSTILE, HOSTILE, [Shown("", HOSTILE, relevant=False)], [Shown("", HOSTILE, relevant=True)])],
    )
    write_report(tmp_path / "r.html", HOSTILE, [section])
    html = (tmp_path / "r.html").read_text("utf-8")
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 10
    assert "<details><summary>folded</summary>" in html
    assert not re.findall(r'(?:src|href)="(?!data:image/)', html)


def test_a_thumbnail_is_a_small_jpeg_and_a_broken_picture_is_named_without_one(phantoms, tmp_path):
    record = read_dataset(phantoms).records[0]
    shown = thumbnail(record, relevant=True)
    assert shown.uri.startswith("data:image/jpeg;base64,/9j/")
    assert len(shown.uri) < 20_000
    assert shown.text == f"{record.file}: {record.captions[0]}"
    (tmp_path / "x.png").write_bytes(b"none")
    assert thumbnail(Record("x.png", tmp_path / "x.png"), relevant=False) == Shown("", "x.png", relevant=False)


def test_plots_become_data_uris(tmp_path):
    pytest.importorskip("matplotlib")
    row = {"system": "a", "mean": 0.5, "interval": [0.4, 0.6], "p": None}
    rows = [row, {**row, "system": "b", "p": 0.01}]
    uri = png_uri(lambda folder: plot_systems(rows, "a", folder, name="s", title="t"))
    assert uri.startswith("data:image/png;base64,iVBORw0KGgo")
    curve = coverage_risk(np.arange(4.0), np.array([True, False, True, True]))
    assert plot_coverage({"a": curve}, tmp_path).read_bytes().startswith(b"\x89PNG")


def test_the_worst_queries_are_those_whose_answer_stands_lowest(phantoms):
    pytest.importorskip("ir_measures")
    items = list(read_dataset(phantoms).records[:12])
    trials = replace(synthetic_trials(queries=30), items=items)
    values = measure_orders([trials], [trials.order])
    worst = worst_queries([trials], [trials.order], values, count=4)
    lowest = np.sort(values["mrr"])[:4]
    ranks = [int(re.search(r"rank (\d+) of 12", query.verdict).group(1)) for query in worst]
    assert ranks == [round(1 / value) for value in lowest]
    for query, rank in zip(worst, ranks, strict=True):
        assert not any(shown.relevant for shown in query.got[: rank - 1])
        assert all(shown.relevant for shown in query.wanted)
        assert len(query.wanted) == 2
    assert worst_queries([trials], [trials.order], dict.fromkeys(MEASURES, np.ones(30))) == []


def test_the_worst_queries_of_a_run_file_have_names_and_no_pictures():
    scores = {"a%20b": {"x": 2.0, "y": 1.0}, "good": {"x": 1.0}, "lost": {"x": 1.0}}
    qrels = {"a%20b": {"y": 1}, "good": {"x": 1}, "lost": {"y": 1}}
    worst = worst_of_run(scores, qrels, {"a%20b": 0.5, "good": 1.0, "lost": 0.0}, 1)
    assert [query.text for query in worst] == ["lost", "a b"]
    assert worst[0].verdict == "nothing relevant was found"
    assert worst[1].verdict == "first relevant at rank 2"
    assert [(shown.text, shown.relevant) for shown in worst[1].got] == [("x", False), ("y", True)]


def test_strata_are_shown_where_they_differ():
    trials = synthetic_trials(queries=4)
    trials = replace(trials, strata={"region": ["ear", "nose", "ear", ""], "language": ["en"] * 4})
    values = dict.fromkeys(MEASURES, np.array([1.0, 0.5, 0.0, 0.25]))
    rows = stratum_rows([trials], {"s": values}, "region")
    assert [(row["label"], row["queries"], row["s"]["mrr"]) for row in rows] == [
        ("unknown", 1, 0.25),
        ("ear", 2, 0.5),
        ("nose", 1, 0.5),
    ]
    assert stratum_rows([trials], {"s": values}, "finding") == []
    assert [table.title for table in stratum_tables([trials], {"s": values})] == ["By region"]


def test_numbers_as_text():
    assert [p_text(p) for p in (None, 0.0009, 0.001, 1.0)] == ["–", "< .001", "0.001", "1.000"]
    assert span([0.1, 0.25]) == "0.100 to 0.250"
    assert span([-0.1, 0.25], signed=True) == "-0.100 to +0.250"
    assert span(None) == "–"


def test_a_whole_report_of_compared_systems(phantoms, tmp_path):
    pytest.importorskip("scipy")
    pytest.importorskip("matplotlib")
    from benchmarks.evaluation.report_tables import pairs_table, systems_table

    rng = np.random.default_rng(0)
    systems = {name: dict.fromkeys(MEASURES, rng.random(20)) for name in ("one", "two")}
    rows, pairs = compared("set", systems, "one")
    write_report(tmp_path / "r.html", "t", [Section("set", tables=[systems_table(rows, "one"), pairs_table(pairs)])])
    html = (tmp_path / "r.html").read_text("utf-8")
    assert f"{rows[1]['difference']:+.3f}" in html
    assert f"{pairs[0]['difference']:+.4f}" in html
    assert "20 queries" in html
