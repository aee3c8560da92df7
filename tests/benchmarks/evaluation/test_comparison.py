"""Systems beside one another: every row says its mean, its interval, and how it differs from the reference."""

import json

import numpy as np
import pytest

from benchmarks.evaluation.comparison import compared
from benchmarks.evaluation.measures import MEASURES
from benchmarks.evaluation.statistics import holm, interval, paired_p

pytest.importorskip("scipy")


def values(mrr):
    return dict.fromkeys(MEASURES, mrr / 2) | {"mrr": mrr}


def test_rows_hold_the_primary_measure_and_its_test_against_the_reference():
    rng = np.random.default_rng(0)
    base = rng.random(40)
    groups = [f"g{i % 15}" for i in range(40)]
    systems = {"one": base, "reference": base + rng.normal(0.1, 0.1, 40), "same": base.copy()}
    rows, pairs = compared("set", {name: values(v) for name, v in systems.items()}, "reference", groups)
    assert [row["system"] for row in rows] == list(systems)
    changes = [base - systems["reference"]] * 2
    expected = holm([paired_p(change, groups) for change in changes])
    for row, p in zip((rows[0], rows[2]), expected, strict=True):
        own = interval(systems[row["system"]], groups)
        assert (row["mean"], row["interval"]) == (own.mean, [own.low, own.high])
        assert row["mrr"] == row["mean"] == pytest.approx(base.mean())
        assert row["r1"] == pytest.approx(base.mean() / 2)
        assert row["difference"] == pytest.approx(changes[0].mean())
        assert row["difference_interval"][0] < row["difference"] < row["difference_interval"][1]
        assert row["p"] == p
    assert rows[1]["p"] is rows[1]["difference"] is None
    assert len(pairs) == 3
    assert all(pair["data"] == "set" for pair in pairs)
    json.dumps([rows, pairs], allow_nan=False)
