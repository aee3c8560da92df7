"""Two stages for large sets: every scene by the centroids near its elements, the best of them exactly.

The first stage is PLAID's centroid interaction (Santhanam et al., 2022): each element is replaced by the nearest of K
centroids, so that a query is compared with K rows instead of all, and scenes gather their centroids' similarities as
they would their elements'. A graph over the elements (HNSW, 256 nearest a token) is measured beside it: it knows
nothing of the elements that it did not return, which where hundreds are near copies of "night" are most of those that
count. Among 464 000 different elements it finds .95 of the five best scenes in 26 ms, this .97 in 8, and it takes ten
times as long to build and some 400 MB more (`python -m benchmarks carim --parts latency`).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInputError
from ..gallery.cache import cache_path, read_cache, remove_older, write_cache
from .centroids import ROUNDS, SAMPLE, assign, fit_centroids
from .index import ElementIndex, checked_tokens, ranges

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

STEM = "centroids"
LEAST, SHARE = 640, 24
FRAMES = 4  # frames of one scene among the candidates: those of a film are much alike
PROBED = 16  # centroids whose elements are looked at for one word's nearest
CHUNK = 128  # scenes scored at a time: 32 elements of each, 4 MB, stay near the processor


@dataclass(frozen=True)
class TwoStageSettings:
    """`centroids`: K. `candidates`: at most so many frames are scored exactly; None: `wanted_of` by the set's size."""

    centroids: int = 2048
    candidates: int | None = None

    def __post_init__(self) -> None:
        if self.centroids < 1 or (self.candidates is not None and self.candidates < 1):
            raise InvalidInputError(f"{self}; expected 1 or more of each")

    def wanted_of(self, frames: int) -> int:
        """How many of a set's frames are scored exactly: `LEAST`, or the `SHARE`-th part where that is more."""
        return max(LEAST, frames // SHARE) if self.candidates is None else self.candidates


@dataclass(frozen=True, eq=False)
class Found:
    """Rows (M,) of the index, best first, one a group, ties by row, and their exact scores (M,) float32."""

    rows: Ints
    scores: Floats


class TwoStage:
    """Search over one ElementIndex; safe to call from several threads.

    `centroids` (K, D) float32, `codes` (U,) int32: the centroid of each of the index's vectors.
    """

    def __init__(
        self,
        index: ElementIndex,
        centroids: Floats,
        codes: NDArray[np.int32],
        settings: TwoStageSettings | None = None,
    ) -> None:
        self.index = index
        self.settings = settings or TwoStageSettings()
        self.coarse = ElementIndex.build(
            centroids, codes[index.ids], index.offsets, items=index.items, groups=index.groups, threads=index.threads
        )
        self._members = np.argsort(codes, kind="stable")  # elements, centroid after centroid
        self._first = np.searchsorted(codes[self._members], np.arange(len(centroids) + 1))

    @classmethod
    def build(cls, index: ElementIndex, settings: TwoStageSettings | None = None) -> "TwoStage":
        """With centroids made here, kept nowhere."""
        settings = settings or TwoStageSettings()
        return cls(index, *_made(index, settings), settings)

    @classmethod
    def open(
        cls, index: ElementIndex, folder: Path, generation: int, stamp: str, settings: TwoStageSettings | None = None
    ) -> "TwoStage":
        """With the centroids of a gallery's generation from their cache in `folder`, else made and cached there."""
        settings = settings or TwoStageSettings()
        path = cache_path(folder, STEM, generation)
        identity = f"{STEM} {stamp} {index.vectors.shape} {settings.centroids} {SAMPLE} {ROUNDS}"
        payload = read_cache(path, identity)
        if payload is None:
            centroids, codes = _made(index, settings)
            if write_cache(path, identity, [centroids.data, codes.data]):
                remove_older(folder, STEM, generation)
            return cls(index, centroids, codes, settings)
        count = len(payload) // 4 - len(index.vectors)  # numbers of the centroids; the codes stand behind them
        centroids = np.frombuffer(payload, "<f4", count).reshape(-1, index.dims)
        return cls(index, centroids, np.frombuffer(payload, "<i4", offset=4 * count), settings)

    @property
    def memory_mb(self) -> float:
        """Bytes of both stages' arrays, in units of 10^6."""
        return self.index.memory_mb + self.coarse.memory_mb + (self._members.nbytes + self._first.nbytes) / 1e6

    def search(self, tokens: Floats, k: int, allowed: NDArray[np.integer] | None = None) -> Found:
        """The k best scenes, with at most one item of each group, for a query's tokens (T, D).

        Raises InvalidInputError for k < 1 and for what `ElementIndex.scores` refuses.
        """
        if k < 1:
            raise InvalidInputError(f"k is {k}; expected 1 or more")
        tokens = checked_tokens(tokens, self.index.dims)
        estimates = self.coarse.scores(tokens, allowed)
        rows = self._candidates(estimates, k)
        scores = np.full(len(rows), -np.inf, np.float32)
        # all of them: a stop by how far estimates were off so far lost a scene in 50, since those that are scored first
        # are the ones whose estimates were too high
        for first in range(0, len(rows), CHUNK):
            part = slice(first, first + CHUNK)
            scores[part] = self.index.scores_of(tokens, rows[part])
        return best_of_groups(self.index, rows, scores, k)

    def nearest(self, queries: Floats) -> tuple[Ints, Floats]:
        """As `ElementIndex.nearest`, among the elements of each row's `PROBED` best centroids."""
        rows, best = np.zeros(len(queries), np.int64), np.zeros(len(queries), np.float32)
        for place, query in enumerate(queries):
            probed = best_rows(self.coarse.vectors @ query, PROBED)
            members = self._members[ranges(self._first[probed], self._first[probed + 1] - self._first[probed])]
            similarities = self.index.vectors[members] @ query
            at = int(similarities.argmax())
            rows[place], best[place] = members[at], similarities[at]
        return rows, best

    def _candidates(self, estimates: Floats, k: int) -> Ints:
        """Rows of the highest estimates (N,), the highest first, at most FRAMES of a group; -inf is left out."""
        wanted, groups = self.settings.wanted_of(len(estimates)), self.index.groups
        count = int(groups.max(initial=-1)) + 1
        if count == len(groups):
            return best_rows(estimates, max(k, wanted))
        wanted = max(k * FRAMES, wanted)  # k scenes, even where each has as many frames among them as it may
        best = np.full(count, -np.inf, np.float32)
        np.maximum.at(best, groups, estimates)
        chosen = np.zeros(count, bool)
        chosen[best_rows(best, wanted)] = True
        rows = np.flatnonzero(chosen[groups] & (estimates > -np.inf))
        rows = rows[np.lexsort((rows, -estimates[rows], groups[rows]))]  # group by group, its highest first
        _, starts, counts = np.unique(groups[rows], return_index=True, return_counts=True)
        place = np.arange(len(rows)) - np.repeat(starts, counts)
        rows = rows[place < FRAMES]
        return rows[np.lexsort((rows, -estimates[rows]))][:wanted]


def best_rows(scores: Floats, count: int) -> Ints:
    """The `count` highest of scores (N,), the highest first, ties by row; -inf is left out."""
    if count < len(scores):
        rows = np.argpartition(scores, len(scores) - count)[len(scores) - count :]
    else:
        rows = np.arange(len(scores))
    rows = rows[scores[rows] > -np.inf]
    return rows[np.lexsort((rows, -scores[rows]))]


def best_scenes(index: ElementIndex, scores: Floats, k: int) -> Found:
    """The k best of all scores (N,), the best of each group only, ties by row; -inf is left out."""
    best = np.full(int(index.groups.max(initial=-1)) + 1, -np.inf, np.float32)
    np.maximum.at(best, index.groups, scores)
    rows = np.arange(len(scores))
    if k < len(best):
        rows = np.flatnonzero(scores >= np.partition(best, len(best) - k)[len(best) - k])
    return best_of_groups(index, rows, scores[rows], k)


def best_of_groups(index: ElementIndex, rows: Ints, scores: Floats, k: int) -> Found:
    """The k best of some rows by their scores (M,), the best of each group only, ties by row; -inf is left out."""
    order = np.lexsort((rows, -scores))
    order = order[scores[order] > -np.inf]
    _, first = np.unique(index.groups[rows[order]], return_index=True)
    kept = order[np.sort(first)[:k]]
    return Found(rows[kept], scores[kept])


def _made(index: ElementIndex, settings: TwoStageSettings) -> tuple[Floats, NDArray[np.int32]]:
    centroids = fit_centroids(index.vectors, settings.centroids, threads=index.threads)
    return centroids, assign(index.vectors, centroids, threads=index.threads)
