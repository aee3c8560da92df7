"""Which image or row is held out in which fold, and the file that says so."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from sklearn.model_selection import KFold

from runtime.dataset import Components, Dataset, Record, caption_key, duplicate_groups
from runtime.errors import DatasetError, InvalidInputError
from runtime.files import write_json

Split = Literal["group", "row", "group+phrase"]
SPLITS: tuple[str, ...] = get_args(Split)

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Folds:
    """K disjoint held-out sets.

    `files[k]` are the images held out in fold k. With `by="row"` an image may be in several folds
    and `rows[k]` are the (file, caption) rows held out; otherwise `rows` is empty and all rows of a
    held-out image are held out. `dataset_sha256` is the fingerprint of the data set it was made for.
    """

    by: Split
    seed: int
    files: tuple[tuple[str, ...], ...]
    rows: tuple[tuple[tuple[str, str], ...], ...]
    dataset_sha256: str

    def __len__(self) -> int:
        return len(self.files)

    def held_out(self, rows: Sequence[tuple[str, str]], fold: int) -> list[int]:
        """Positions in `rows` (file, caption) that fold `fold` holds out; all others train."""
        if self.by == "row":
            out = set(self.rows[fold])
            return [i for i, row in enumerate(rows) if row in out]
        files = set(self.files[fold])
        return [i for i, (file, _) in enumerate(rows) if file in files]


def caption_rows(dataset: Dataset) -> list[tuple[str, str]]:
    """Every (file, caption) row in file order: what the published split shuffles."""
    return [(record.file, caption) for record in dataset.records for caption in record.captions]


def make_folds(
    dataset: Dataset,
    *,
    folds: int = 10,
    seed: int = 42,
    by: Split = "group",
    groups: Sequence[str] | None = None,
) -> Folds:
    """Splits a data set into `folds` held-out sets of about the same number of captioned images.

    "group": images of one patient, sequence or duplicate group stay together. "group+phrase": so do
    images with an equal caption, so that every held-out phrase is new. "row": the published
    KFold(shuffle) over (file, caption) rows; images, captions and patients stand on both sides.
    `groups` names each record's group; without it duplicates are looked for in the pictures.

    Raises InvalidInputError for settings that mean nothing, DatasetError where there are fewer
    groups than folds.
    """
    if by not in SPLITS or folds < 2 or not 0 <= seed < 2**32:
        raise InvalidInputError(
            f"folds={folds}, seed={seed}, split={by!r}; expected at least 2 folds, a seed of 32 bits, "
            f"and a split of {', '.join(SPLITS)}"
        )
    if by == "row":
        return _row_folds(dataset, folds, seed)
    names = list(groups) if groups is not None else duplicate_groups(dataset.records)
    if len(names) != len(dataset.records):
        raise InvalidInputError(f"{len(names)} group names for {len(dataset.records)} records")
    labels = _components(dataset.records, names, phrases=by == "group+phrase")
    fold_of = _balance(dataset.records, labels, folds, seed, by)
    files = tuple(
        tuple(record.file for record, label in zip(dataset.records, labels, strict=True) if fold_of[label] == k)
        for k in range(folds)
    )
    return Folds(by, seed, files, (), dataset.fingerprint)


def _row_folds(dataset: Dataset, folds: int, seed: int) -> Folds:
    rows = caption_rows(dataset)
    if len(rows) < folds:
        raise DatasetError(f"{dataset.root}: {len(rows)} captions, fewer than {folds} folds; use fewer folds")
    splitter = KFold(n_splits=folds, shuffle=True, random_state=seed)
    held_out = tuple(tuple(rows[i] for i in test) for _, test in splitter.split(np.arange(len(rows))))
    files = tuple(tuple(dict.fromkeys(file for file, _ in fold)) for fold in held_out)
    return Folds("row", seed, files, held_out, dataset.fingerprint)


def _components(records: Sequence[Record], names: Sequence[str], *, phrases: bool) -> list[int]:
    components = Components(len(records))
    components.join_equal(enumerate(names))
    if phrases:
        components.join_equal(
            (i, caption_key(text)) for i, r in enumerate(records) for text in (*r.captions, *r.captions_vi)
        )
    return components.labels()


def _balance(records: Sequence[Record], labels: Sequence[int], folds: int, seed: int, by: Split) -> dict[int, int]:
    # largest group first into the fold that has least: by captioned images, then by all
    captioned = Counter(label for label, r in zip(labels, records, strict=True) if r.captions or r.captions_vi)
    sizes = Counter(labels)
    if len(captioned) < folds:
        raise DatasetError(_too_few(captioned, folds, by))
    order = list(sizes)
    np.random.default_rng(seed).shuffle(order)
    order.sort(key=lambda label: (captioned[label], sizes[label]), reverse=True)  # stable: ties stay shuffled
    load = [(0, 0)] * folds
    fold_of = {}
    for label in order:
        k = min(range(folds), key=load.__getitem__)
        fold_of[label] = k
        load[k] = (load[k][0] + captioned[label], load[k][1] + sizes[label])
    return fold_of


def _too_few(captioned: Counter[int], folds: int, by: Split) -> str:
    if not captioned:
        return "no image has a caption: there is nothing to hold out; name the column with --caption-column"
    have = len(captioned)
    reason = (
        f"the captioned images fall into {have} group{'s' * (have > 1)} ({max(captioned.values())} of "
        f"{captioned.total()} images in the largest), fewer than {folds} folds"
    )
    if by == "group+phrase":
        fewer = f"--folds {have} or " if have > 1 else ""
        return f"{reason}: shared captions join groups that are apart otherwise; use {fewer}--split group"
    return f"{reason}; use --folds {have}" if have > 1 else f"{reason}; a split needs at least two groups"


def save_folds(path: Path, folds: Folds) -> None:
    """Writes `folds` as JSON, atomically: schema version, settings, who is where, SHA-256 of all that."""
    content = _content(folds)
    write_json(path, content | {"sha256": _digest(content)})


def _content(folds: Folds) -> dict[str, Any]:
    rows = folds.rows or [()] * len(folds)
    return {
        "schema_version": SCHEMA_VERSION,
        "by": folds.by,
        "seed": folds.seed,
        "dataset_sha256": folds.dataset_sha256,
        "folds": [
            {"files": list(files)} | ({"rows": [list(row) for row in held]} if folds.by == "row" else {})
            for files, held in zip(folds.files, rows, strict=True)
        ],
    }


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode("utf-8")).hexdigest()


def load_folds(path: Path, dataset: Dataset | None = None) -> Folds:
    """Reads a folds file; DatasetError where it is damaged, of another version, or made for other data."""
    mend = "run python -m train prepare again"
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["schema_version"] != SCHEMA_VERSION:
            raise DatasetError(f"{path}: schema version {content['schema_version']}, not {SCHEMA_VERSION}; {mend}")
        if content.pop("sha256") != _digest(content) or content["by"] not in SPLITS:
            raise DatasetError(f"{path}: its SHA-256 does not fit its content; {mend}")
        files = tuple(tuple(fold["files"]) for fold in content["folds"])
        rows = tuple(tuple((f, c) for f, c in fold["rows"]) for fold in content["folds"] if "rows" in fold)
        folds = Folds(content["by"], int(content["seed"]), files, rows, str(content["dataset_sha256"]))
    except DatasetError:
        raise
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror or error}); {mend}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path}: not a folds file ({error}); {mend}") from error
    if dataset is not None and folds.dataset_sha256 != dataset.fingerprint:
        raise DatasetError(f"{path}: made for other images, captions or groups than {dataset.root}; {mend}")
    return folds
