"""A plain table: CSV or JSONL, one row an image and its caption; a column without a role is metadata.

Further wordings may stand in columns caption_2, caption_3 … beside caption. The group column is
metadata too, so that a search can ask for one patient.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DatasetError
from .collect import Collector
from .parsing import parse_json, read_utf8

JSON_LINES = frozenset({".jsonl", ".ndjson"})
SEPARATED = frozenset({".csv", ".tsv"})

_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})")
_FURTHER = re.compile(r"_[2-9]$")
_DECIMAL = re.compile(r"-?\d+\.\d+")


@dataclass(frozen=True)
class Columns:
    """The names of the columns that mean something; the defaults may be absent, a chosen one may not."""

    file: str = "file"
    caption: str = "caption"
    caption_vi: str = "caption_vi"
    group: str = "group"


def read_table(path: Path, collector: Collector, columns: Columns) -> None:
    """Adds the rows of a table to `collector`.

    Raises DatasetError where the file is not UTF-8, has no rows, or lacks the file column or a
    column that was asked for by name.
    """
    if path.suffix.lower() in JSON_LINES:
        rows = list(_json_rows(path, collector))
    else:
        rows = csv_rows(path, collector)
        type_columns(rows, columns)
    present = {key: None for _, row in rows for key in row}
    if not rows:
        reasons = "".join(f"\n  {problem}" for problem in collector.problems[:3])
        raise DatasetError(f"{path}: no usable row{reasons or '; the table is empty'}")
    _check_columns(path, columns, list(present), collector)
    seen: set[str] = set()
    for where, row in rows:
        file, new = add_row(collector, where, row, columns)
        if file in seen and not new:
            collector.problems.append(f"{where}: repeats {file} without a new caption")
        if file is not None:
            seen.add(file)


def _check_columns(path: Path, columns: Columns, present: list[str], collector: Collector) -> None:
    default = Columns()
    for role in ("file", "caption", "caption_vi", "group"):
        name = getattr(columns, role)
        if name in present:
            continue
        sentence = (
            f"{path}: no column {name!r}; it has {', '.join(present)}. "
            f"Name the right one with --{role.replace('_', '-')}-column"
        )
        if role == "file" or name != getattr(default, role):
            raise DatasetError(sentence)
        if role == "caption":
            collector.problems.append(sentence)


def add_row(collector: Collector, where: str, row: dict[str, Any], columns: Columns) -> tuple[str | None, int]:
    """Adds one row; returns the file's name, None where unusable, and how many captions were new."""
    file = collector.locate(where, row.get(columns.file))
    if file is None:
        return None, 0
    new = 0
    metadata = {}
    for name, value in row.items():
        if _is_wording(name, columns.caption):
            new += collector.add_captions(where, file, value)
        elif _is_wording(name, columns.caption_vi):
            new += collector.add_captions(where, file, value, vietnamese=True)
        elif name != columns.file:
            metadata[name] = value
    if columns.caption in row and not collector.has_captions(file):
        collector.problems.append(f"{where}: the caption of {file} is empty")
    collector.set_group(where, file, row.get(columns.group))
    collector.add_metadata(where, file, metadata)
    return file, new


def _is_wording(name: str, column: str) -> bool:
    # caption_2, caption_3 … are further wordings of caption
    return name == column or _FURTHER.sub("", name) == column


def _json_rows(path: Path, collector: Collector) -> Iterator[tuple[str, dict[str, Any]]]:
    # not splitlines(): U+2028 inside a caption is legal JSON and ends no line
    for number, line in enumerate(read_utf8(path).split("\n"), start=1):
        where = f"{path.name} line {number}"
        if not line.strip():
            continue
        try:
            row = parse_json(line)
        except ValueError as error:
            collector.problems.append(f"{where}: {error}")
            continue
        if isinstance(row, dict):
            yield where, row
        else:
            collector.problems.append(f"{where}: expected an object {{…}}, found {type(row).__name__}")


def csv_rows(path: Path, collector: Collector) -> list[tuple[str, dict[str, Any]]]:
    """The rows of a CSV with a header, each with the place it stands at; every cell is text."""
    text = read_utf8(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    rows: list[tuple[str, dict[str, Any]]] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        if len(set(header)) != len(header):
            raise DatasetError(f"{path}: a column name stands twice in the header {', '.join(header)}")
        for cells in reader:
            where = f"{path.name} line {reader.line_num}"
            if len(cells) > len(header):
                collector.problems.append(
                    f"{where}: {len(cells)} cells under {len(header)} columns; put a caption with commas in quotes"
                )
            elif any(cell.strip() for cell in cells):
                rows.append((where, dict(zip(header, (cell.strip() for cell in cells), strict=False))))
    except csv.Error as error:
        raise DatasetError(f"{path}, line {reader.line_num}: {error}") from error
    return rows


def _delimiter(text: str) -> str:
    header = text.split("\n", 1)[0]
    return max(",;\t", key=header.count)


def type_columns(rows: list[tuple[str, dict[str, Any]]], columns: Columns) -> None:
    """Turns metadata columns that hold only plain integers or decimals into numbers, in place."""
    text = (columns.file, columns.caption, columns.caption_vi, columns.group)
    for name in {key for _, row in rows for key in row}:
        if any(_is_wording(name, column) for column in text):
            continue
        # a whole column or none of it: 007 and 1e3 are codes until every value reads as a plain number
        values = [row[name] for _, row in rows if row.get(name)]
        kind: type[int] | type[float]
        if all(_INTEGER.fullmatch(value) for value in values):
            kind = int
        elif all(_INTEGER.fullmatch(value) or _DECIMAL.fullmatch(value) for value in values):
            kind = float
        else:
            continue
        for _, row in rows:
            if row.get(name):
                row[name] = kind(row[name])
