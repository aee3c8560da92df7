"""A user's own data as trials: what is asked, and which pictures answer it."""

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from runtime.dataset import Dataset, Record, caption_key, captions_of
from runtime.encoder import DualEncoder
from runtime.errors import DatasetError, InvalidInputError
from runtime.images import read_image

from ..judging.fresh_phantoms import kept_trials
from .breakdown import facets
from .trials import RELEVANT, Trials

WAYS = ("pairs", "captions", "columns")
LANGUAGES = ("en", "vi")
TEXT, PICTURE = "text", "picture"
_BATCH = 64  # decoded pictures in memory


@dataclass(frozen=True)
class Question:
    """A text, or a picture of the data set (`file`), with the files that answer it and the record it is about."""

    text: str
    relevant: frozenset[str]
    about: Record
    language: str = ""
    file: str | None = None


def questions(
    dataset: Dataset, way: str | None = None, columns: Sequence[str] = (), languages: Sequence[str] = ("en",)
) -> list[Question]:
    """What the data set asks, in file order; questions without an answer are left out.

    pairs: the challenge's own t2i.json and i2i.json. captions: each caption once a language, answered by every
    picture with an equal one. columns: each caption, answered by every picture with the same values in `columns`.
    None takes columns where given, else pairs where there are any, else captions. A picture never answers itself.
    Raises DatasetError where nothing can be asked or a column is unknown, InvalidInputError for columns without
    names and an unknown language.
    """
    if way == "columns" and not columns:
        raise InvalidInputError("relevance by columns needs their names: --relevant-columns region,side,finding")
    if not languages or set(languages) - set(LANGUAGES):
        raise InvalidInputError(f"languages {', '.join(languages) or 'none'}; expected of {', '.join(LANGUAGES)}")
    way = way or ("columns" if columns else "pairs" if dataset.text_queries or dataset.image_queries else "captions")
    if way == "pairs":
        found = list(_pairs(dataset))
    else:
        _check_columns(dataset, columns if way == "columns" else ())
        found = list(_captions(dataset, columns if way == "columns" else (), languages))
    if not found:
        raise DatasetError(
            f"{dataset.root}: nothing to ask by {way}; expected t2i.json or i2i.json for pairs, captions for the "
            "other two (--caption-column names their column)"
        )
    return found


def _pairs(dataset: Dataset) -> Iterator[Question]:
    by_file = {record.file: record for record in dataset.records}
    for asked in dataset.text_queries:
        known = asked.relevant & by_file.keys()
        if known:
            yield Question(asked.text, known, by_file[min(known)])
    for query in dataset.image_queries:
        known = (query.relevant & by_file.keys()) - {query.file}
        if known and query.file in by_file:
            yield Question(query.file, known, by_file[query.file], file=query.file)


def _captions(dataset: Dataset, columns: Sequence[str], languages: Sequence[str]) -> Iterator[Question]:
    asked: dict[tuple[str, ...], tuple[str, Record]] = {}
    answers: dict[tuple[str, ...], set[str]] = {}
    for record in dataset.records:
        truth = tuple(str(record.metadata[column]) for column in columns)
        if columns:
            answers.setdefault(truth, set()).add(record.file)
        for language in languages:
            for caption in captions_of(record, "vi" if language == "vi" else "en"):
                key = (language, caption_key(caption), *truth)
                asked.setdefault(key, (caption, record))
                if not columns:
                    answers.setdefault(key, set()).add(record.file)
    for key, (caption, record) in asked.items():
        yield Question(caption, frozenset(answers[key[2:] if columns else key]), record, key[0])


def _check_columns(dataset: Dataset, columns: Sequence[str]) -> None:
    for column in columns:
        without = [record for record in dataset.records if column not in record.metadata]
        if without:
            known = ", ".join(sorted({key for record in dataset.records for key in record.metadata})) or "none"
            raise DatasetError(
                f"{without[0].file} has no column {column!r} to tell what is relevant; {dataset.root} has {known}"
            )


def trials_of(name: str, dataset: Dataset, asked: Sequence[Question], encoder: DualEncoder, folder: Path) -> Trials:
    """The questions over all pictures, encoded once and kept in `folder`.

    Strata: kind (text, picture), language, region, side, state, finding. Groups: the record's own, else the caption.
    A picture's cosine with itself is -1, so that it stands last and not first.
    """
    records = list(dataset.records)
    stated = [[q.text, sorted(q.relevant), q.file, q.about.file] for q in asked]
    stated += [[record.file, record.metadata] for record in records]
    digest = hashlib.sha256(json.dumps(stated, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    key = {"trials": name, "bundle": encoder.fingerprint, "data": dataset.fingerprint, "asked": digest}
    return kept_trials(folder, key, records, lambda: _encoded(name, records, asked, encoder))


def _encoded(name: str, records: Sequence[Record], asked: Sequence[Question], encoder: DualEncoder) -> Trials:
    images = _image_vectors(encoder, records)
    row_of = {record.file: row for row, record in enumerate(records)}
    texts = encoder.encode_texts([q.text for q in asked if q.file is None])
    spoken = iter(texts)
    vectors = np.stack([next(spoken) if q.file is None else images[row_of[q.file]] for q in asked])  # (Q, K, D)
    cosines = np.stack([vectors[:, k] @ images[:, k].T for k in range(encoder.folds)], axis=2)
    grades = np.zeros((len(asked), len(records)), np.int8)
    for row, question in enumerate(asked):
        grades[row, [row_of[file] for file in question.relevant]] = RELEVANT
        if question.file is not None:
            cosines[row, row_of[question.file]] = -1.0
    known = [facets(question.about.metadata) for question in asked]
    strata = {key: [found[key] for found in known] for key in known[0]}
    strata |= {"language": [q.language for q in asked], "kind": [TEXT if q.file is None else PICTURE for q in asked]}
    groups = [q.about.group or f"caption {caption_key(q.text)}" for q in asked]
    return Trials(name, [q.text for q in asked], groups, strata, list(records), cosines, grades)


def _image_vectors(encoder: DualEncoder, records: Sequence[Record]) -> NDArray[np.float32]:
    parts = []
    for start in tqdm(range(0, len(records), _BATCH), desc="images", unit="batch", file=sys.stderr, disable=None):
        pictures = [read_image(record.path) for record in records[start : start + _BATCH]]
        parts.append(encoder.encode_images(pictures))
    return np.concatenate(parts)
