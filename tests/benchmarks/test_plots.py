"""Plots are PNG files, and a frontier is one."""

from pathlib import Path

import pytest

from benchmarks.plots import frontier, plot_cost, plot_frontier, plot_stages

ROWS = [
    {"name": "single", "r1": 0.25, "ms": 1.0},
    {"name": "read-out", "r1": 0.32, "ms": 1.2},
    {"name": "soup", "r1": 0.24, "ms": 1.0},
    {"name": "LoRA", "r1": 0.31, "ms": 4.0},
    {"name": "unfreeze", "r1": 0.33, "ms": 17.0},
]


def test_the_frontier_holds_what_nothing_as_fast_equals():
    assert [row["name"] for row in frontier(ROWS)] == ["single", "read-out", "unfreeze"]
    assert frontier([ROWS[1], {**ROWS[1], "ms": 1.3}]) == [ROWS[1]]


def test_every_plot_is_a_png_in_the_given_folder(tmp_path: Path):
    pytest.importorskip("matplotlib")
    stages = [{"stage": stage, "median_ms": ms} for stage, ms in (("tokenise", 0.1), ("encode", 1.1))]
    row = {"threads": 2, "median_ms": 1.0, "precision": "fp32"}
    sizes = [(tower, k) for tower in ("text", "image") for k in (1, 10)]
    rows = [{**row, "group": f"{tower}, folds", "folds": k, "name": f"{k}"} for tower, k in sizes]
    rows.append({**row, "group": "text, from the upstream loop to ours", "folds": 10, "name": "torch"})
    figures = {"threads": 2, "rows": rows}
    paths = [plot_frontier(ROWS, tmp_path), plot_stages(stages, tmp_path), *plot_cost(figures, tmp_path)]
    assert len(set(paths)) == 5
    assert {path.parent for path in paths} == {tmp_path}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
