"""Figures by stratum, and what the first hits show."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.evaluation.breakdown import by_label, confusion, confusions_of, facets, strata_of, wrong_share

from .synthetic_trials import synthetic_trials


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"class": "nose-left"}, ("nose", "left", "", "")),
        ({"class": "vc-open"}, ("larynx", "", "open", "")),
        ({"class": "throat"}, ("throat", "", "", "")),
        ({"class": "ear-right", "side": "left", "finding": "cerumen"}, ("ear", "left", "", "cerumen")),
        ({"class": 3, "region": None}, ("", "", "", "")),
        ({}, ("", "", "", "")),
    ],
)
def test_facets_come_from_columns_and_else_from_the_class(metadata, expected):
    assert tuple(facets(metadata).values()) == expected


def test_by_label_is_the_mean_over_the_labels_queries():
    rows = by_label({"mrr": np.array([1.0, 0.5, 0.25]), "r1": np.array([1.0, 0.0, 0.0])}, ["b", "a", "b"])
    assert rows == [
        {"label": "a", "queries": 1, "mrr": 0.5, "r1": 0.0},
        {"label": "b", "queries": 2, "mrr": 0.625, "r1": 0.5},
    ]


def trials_of_sides():
    """Three pictures (left nose, right nose, left ear) and five queries."""
    trials = synthetic_trials(queries=5, items=4)
    known = [("nose", "left"), ("nose", "right"), ("ear", "left"), ("nose", "none")]
    items = [replace(item, metadata={"region": r, "side": s}) for item, (r, s) in zip(trials.items, known, strict=True)]
    strata = {"region": ["nose"] * 5, "side": ["left", "left", "right", "right", "none"]}
    return replace(trials, items=items, strata=strata)


def test_the_first_hit_is_counted_by_what_was_asked():
    trials = trials_of_sides()
    order = np.array([[0, 1, 2, 3], [1, 0, 2, 3], [1, 0, 2, 3], [2, 1, 0, 3], [0, 1, 2, 3]])
    table = confusion([trials], [order], "side")
    assert table == {
        "left": {"left": 1, "right": 1, "another region": 0},
        "right": {"left": 0, "right": 1, "another region": 1},
    }
    assert wrong_share(table) == 1 / 4
    twice = confusion([trials, trials], [order, order], "side")
    assert twice["left"] == {"left": 2, "right": 2, "another region": 0}
    order[3] = [3, 1, 0, 2]  # the right region, and no side at all
    assert confusion([trials], [order], "side")["right"]["another region"] == 1


def test_what_nobody_asks_has_no_table():
    trials = trials_of_sides()
    assert set(confusions_of([trials], [trials.order])) == {"side"}
    assert wrong_share(confusion([trials], [trials.order], "state")) is None


def test_a_stratum_that_a_set_lacks_is_empty_there():
    trials = trials_of_sides()
    assert strata_of([trials, replace(trials, strata={})], "side") == [*trials.strata["side"], *[""] * 5]
