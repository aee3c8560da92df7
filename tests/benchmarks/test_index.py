"""The index benchmark: its vectors, its truth, its peers, and what it writes, on its smallest sizes."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import index, mixture, results
from benchmarks.figures import SECTIONS
from benchmarks.kept import kept_cost

pytest.importorskip("threadpoolctl", reason="the training environment has it")


def options(work: Path, **changed: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    index.add_arguments(parser)
    args = parser.parse_args(["--work", str(work), "--max-items", "1000", "--queries", "60", "--rounds", "3"])
    return argparse.Namespace(**{**vars(args), **changed})


def test_rows_are_unit_seeded_and_clustered_and_queries_are_none_of_them(tmp_path: Path):
    rows = mixture.rows(tmp_path / "rows.npy", 20_500)
    assert (rows.shape, rows.dtype) == ((20_500, 640), np.float32)
    np.testing.assert_allclose(np.linalg.norm(rows[::100], axis=1), 1, atol=1e-6)
    assert not rows.flags.writeable
    np.testing.assert_array_equal(mixture.rows(tmp_path / "fewer.npy", 10_000), rows[:10_000])
    queries = mixture.queries(200)
    cosines = queries @ rows.T
    assert cosines.max() < 0.95
    nearest = cosines.max(axis=1)
    assert np.median(nearest) == pytest.approx(mixture.COSINE, abs=0.05)  # about two rows a cluster
    assert abs(cosines.mean()) < 0.01
    assert not np.isin(queries[:, 0], mixture.sample(200)[:, 0]).any()


def test_an_interrupted_file_of_rows_is_never_taken_for_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(mixture, "_drawn", stop)
        with pytest.raises(KeyboardInterrupt):
            mixture.rows(tmp_path / "rows.npy", 100)
    assert list(tmp_path.iterdir()) == []


def test_the_truth_is_the_full_sort_also_over_several_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mixture, "BLOCK", 130)
    rng = np.random.default_rng(1)
    vectors, queries = (rng.standard_normal((n, 16)).astype(np.float32) for n in (500, 7))
    truth = index._truth(tmp_path / "truth.npy", vectors, queries)
    expected = np.argsort(-(queries.astype(np.float64) @ vectors.T.astype(np.float64)), axis=1)[:, :10]
    np.testing.assert_array_equal(truth, expected)
    np.testing.assert_array_equal(index._truth(tmp_path / "truth.npy", vectors, queries), expected)


def test_the_exponent_of_a_power_is_its_own():
    rows = [{"items": n, "v": 3 * n**1.3} for n in (1000, 10_000, 50_000)]
    assert index._exponent(rows, "v") == pytest.approx(1.3)
    assert index._exponent(rows[:1], "v") is None


def test_a_cost_is_measured_once_and_then_read(tmp_path: Path):
    with kept_cost(tmp_path / "cost.json") as first:
        sum(range(100_000))
    with kept_cost(tmp_path / "cost.json") as second:
        pass
    assert first == second
    assert first["index_s"] >= first["index_cpu_s"] * 0.5 > 0


def test_a_run_writes_every_system_and_a_second_one_builds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    pytest.importorskip("faiss")
    pytest.importorskip("hnswlib")
    monkeypatch.setattr(results.save_result, "__kwdefaults__", {"folder": tmp_path})
    assert index.run(options(tmp_path / "work")) == 0
    figures = json.loads((tmp_path / "index_scale.json").read_text("utf-8"))["figures"]
    rows = {row["system"]: row for row in figures["rows"]}
    assert set(rows) == {"ours auto", "ours exact", "ours folds", index.OURS, *index.GRAPHS, *index.SCANS}
    assert all(rows[name]["recall"] == 1.0 for name in ("ours auto", "ours exact", "numpy", "faiss IndexFlatIP"))
    assert all(0.5 < rows[name]["recall"] <= 1.0 for name in (index.OURS, *index.GRAPHS))
    assert rows["ours auto"]["serves"] == "ours exact"
    assert rows["ours exact"]["floor_ms"] > 0
    assert figures["search_1m_ms"] is None  # not reached by this ladder
    assert "ours graph" in capsys.readouterr().out
    more = {"query_exponent": 0.5, "index_exponent": 1.1, "n_log_n_exponent": 1.12}  # of several sizes
    section = SECTIONS["index_scale"]({**figures, **more})
    assert "| 1,000 | ours auto (exact) |" in section
    assert "N^0.50" in section

    monkeypatch.delattr("runtime.index.hnsw.build_graph")
    assert index.run(options(tmp_path / "work")) == 0
    again = json.loads((tmp_path / "index_scale.json").read_text("utf-8"))["figures"]["rows"]
    assert [row.get("index_s") for row in again] == [row.get("index_s") for row in figures["rows"]]


def test_the_picture_is_drawn_from_the_figures_alone(tmp_path: Path):
    pytest.importorskip("matplotlib")
    rows = [
        {"items": n, "system": name, "median_ms": n / 1e4, "recall": 0.9, "index_cpu_s": n / 1e3}
        for n in (1000, 10_000)
        for name in ("ours auto", index.OURS, "numpy")
    ]
    (path,) = index.plot({"rows": rows}, tmp_path / "plots")
    assert path.read_bytes().startswith(b"\x89PNG")
