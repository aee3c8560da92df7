"""Published step 1: reads a data set, checks it, groups it, splits it, and reports what is wrong with it."""

import argparse
import csv
import dataclasses
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from runtime.dataset import Dataset, duplicate_groups, read_dataset, read_signatures
from runtime.errors import DatasetError
from runtime.files import write_json, write_text

from .folds import SPLITS, Folds, Split, make_folds, save_folds
from .prepare_report import describe, to_markdown


@dataclass(frozen=True)
class Prepared:
    """What `prepare` made: the readable part of the data set, its groups, its folds and the report."""

    dataset: Dataset
    groups: tuple[str, ...]
    folds: Folds
    report: dict[str, Any]


def prepare(
    data: Path,
    out: Path,
    *,
    caption_column: str = "caption",
    caption_vi_column: str = "caption_vi",
    group_column: str = "group",
    file_column: str = "file",
    folds: int = 10,
    split: Split = "group",
    seed: int = 42,
    progress: bool = False,
) -> Prepared:
    """Writes `pairs.csv`, `pairs.jsonl`, `folds.json`, `report.json` and `report.md` to `out`.

    Every image is decoded once; one that cannot be is named in the report and left out. Raises
    DatasetError where `data` has no known layout or the split is impossible: the report and the
    tables are written in that case too, `folds.json` is not.
    """
    read = read_dataset(
        data,
        caption_column=caption_column,
        caption_vi_column=caption_vi_column,
        group_column=group_column,
        file_column=file_column,
    )
    with tqdm(total=len(read.records), desc="checking images", unit="image", disable=not progress) as bar:
        signatures = read_signatures(read.records, tick=bar.update)
    all_groups = duplicate_groups(read.records, signatures)
    dataset = _without(read, signatures.bad)
    groups = tuple(g for g, r in zip(all_groups, read.records, strict=True) if r.file not in signatures.bad)
    out.mkdir(parents=True, exist_ok=True)
    (out / "folds.json").unlink(missing_ok=True)  # never beside tables of another run
    impossible: DatasetError | None = None
    made: Folds | None = None
    try:
        made = make_folds(dataset, folds=folds, seed=seed, by=split, groups=groups)
    except DatasetError as error:
        impossible = error
    report = describe(read, dataset, signatures=signatures, groups=groups, folds=made, impossible=impossible)
    _write_tables(out, dataset, groups, made)
    write_json(out / "report.json", report)
    write_text(out / "report.md", to_markdown(report))
    if made is None:
        raise DatasetError(f"{data}: no split was made; {impossible}") from impossible
    save_folds(out / "folds.json", made)
    return Prepared(dataset, groups, made, report)


def _without(dataset: Dataset, bad: dict[str, str]) -> Dataset:
    if not bad:
        return dataset
    text = [dataclasses.replace(q, relevant=q.relevant - bad.keys()) for q in dataset.text_queries]
    image = [dataclasses.replace(q, relevant=q.relevant - bad.keys()) for q in dataset.image_queries]
    return dataclasses.replace(
        dataset,
        records=tuple(record for record in dataset.records if record.file not in bad),
        text_queries=tuple(query for query in text if query.relevant),
        image_queries=tuple(query for query in image if query.relevant and query.file not in bad),
    )


def pair_table(dataset: Dataset, groups: Sequence[str], folds: Folds | None) -> list[dict[str, Any]]:
    """One row an image and caption: file, caption, caption_vi, group, fold, metadata.

    `group` includes duplicates; `fold` is where the row is held out, None where nowhere. The i-th
    Vietnamese caption stands beside the i-th English one; `read_dataset` reads the table back,
    beside the images, to the same captions.
    """
    by_row, by_file = {}, {}
    for k in range(len(folds) if folds else 0):
        by_file.update(dict.fromkeys(folds.files[k], k))
        by_row.update(dict.fromkeys(folds.rows[k] if folds.rows else (), k))
    table = []
    for record, group in zip(dataset.records, groups, strict=True):
        for i in range(max(1, len(record.captions), len(record.captions_vi))):
            caption = record.captions[i] if i < len(record.captions) else ""
            fold = by_row.get((record.file, caption)) if by_row else by_file.get(record.file)
            caption_vi = record.captions_vi[i] if i < len(record.captions_vi) else ""
            row = {"file": record.file, "caption": caption, "caption_vi": caption_vi, "group": group}
            table.append(row | {"fold": fold, "metadata": record.metadata})
    return table


def _write_tables(out: Path, dataset: Dataset, groups: Sequence[str], folds: Folds | None) -> None:
    table = pair_table(dataset, groups, folds)
    lines = (json.dumps(row.pop("metadata") | row, ensure_ascii=False) for row in map(dict, table))
    write_text(out / "pairs.jsonl", "".join(f"{line}\n" for line in lines))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["file", "caption", "caption_vi", "group", "fold"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(table)
    write_text(out / "pairs.csv", text.getvalue())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `python -m train prepare`."""
    parser.add_argument("--data", type=Path, required=True, help="an ENTRep folder, a table, or a folder with one")
    parser.add_argument("--out", type=Path, required=True, help="folder for the tables, the folds and the report")
    parser.add_argument("--caption-column", default="caption", metavar="NAME")
    parser.add_argument("--caption-vi-column", default="caption_vi", metavar="NAME")
    parser.add_argument("--group-column", default="group", metavar="NAME", help="patient or sequence")
    parser.add_argument("--file-column", default="file", metavar="NAME")
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--split", choices=SPLITS, default="group", help="row is the published split, which leaks")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--strict", action="store_true", help="exit with 1 where any image or row was unusable")


def run(args: argparse.Namespace) -> int:
    """Runs `python -m train prepare`; returns 0, or 1 with --strict where something was left out.

    Raises KgerError, whose message is for the user.
    """
    prepared = prepare(
        args.data,
        args.out,
        caption_column=args.caption_column,
        caption_vi_column=args.caption_vi_column,
        group_column=args.group_column,
        file_column=args.file_column,
        folds=args.folds,
        split=args.split,
        seed=args.seed,
        progress=True,
    )
    report = prepared.report
    sys.stdout.write(to_markdown(report, most=5) + f"\nwritten: {args.out}\n")
    return int(args.strict and bool(report["problems"] or report["bad_images"]))
