"""The layout of the ENTRep challenge: `imgs/` with t2i.json, i2i.json, cls.json, data.json, truth.csv."""

import re
from pathlib import Path
from typing import Any

from ..errors import DatasetError
from .collect import Collector
from .parsing import read_json
from .records import ImageQuery, TextQuery, clean_text
from .table import Columns, add_row, csv_rows, type_columns

CLASSES = ("nose-right", "nose-left", "ear-right", "ear-left", "vc-open", "vc-closed", "throat")
JSON_FILES = ("t2i.json", "i2i.json", "cls.json", "data.json")

# letters that Vietnamese has and English, French or Latin terms do not
_VIETNAMESE = re.compile("[ăĂđĐơƠưƯ\u1ea0-\u1ef9]")

_FILE_NAMES = ("file", "path", "image", "filename", "image_name")
_GROUP_NAMES = ("patient", "group", "patient_id", "sequence")


def is_entrep(folder: Path) -> bool:
    """Whether `folder` holds one of the challenge's JSON files."""
    return any((folder / name).is_file() for name in JSON_FILES)


def read_entrep(collector: Collector, columns: Columns) -> tuple[list[TextQuery], list[ImageQuery]]:
    """Adds every image of `imgs/` and what the files say of it; returns the challenge's queries.

    A phrase of t2i.json is also a caption of its image. Raises DatasetError where a JSON file is
    malformed or is not of the expected kind.
    """
    root = collector.root
    collector.add_folder(root / "imgs")
    _read_classes(collector, root / "cls.json")
    _read_descriptions(collector, root / "data.json")
    _read_truth(collector, root / "truth.csv", columns)
    return _read_text_queries(collector, root / "t2i.json"), _read_image_queries(collector, root / "i2i.json")


def _mapping(path: Path) -> list[tuple[str, Any]]:
    # as pairs: a phrase that stands twice in the file has two images
    if not path.is_file():
        return []
    pairs = read_json(path, pairs=True)
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
        raise DatasetError(f"{path}: expected one object {{…}}")
    return pairs


def _read_classes(collector: Collector, path: Path) -> None:
    for name, value in _mapping(path):
        where = f"{path.name}, {name!r}"
        file = collector.locate(where, name)
        if file is None:
            continue
        known = class_name(value)
        if known is None:
            collector.problems.append(f"{where}: class {value!r}; expected 0 to 6 or one of {', '.join(CLASSES)}")
        else:
            collector.add_metadata(where, file, {"class": known})


def class_name(value: object) -> str | None:
    """The name of a class given by number or name; None where there is none."""
    if isinstance(value, bool):
        return None
    text = re.sub(r"[\s_-]+", "-", str(value).strip().casefold())
    if text.isdecimal():
        return CLASSES[int(text)] if int(text) < len(CLASSES) else None
    return text if text in CLASSES else None


def _read_descriptions(collector: Collector, path: Path) -> None:
    if not path.is_file():
        return
    rows = read_json(path)
    if not isinstance(rows, list):
        raise DatasetError(f"{path}: expected a list of objects with Path, Classification, Type, Description …")
    for number, row in enumerate(rows, start=1):
        where = f"{path.name}, record {number}"
        if not isinstance(row, dict):
            collector.problems.append(f"{where}: expected an object {{…}}, found {type(row).__name__}")
            continue
        file = collector.locate(where, row.get("Path"))
        if file is None:
            continue
        collector.add_captions(where, file, row.get("DescriptionEN"))
        collector.add_captions(where, file, row.get("Description"), vietnamese=True)
        own = {"Path", "Classification", "Type", "Description", "DescriptionEN"}
        label = row.get("Classification")
        metadata = {"class": class_name(label) or label, "type": row.get("Type")}
        collector.add_metadata(where, file, metadata | {k: v for k, v in row.items() if k not in own})


def _read_truth(collector: Collector, path: Path, columns: Columns) -> None:
    if not path.is_file():
        return
    rows = csv_rows(path, collector)
    header = list(rows[0][1]) if rows else []
    file_column = next((name for name in (columns.file, *_FILE_NAMES) if name in header), None)
    if rows and file_column is None:
        raise DatasetError(f"{path}: no column {columns.file!r}; it has {', '.join(header)}")
    group_column = next((name for name in (columns.group, *_GROUP_NAMES) if name in header), columns.group)
    names = Columns(file_column or columns.file, columns.caption, columns.caption_vi, group_column)
    type_columns(rows, names)
    for where, row in rows:
        if "class" in row:  # by number or by name: it means what cls.json means
            row["class"] = class_name(row["class"]) or row["class"]
        add_row(collector, where, row, names)


def _read_text_queries(collector: Collector, path: Path) -> list[TextQuery]:
    relevant: dict[str, set[str]] = {}
    for phrase, names in _mapping(path):
        where, text = f"{path.name}, {phrase!r}", clean_text(phrase)
        if not text:
            collector.problems.append(f"{path.name}: an empty phrase")
            continue
        for name in names if isinstance(names, list) else [names]:
            file = collector.locate(where, name)
            if file is not None:
                vietnamese = _VIETNAMESE.search(text) is not None
                collector.add_captions(where, file, text, vietnamese=vietnamese)
                relevant.setdefault(text, set()).add(file)
    return [TextQuery(text, frozenset(files)) for text, files in relevant.items()]


def _read_image_queries(collector: Collector, path: Path) -> list[ImageQuery]:
    relevant: dict[str, set[str]] = {}
    for query, names in _mapping(path):
        where = f"{path.name}, {query!r}"
        file = collector.locate(where, query)
        for name in names if isinstance(names, list) else [names]:
            target = collector.locate(where, name)
            if file is not None and target is not None:
                relevant.setdefault(file, set()).add(target)
    return [ImageQuery(file, frozenset(files)) for file, files in relevant.items()]
