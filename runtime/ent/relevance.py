"""What counts as the same: exact class, type, or finding. The three are different questions, never one number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..dataset import ImageQuery, Record
from .classes import ClassTable

Bools = NDArray[np.bool_]
SENSES = ("exact", "type", "finding")


@dataclass(frozen=True, eq=False)
class Relevance:
    """For N images: `exact`, `type` and `finding` are (N, N) bool; `usable` (N, N) bool says which item may answer.

    exact: the same class. type: the same kind of structure, side and state ignored. finding: the challenge's pairs,
    or the same class and finding where the data names findings. `finding` is None where it has neither. An image
    never answers itself, nor does a near-duplicate of it: `duplicates` counts such (query, item) pairs.
    """

    exact: Bools
    type: Bools
    finding: Bools | None
    usable: Bools
    duplicates: int

    def of(self, sense: str) -> Bools | None:
        """(N, N) bool of one sense, what may not answer left out."""
        relevant: Bools | None = getattr(self, sense)
        return None if relevant is None else relevant & self.usable


def class_of(record: Record, column: str = "class") -> str | None:
    """The record's class: its metadata `column`, or the folder it lies in; None where there is neither."""
    named = record.metadata.get(column)
    if named is not None:
        return str(named)
    folder, _, name = record.file.rpartition("/")
    return folder.rpartition("/")[2] or None if name else None


def relevance(
    records: Sequence[Record],
    classes: Sequence[str],
    table: ClassTable,
    duplicates: Sequence[int],
    pairs: Sequence[ImageQuery] = (),
) -> Relevance:
    """Who answers whom among `records` of the given `classes`; `duplicates` as `duplicate_labels` gives them.

    `pairs` are the challenge's, used where the data names no findings.
    """
    names = np.array(classes, str)
    types = np.array([table[name].type for name in names])
    look = np.asarray(duplicates)
    same_look = look[:, None] == look[None]
    copies = int(same_look.sum() - len(records))
    return Relevance(
        names[:, None] == names[None],
        types[:, None] == types[None],
        _finding(records, names, pairs),
        ~same_look,
        copies,
    )


def _finding(records: Sequence[Record], names: NDArray[np.str_], pairs: Sequence[ImageQuery]) -> Bools | None:
    findings = [record.metadata.get("finding") for record in records]
    if any(finding is not None for finding in findings):
        said = np.array([f"{name}\n{finding}" for name, finding in zip(names, findings, strict=True)])
        known = np.array([finding is not None for finding in findings])
        same: Bools = (said[:, None] == said[None]) & known[:, None] & known[None]
        return same
    place = {record.file: i for i, record in enumerate(records)}
    found = np.zeros((len(records), len(records)), bool)
    for query in pairs:
        for file in query.relevant:
            if query.file in place and file in place:
                found[place[query.file], place[file]] = True
    return found if found.any() else None
