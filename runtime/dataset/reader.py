"""`read_dataset`: recognises the layout of a path and reads it."""

from pathlib import Path

from ..errors import DatasetError
from .collect import Collector
from .entrep import is_entrep, read_entrep
from .records import Dataset, ImageQuery, TextQuery
from .table import JSON_LINES, SEPARATED, Columns, read_table

TABLE_NAMES = ("captions.jsonl", "captions.csv")
IMAGE_FOLDERS = ("img", "imgs", "images")


def read_dataset(
    path: Path | str,
    *,
    caption_column: str = "caption",
    caption_vi_column: str = "caption_vi",
    group_column: str = "group",
    file_column: str = "file",
) -> Dataset:
    """The data set at `path`: an ENTRep folder, a table (or a folder with one), or a folder of images.

    Rows of one file merge: it keeps all its captions. A row that cannot be used is listed in
    `problems`. Raises DatasetError where the layout is none of these, a file is not UTF-8, or not
    one image is left.
    """
    path = Path(path)
    columns = Columns(file_column, caption_column, caption_vi_column, group_column)
    table = _table(path)
    text_queries: list[TextQuery] = []
    image_queries: list[ImageQuery] = []
    if path.is_dir() and is_entrep(path):
        collector = Collector(path, [_entrep_images(path), path])
        text_queries, image_queries = read_entrep(collector, columns)
        if table is not None:
            collector.problems.append(f"{table.name} is not read beside ENTRep files; give its own path to read it")
    elif table is not None:
        collector = Collector(table.parent, _image_folders(table.parent))
        read_table(table, collector, columns)
    else:
        collector = Collector(path, [path])
        collector.add_folder(path)
    records = collector.records()
    if not records:
        raise DatasetError(_nothing(path, collector.problems))
    return Dataset(collector.root, records, tuple(collector.problems), tuple(text_queries), tuple(image_queries))


def _table(path: Path) -> Path | None:
    if path.is_dir():
        return next((path / name for name in TABLE_NAMES if (path / name).is_file()), None)
    if not path.exists():
        raise DatasetError(f"{path}: no such file or folder; expected {_EXPECTED}")
    if path.suffix.lower() not in JSON_LINES | SEPARATED:
        raise DatasetError(f"{path}: not a table by its name (.csv, .tsv, .jsonl); expected {_EXPECTED}")
    return path


def _entrep_images(root: Path) -> Path:
    if not (root / "imgs").is_dir():
        raise DatasetError(f"{root}: has files of the ENTRep layout but no folder imgs/ beside them")
    return root / "imgs"


def _image_folders(root: Path) -> list[Path]:
    # only the first: a name then means one file, wherever the table's author counted it from
    first = next((root / name for name in IMAGE_FOLDERS if (root / name).is_dir()), None)
    return [root] if first is None else [first, root]


def _nothing(path: Path, problems: list[str]) -> str:
    reasons = "".join(f"\n  {problem}" for problem in problems[:3])
    return f"{path}: not one usable image; expected {_EXPECTED}{reasons}"


_EXPECTED = (
    "an ENTRep folder (imgs/, t2i.json, …), a CSV or JSONL table (or a folder with captions.csv or "
    "captions.jsonl and img/), or a folder of images"
)
