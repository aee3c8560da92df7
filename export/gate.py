"""The gate in front of int8: held-out queries decide whether integer arithmetic may replace fp32.

A query is one (caption, image) pair. Two ranks are taken of it: that of the first relevant image (the project's
MRR and R@1), and that of the pair's own image among the images that are wrong for it, since the first lets one
good image answer for many. For each of MRR and R@1 of both, the difference int8 − fp32 is bootstrapped in
pairs; pairs with the same text are drawn together, as they are one question. int8 passes where the one-sided
95 % bound of every measure, the 5th percentile of its resampled mean difference, is at least −0.01: not worse by one
point at 95 % confidence.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.dataset import Dataset
from runtime.ensemble import stack_folds
from runtime.errors import InvalidInputError
from runtime.files import sha256_file
from runtime.images import RgbImage, read_image
from runtime.metrics import first_relevant_rank
from train.pairs import Pairs, make_pairs

from .certificate import Floats, top_agreement

Ints = NDArray[np.int64]

MIN_QUERIES = 5000
MAX_GALLERY = 2000
LIMIT = 0.01  # of MRR and of R@1: one point
RESAMPLES = 2000
_BLOCK = 1000  # queries whose relevance exists at a time
_PHANTOMS = "python -m assets.phantoms gate --images 2000 --seed 99"


@dataclass(frozen=True, eq=False)
class Queries:
    """Q (caption, image) pairs over a gallery of N images.

    `gallery` (N,) are positions in the data set's records, `text` and `own` (Q,) int64 are each query's text (in
    `pairs.texts`) and column; `held_out` says that training has seen none of these images.
    """

    dataset: Dataset
    pairs: Pairs
    gallery: Ints
    text: Ints
    own: Ints
    held_out: bool

    @property
    def texts(self) -> list[str]:
        """The distinct texts (T,), in the order of `distinct`."""
        return [self.pairs.texts[i] for i in self.distinct[0]]

    @cached_property
    def distinct(self) -> tuple[Ints, Ints]:
        """The distinct texts' positions (T,), and for each query its row among them (Q,)."""
        positions, rows = np.unique(self.text, return_inverse=True)
        return positions, rows

    def images(self, batch: int) -> Iterator[list[RgbImage]]:
        """The gallery's pictures, a few at a time."""
        for first in range(0, len(self.gallery), batch):
            yield [read_image(self.dataset.records[i].path) for i in self.gallery[first : first + batch]]

    def relevant(self, rows: slice) -> NDArray[np.bool_]:
        """(B, N) bool for some queries: images with an equal caption, or alike in the positive columns."""
        look = self.pairs.look[self.gallery]
        relevant: NDArray[np.bool_] = self._bears[self.pairs.meaning[self.text[rows]]]
        return relevant | (look[self.own[rows]][:, None] == look)

    @cached_property
    def _bears(self) -> NDArray[np.bool_]:
        # (meanings, N): which image bears a caption of which meaning
        bears = np.zeros((int(self.pairs.meaning.max()) + 1, len(self.dataset.records)), bool)
        bears[self.pairs.meaning[self.pairs.text], self.pairs.image] = True
        return bears[:, self.gallery]


def draw_queries(
    dataset: Dataset,
    *,
    languages: tuple[str, ...],
    positive_columns: tuple[str, ...],
    seen: Dataset,
    minimum: int = MIN_QUERIES,
    seed: int = 0,
) -> Queries:
    """All pairs of at most 2 000 of `dataset`'s images, chosen by `seed`.

    `seen` is what the run was trained on: queries are held out where no file of the gallery is among its files, by
    content. Raises InvalidInputError for fewer than `minimum` pairs.
    """
    known = {key for record in dataset.records for key in record.metadata}
    columns = positive_columns if known.issuperset(positive_columns) else ()
    pairs = make_pairs(dataset, np.arange(len(dataset.records)), languages=languages, positive_columns=columns)
    captioned = np.unique(pairs.image)
    gallery = np.sort(np.random.default_rng(seed).permutation(captioned)[:MAX_GALLERY])
    rows = pairs.of_images(gallery)
    if len(rows) < minimum:
        raise InvalidInputError(
            f"{dataset.root}: {len(rows)} queries (pairs of caption and image); the int8 gate asks for {minimum}. Draw "
            f"phantoms of new patients with `{_PHANTOMS}` and give --gate gate, or lower it with --gate-queries N"
        )
    before = {sha256_file(record.path) for record in seen.records}
    held_out = not any(sha256_file(dataset.records[i].path) in before for i in gallery)
    return Queries(dataset, pairs, gallery, pairs.text[rows], np.searchsorted(gallery, pairs.image[rows]), held_out)


@dataclass(frozen=True, eq=False)
class Ranks:
    """Two ranks (Q,) int64 a query: of the first relevant image, and of its own image among the wrong ones."""

    first_relevant: Ints
    own_image: Ints


def rank(queries: Queries, texts: Floats, images: Floats) -> Ranks:
    """Ranks by the ensemble's cosine; texts (T, K, D) in the order of `queries.texts`, images (N, K, D)."""
    similarities = stack_folds(texts) @ stack_folds(images).T
    rows, first, own = queries.distinct[1], [], []
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        scores, relevant = similarities[rows[block]], queries.relevant(block)
        first.append(first_relevant_rank(scores, relevant))
        target = np.take_along_axis(scores, queries.own[block][:, None], axis=1)
        own.append(1 + np.sum((scores >= target) & ~relevant, axis=1, dtype=np.int64))
    return Ranks(np.concatenate(first), np.concatenate(own))


def compare(queries: Queries, exact: tuple[Floats, Floats], ours: tuple[Floats, Floats]) -> dict[str, Any]:
    """MRR and R@1 of both, their differences with bounds, top-5 overlap, and whether `ours` passes.

    `exact` and `ours` are (texts, images), each (·, K, D).
    """
    before, after = rank(queries, *exact), rank(queries, *ours)
    measures = {}
    for kind in ("first_relevant", "own_image"):
        ranks = getattr(before, kind), getattr(after, kind)
        for name, value in (("mrr", _reciprocal), ("r1", _at_one)):
            fp32, int8 = (value(r) for r in ranks)
            measures[f"{kind}_{name}"] = {
                "fp32": float(fp32.mean()),
                "int8": float(int8.mean()),
                "difference": float((int8 - fp32).mean()),
                "bounds95": list(bootstrap_bounds(int8 - fp32, queries.distinct[1])),
            }
    similarities = [stack_folds(texts) @ stack_folds(images).T for texts, images in (ours, exact)]
    passed = all(entry["bounds95"][0] >= -LIMIT for entry in measures.values())
    return {"passed": passed, **measures, "top5_overlap": top_agreement(*similarities)}


def bootstrap_bounds(
    differences: NDArray[np.float64], questions: Ints, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float]:
    """5th and 95th percentile of the mean of `differences` (Q,) over resampled `questions` (Q,).

    Each is a one-sided 95 % bound. Rows of one question are drawn together; a mean weighs every drawn row the same.
    """
    counts = np.bincount(questions).astype(np.float64)
    sums = np.bincount(questions, weights=differences)
    n = len(counts)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)  # (resamples, questions)
    low, high = np.percentile((drawn @ sums) / (drawn @ counts), [5, 95])
    return float(low), float(high)


def _reciprocal(ranks: Ints) -> NDArray[np.float64]:
    return 1 / ranks


def _at_one(ranks: Ints) -> NDArray[np.float64]:
    return (ranks == 1).astype(np.float64)
