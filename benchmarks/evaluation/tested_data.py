"""Which pictures of a user's data may be asked about: readable ones that training did not see, checked for leaks."""

import argparse
from dataclasses import replace
from pathlib import Path

from runtime.bundle import Bundle
from runtime.dataset import Dataset, read_dataset, read_signatures
from runtime.errors import DatasetError

from .leakage import PROMISES, LeakageError, check_split

_UNKNOWN = "no leak was looked for: without --hold-out FILE nobody knows which of these pictures training saw"


def tested_data(args: argparse.Namespace) -> tuple[Dataset, str]:
    """The readable pictures that training did not see, and a sentence on what was checked.

    Raises LeakageError where the bundle was trained on exactly this data, or the held-out files leak.
    """
    names = {f"{role}_column": getattr(args, f"{role}_column") for role in ("caption", "caption_vi", "group", "file")}
    dataset = read_dataset(args.data, **names)
    bad = read_signatures(dataset.records).bad
    known = Bundle.open(args.bundle).manifest.training.get("data_fingerprint")
    note = f"; {len(bad)} pictures that cannot be read are left out" if bad else ""
    if args.hold_out is None:
        if known == dataset.fingerprint:
            raise LeakageError(
                f"{args.bundle} was trained on {args.data}: its figures there mean nothing; name the files that "
                "training was told to --hold-out with --hold-out FILE, or give other data"
            )
        readable = tuple(record for record in dataset.records if record.file not in bad)
        return replace(dataset, records=readable), _UNKNOWN + note
    files = held_out_files(args.hold_out, dataset)
    train = tuple(record for record in dataset.records if record.file not in files)
    test = tuple(record for record in dataset.records if record.file in files and record.file not in bad)
    said = check_split(train, test, PROMISES if args.promises is None else args.promises)
    same = replace(dataset, records=train).fingerprint == known
    source = "exactly" if same else "not exactly"
    return replace(dataset, records=test), f"{said}; the bundle was trained on {source} the rest{note}"


def held_out_files(listing: Path, dataset: Dataset) -> set[str]:
    """The files that `listing` names, one a line; raises DatasetError for none, or one that the data lacks."""
    try:
        files = {line.strip() for line in listing.read_text("utf-8").splitlines() if line.strip()}
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{listing}: cannot be read ({error}); expected one image file a line") from error
    unknown = files - {record.file for record in dataset.records}
    if unknown or not files:
        raise DatasetError(
            f"{listing}: {min(unknown) if unknown else 'no file'} is not an image of {dataset.root}; expected one "
            "image file a line"
        )
    return files
