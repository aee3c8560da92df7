"""The challenge's query file: one phrase a line, no header."""

import csv
from pathlib import Path

from ..errors import DatasetError
from .parsing import read_utf8
from .records import clean_text


def read_queries(path: Path | str) -> list[str]:
    """The phrases of `t2i.csv` in file order, repeated ones included; empty lines are left out.

    A phrase may stand in quotes; a comma outside quotes belongs to the phrase. Raises DatasetError
    where the file is missing, not UTF-8, or has no phrase.
    """
    path = Path(path)
    phrases = [clean_text(_unquoted(line)) for line in read_utf8(path).split("\n")]
    phrases = [phrase for phrase in phrases if phrase]
    if not phrases:
        raise DatasetError(f"{path}: no phrase; expected one query a line, without a header")
    return phrases


def _unquoted(line: str) -> str:
    line = line.strip()
    if len(line) >= 2 and line[0] == line[-1] == '"':
        cells = next(csv.reader([line]), [])
        if len(cells) == 1:
            return cells[0]
    return line
