"""A data set as index arrays: which text goes with which image, and which pairs mean the same."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.dataset import Dataset, caption_key
from runtime.dataset.records import captions_of
from runtime.errors import DatasetError

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pairs:
    """P (text, image) pairs over T distinct texts and N images.

    `text`, `image` (P,) index `texts` and the data set's records; `meaning` (T,) int64 is equal for texts that
    are the same caption; `look` (N,) int64 is equal for images that are copies, or alike in the chosen
    metadata columns.
    """

    texts: tuple[str, ...]
    language: tuple[str, ...]
    text: Ints
    image: Ints
    meaning: Ints
    look: Ints

    def positives(self, rows: Ints) -> NDArray[np.bool_]:
        """(B, B) bool: pairs whose text and image may be exchanged without becoming wrong."""
        meaning, look = self.meaning[self.text[rows]], self.look[self.image[rows]]
        return (meaning[:, None] == meaning) | (look[:, None] == look)

    def of_images(self, images: Ints, language: str | None = None) -> Ints:
        """The pairs (P',) of the given images, in one language or in all."""
        keep = np.isin(self.image, images)
        if language is not None:
            keep &= np.array(self.language)[self.text] == language
        return np.flatnonzero(keep)

    def relevance(self, texts: Ints, images: Ints) -> NDArray[np.bool_]:
        """(len(texts), len(images)) bool: the image bears an equal caption."""
        meaning_of_pair = self.meaning[self.text]
        relevant = np.zeros((len(texts), len(images)), bool)
        column = {int(image): j for j, image in enumerate(images)}
        for i, text in enumerate(texts):
            for image in self.image[meaning_of_pair == self.meaning[text]]:
                if int(image) in column:
                    relevant[i, column[int(image)]] = True
        return relevant


def make_pairs(
    dataset: Dataset, duplicate_groups: Ints, *, languages: tuple[str, ...], positive_columns: tuple[str, ...] = ()
) -> Pairs:
    """All (caption, image) pairs of `dataset` in the given languages ("en", "vi").

    `duplicate_groups` (N,) is equal for copies of one picture. Raises DatasetError where no image has a caption,
    or a positive column is unknown.
    """
    index: dict[tuple[str, str], int] = {}
    text, image = [], []
    for i, record in enumerate(dataset.records):
        for language in languages:
            for caption in captions_of(record, language):
                text.append(index.setdefault((caption, language), len(index)))
                image.append(i)
    if not text:
        raise DatasetError(f"{dataset.root}: no image has a caption; training needs (caption, image) pairs")
    texts = tuple(caption for caption, _ in index)
    _, meaning = np.unique([caption_key(caption) for caption in texts], return_inverse=True)
    look = np.asarray(duplicate_groups, np.int64)
    if positive_columns:
        look = _alike(dataset, positive_columns)
    return Pairs(
        texts=texts,
        language=tuple(language for _, language in index),
        text=np.array(text, np.int64),
        image=np.array(image, np.int64),
        meaning=meaning.astype(np.int64),
        look=look,
    )


def _alike(dataset: Dataset, columns: tuple[str, ...]) -> Ints:
    known = {key for record in dataset.records for key in record.metadata}
    unknown = [column for column in columns if column not in known]
    if unknown:
        raise DatasetError(f"{dataset.root}: no column {unknown[0]!r}; known: {', '.join(sorted(known))}")
    keys = [repr([record.metadata.get(column) for column in columns]) for record in dataset.records]
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)
