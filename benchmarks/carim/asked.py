"""The synthetic drive's queries and the held-out scenes that are to answer them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from runtime.carim.rows import Row, read_rows
from runtime.errors import DatasetError
from runtime.metrics import Bools

SWAPPED = "swapped"
REMAKE = "draw it again: python -m assets.drive OUT"


@dataclass(frozen=True)
class Swap:
    """The hard negative of a query: a copy of its scene where `by` stands in the place of `element`."""

    element: str
    by: str
    attribute: str


@dataclass(frozen=True)
class Query:
    """A line of queries.jsonl; `scene` is the one it was written for, `relevant` the rows that satisfy it."""

    id: str
    kind: str
    text: str
    scene: str
    relevant: tuple[str, ...]
    swap: Swap | None = None
    unseen: bool | None = None
    """Whether it holds a wording that no caption uses, where the data say so."""


@dataclass(frozen=True, eq=False)
class Asked:
    """`rows` (N) of the held-out scenes, the retrieval queries over them, `relevant` (Q, N), and the swapped ones."""

    rows: tuple[Row, ...]
    queries: tuple[Query, ...]
    relevant: Bools
    swapped: tuple[tuple[Query, Row], ...]
    unanswered: int
    """Retrieval queries of held-out scenes that no held-out scene satisfies: left out."""

    @property
    def scenes(self) -> list[str]:
        """Each query's own scene, (Q,)."""
        return [query.scene for query in self.queries]


def read_queries(path: Path) -> tuple[Query, ...]:
    """queries.jsonl of the synthetic drive; DatasetError names the line that is none."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error}); {REMAKE}") from error
    queries = []
    for number, line in enumerate(lines, start=1):
        try:
            queries.append(_parsed(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError(f"{path}:{number}: not a query ({error!r}); {REMAKE}") from error
    return tuple(queries)


def hold_out(data: Path, scenes: Iterable[str]) -> Asked:
    """Gallery and queries of the held-out `scenes` only; relevance is the data's own, cut to them.

    Raises DatasetError where none of the scenes has a row or none of the queries an answer.
    """
    wanted = set(scenes)
    rows = tuple(row for row in read_rows(data).rows if row.scene in wanted)
    queries = [query for query in read_queries(data / "queries.jsonl") if query.scene in wanted]
    place = {row.id: i for i, row in enumerate(rows)}
    of_scene = {row.scene: row for row in rows}
    asked = [query for query in queries if query.kind != SWAPPED]
    answered = [query for query in asked if any(row in place for row in query.relevant)]
    if not answered:
        raise DatasetError(f"{data}: no query has an answer among {len(rows)} rows of {len(wanted)} scenes; {REMAKE}")
    relevant = np.zeros((len(answered), len(rows)), bool)
    for i, query in enumerate(answered):
        relevant[i, [place[row] for row in query.relevant if row in place]] = True
    swapped = tuple((query, of_scene[query.scene]) for query in queries if query.swap and query.scene in of_scene)
    return Asked(rows, tuple(answered), relevant, swapped, len(asked) - len(answered))


def swapped_elements(row: Row, swap: Swap) -> tuple[str, ...]:
    """The row's elements with the one replaced; DatasetError where the row does not hold it."""
    if swap.element not in row.elements:
        raise DatasetError(f"{row.id}: {swap.element!r} is none of its elements, yet a query swaps it; {REMAKE}")
    return tuple(swap.by if element == swap.element else element for element in row.elements)


def unique_elements(lists: Iterable[Sequence[str]]) -> dict[str, int]:
    """Every element of the lists → its place, in the order of first occurrence."""
    places: dict[str, int] = {}
    for elements in lists:
        for element in elements:
            places.setdefault(element, len(places))
    return places


def _parsed(value: dict[str, Any]) -> Query:
    swap = value.get("swapped")
    return Query(
        id=value["id"],
        kind=value["kind"],
        text=value["text"],
        scene=value["scene"],
        relevant=tuple(value["relevant"]),
        swap=Swap(swap["element"], swap["by"], swap.get("attribute", "any")) if swap else None,
        unseen=bool(value["unseen"]) if "unseen" in value else None,
    )
