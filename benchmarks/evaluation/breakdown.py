"""Where a ranking errs: figures by region, by finding, and which side or state the first hit shows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .measures import Orders, Values, means
from .trials import Trials

FACETS = ("region", "side", "state", "finding")
CONFUSIONS = {"side": ("left", "right"), "state": ("open", "closed")}
ELSEWHERE = "another region"
# the challenge's classes say region, side and state in one word
_CLASSES = {"nose": "nose", "ear": "ear", "vc": "larynx", "throat": "throat"}


def facets(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Region, side, state and finding of an item, each "" where unknown; read from `class` where not said apart.

    "vc-open" is the region larynx in the state open, "nose-left" the left nose.
    """
    found = {key: str(metadata.get(key) or "") for key in FACETS}
    region, _, rest = str(metadata.get("class") or "").partition("-")
    if region in _CLASSES:
        found["region"] = found["region"] or _CLASSES[region]
        for key, values in CONFUSIONS.items():
            if rest in values:
                found[key] = found[key] or rest
    return found


def by_label(values: Values, labels: Sequence[str]) -> list[dict[str, Any]]:
    """A row a label, in alphabetical order: label, queries, the mean of every measure over its queries."""
    marks = np.array(labels)
    rows = []
    for label in sorted(set(labels)):
        chosen = marks == label
        part = means({key: value[chosen] for key, value in values.items()})
        rows.append({"label": label, "queries": int(chosen.sum()), **part})
    return rows


def strata_of(trials: Sequence[Trials], key: str) -> list[str]:
    """The stratum `key` of all trial sets' queries, one set after the other; "" where a set does not have it."""
    return [label for one in trials for label in one.strata.get(key, [""] * len(one.texts))]


def confusion(trials: Sequence[Trials], orders: Sequence[Orders], key: str) -> dict[str, dict[str, int]]:
    """Asked → shown by the first hit → queries, for `key` "side" (left, right) or "state" (open, closed).

    Only queries that ask for one of the two count. A first hit of another region, or that shows neither, stands
    under "another region".
    """
    choices = CONFUSIONS[key]
    table = {asked: dict.fromkeys((*choices, ELSEWHERE), 0) for asked in choices}
    for one, order in zip(trials, orders, strict=True):
        shown = [facets(item.metadata) for item in one.items]
        asked_for = zip(strata_of([one], key), strata_of([one], "region"), order[:, 0], strict=True)
        for asked, region, best in asked_for:
            if asked in choices:
                hit = shown[int(best)]
                same = hit["region"] == region and hit[key] in choices
                table[asked][hit[key] if same else ELSEWHERE] += 1
    return table


def confusions_of(trials: Sequence[Trials], orders: Sequence[Orders]) -> dict[str, dict[str, dict[str, int]]]:
    """Both `confusion` tables, "side" and "state"; one that no query asks for is left out."""
    tables = {key: confusion(trials, orders, key) for key in CONFUSIONS}
    return {key: table for key, table in tables.items() if wrong_share(table) is not None}


def wrong_share(table: Mapping[str, Mapping[str, int]]) -> float | None:
    """Share of the queries of a `confusion` whose first hit shows the opposite; None without queries."""
    total = sum(sum(row.values()) for row in table.values())
    opposite = sum(row[shown] for asked, row in table.items() for shown in table if shown != asked)
    return opposite / total if total else None
