"""TREC run and qrels files, so that any system's ranking can be measured here and ours anywhere.

A run's line is `query Q0 item rank score system`, a qrels' line `query 0 item grade`. As with trec_eval, the score
decides the order and the rank does not; equal scores are ordered by item id, the larger id first.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from runtime.dataset.parsing import read_utf8
from runtime.errors import DatasetError, InvalidInputError
from runtime.files import write_text

Scores = dict[str, dict[str, float]]
"""Query id → item id → score."""
Qrels = dict[str, dict[str, int]]
"""Query id → item id → grade, 0 for not relevant."""
RUN_LINE = "query Q0 item rank score system"
QRELS_LINE = "query 0 item grade"


@dataclass(frozen=True)
class Run:
    """A system's rankings; `name` is the file's last column."""

    name: str
    scores: Scores


def trec_id(text: str) -> str:
    """`text` as an id without white space: such characters, control characters and % become %XX (UTF-8).

    Everything else stays as it is, Vietnamese letters too. Raises InvalidInputError for an empty text.
    """
    if not text:
        raise InvalidInputError("an empty text is no TREC id; name the query or the item")
    return "".join(quote(c, safe="") if c == "%" or c.isspace() or not c.isprintable() else c for c in text)


def plain_id(identifier: str) -> str:
    """What `trec_id` was given; an id of another system without %XX is returned as it is."""
    return unquote(identifier)


def write_run(path: Path, run: Run) -> None:
    """Writes `run` atomically, each query's items best first, ranks from 1.

    Raises InvalidInputError for an id with white space (see `trec_id`) or a score that is not finite.
    """
    _check_id(run.name, "system name")
    lines = []
    for query, items in run.scores.items():
        _check_id(query, "query id")
        # by item descending first: the sort is stable, so equal scores keep trec_eval's order
        ranked = sorted(sorted(items.items(), reverse=True), key=lambda pair: -pair[1])
        for rank, (item, score) in enumerate(ranked, start=1):
            _check_id(item, "item id")
            if not math.isfinite(score):
                raise InvalidInputError(f"query {query}, item {item}: the score is {score}; expected a finite number")
            lines.append(f"{query} Q0 {item} {rank} {score!r} {run.name}\n")
    write_text(path, "".join(lines))


def read_run(path: Path) -> Run:
    """The run in `path`; raises DatasetError with the line that cannot be used."""
    scores: Scores = {}
    seen: dict[tuple[str, str], int] = {}
    name = path.stem
    for number, fields in _lines(path, RUN_LINE):
        query, _, item, _, score, name = fields
        _once(path, number, seen, query, item)
        scores.setdefault(query, {})[item] = _score(path, number, score)
    return Run(name, scores)


def write_qrels(path: Path, qrels: Mapping[str, Mapping[str, int]]) -> None:
    """Writes `qrels` atomically; raises InvalidInputError for an id with white space."""
    lines = []
    for query, items in qrels.items():
        _check_id(query, "query id")
        for item, grade in items.items():
            _check_id(item, "item id")
            lines.append(f"{query} 0 {item} {grade}\n")
    write_text(path, "".join(lines))


def read_qrels(path: Path) -> Qrels:
    """The grades in `path`; raises DatasetError with the line that cannot be used."""
    qrels: Qrels = {}
    seen: dict[tuple[str, str], int] = {}
    for number, fields in _lines(path, QRELS_LINE):
        query, _, item, grade = fields
        _once(path, number, seen, query, item)
        try:
            qrels.setdefault(query, {})[item] = int(grade)
        except ValueError:
            raise DatasetError(f"{path}, line {number}: grade {grade!r}; expected a whole number") from None
    return qrels


def _lines(path: Path, form: str) -> Iterator[tuple[int, list[str]]]:
    width, found = len(form.split()), False
    for number, line in enumerate(read_utf8(path).split("\n"), start=1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != width:
            raise DatasetError(f"{path}, line {number}: {len(fields)} fields; expected {width}: {form}")
        found = True
        yield number, fields
    if not found:
        raise DatasetError(f"{path}: holds no line; expected lines of {form}")


def _score(path: Path, number: int, text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise DatasetError(f"{path}, line {number}: score {text!r}; expected a finite number")
    return score


def _once(path: Path, number: int, seen: dict[tuple[str, str], int], query: str, item: str) -> None:
    first = seen.setdefault((query, item), number)
    if first != number:
        raise DatasetError(f"{path}, line {number}: query {query} lists {item} again (first in line {first})")


def _check_id(identifier: str, what: str) -> None:
    if not identifier or any(c.isspace() for c in identifier):
        raise InvalidInputError(f"{what} {identifier!r}; expected one without white space: make it with trec_id")
