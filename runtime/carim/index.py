"""The scenes' elements as arrays, and their exact score against a query.

Each different element is compared with the query's tokens once (`product`); the scenes then gather its similarities.
The gathering goes by places: the first element of every scene, the second of every scene, and so on, so that each step
is one long maximum. 14 500 scenes of 32 elements, 12 tokens, one thread of two: 28 ms where all 464 000 elements
differ, 2 ms where they are the 900 of the phantom drive.
"""

from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..errors import GalleryError, InvalidInputError
from ..gallery.cache import cache_path, read_cache, write_cache
from ..gallery.term_file import TermArrays, pack_terms, terms_identity, unpack_terms
from .product import product

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

STEM = "elements"
COLUMNS = 16  # tokens a product: with more onnxruntime copies the elements first, and takes four times as long
GATHERED_SHARE = 0.25  # a subset with fewer of the elements is copied out; with more, scoring all is as fast


class ElementIndex:
    """N scenes (or frames) and the elements of each; never changed after it was made, safe to share by threads.

    `vectors` (U, D) float32: the different elements. `ids` (E,) int32: its rows, scene after scene. `offsets` (N + 1,)
    int64: scene n has ids[offsets[n]:offsets[n + 1]], at least one. `items` (N,) int64, ascending: the scenes' ids.
    `groups` (N,) int32: equal for frames of one scene.
    """

    def __init__(self, arrays: TermArrays, *, threads: int | None = None) -> None:
        self.arrays = arrays
        self.vectors, self.ids, self.offsets = arrays.vectors, arrays.refs, arrays.offsets
        self.items, self.groups, self.terms = arrays.items, arrays.groups, arrays.ids
        self.threads = threads
        self._order, self._places = _by_place(self.offsets, self.ids)

    @classmethod
    def build(
        cls,
        vectors: Floats,
        ids: NDArray[np.integer],
        offsets: NDArray[np.integer],
        *,
        items: NDArray[np.integer] | None = None,
        groups: NDArray[np.integer] | None = None,
        threads: int | None = None,
    ) -> Self:
        """The index of these arrays; `items` and `groups`, where not given, number the scenes from 0.

        Raises InvalidInputError where they do not fit together.
        """
        count = len(offsets) - 1
        arrays = TermArrays(
            items=np.array(np.arange(count) if items is None else items, "<i8"),
            groups=np.array(np.arange(count) if groups is None else groups, "<i4"),
            offsets=np.array(offsets, "<i8"),
            refs=np.array(ids, "<i4"),
            ids=np.arange(1, len(vectors) + 1, dtype="<i8"),
            vectors=np.ascontiguousarray(vectors, "<f4"),
        )
        _check(arrays)
        return cls(arrays, threads=threads)

    @property
    def dims(self) -> int:
        """D, the length of an element's vector."""
        return int(self.vectors.shape[1])

    @property
    def memory_mb(self) -> float:
        """Bytes of all arrays, mapped ones too, in units of 10^6."""
        own = self._order.nbytes + sum(place.nbytes for place in self._places)
        return (self.arrays.nbytes + own) / 1e6

    def __len__(self) -> int:
        return len(self.items)

    def save(self, folder: Path) -> None:
        """Writes the index as one checksummed file in `folder`, whole or not at all; GalleryError where it cannot."""
        path = cache_path(folder, STEM, 0)
        if not write_cache(path, _identity(), pack_terms(self.arrays)):
            raise GalleryError(f"{path}: the index cannot be written; check the folder's permissions and free space")

    @classmethod
    def open(cls, folder: Path, *, threads: int | None = None) -> Self:
        """The index that `save` wrote, mapped into memory read-only after its SHA-256 was checked.

        Raises GalleryError where there is none, or where it is damaged or of another version.
        """
        payload = read_cache(cache_path(folder, STEM, 0), _identity())
        if payload is None:
            raise GalleryError(f"{folder}: no sound index of elements here; write it again with ElementIndex.save")
        return cls(unpack_terms(payload), threads=threads)

    def scores(self, tokens: Floats, allowed: NDArray[np.integer] | None = None) -> Floats:
        """Exact scores (N,) float32 of every scene for a query's tokens (T, D); -inf where `allowed` ids leave it out.

        Equal to `runtime.carim.maxsim.maxsim` to 1e-6. Raises InvalidInputError for tokens of another shape, none of
        them, or values that are not finite.
        """
        tokens = checked_tokens(tokens, self.dims)
        rows = None if allowed is None else np.flatnonzero(np.isin(self.items, allowed))
        if rows is None:
            return self._all_scores(tokens)
        scores: Floats = np.full(len(self), -np.inf, np.float32)
        if rows.size:
            few = np.diff(self.offsets)[rows].sum() < GATHERED_SHARE * len(self.vectors)
            scores[rows] = self.scores_of(tokens, rows) if few else self._all_scores(tokens)[rows]
        return scores

    def scores_of(self, tokens: Floats, rows: Ints) -> Floats:
        """Exact scores (M,) float32 of some scenes by their row numbers, reading only the elements of those."""
        counts = self.offsets[rows + 1] - self.offsets[rows]
        starts = np.concatenate(([0], np.cumsum(counts)))
        different, where = np.unique(self.ids[ranges(self.offsets[rows], counts)], return_inverse=True)
        similarities = product(self.vectors[different], tokens, threads=self.threads)  # (U', T)
        best = np.maximum.reduceat(similarities[where], starts[:-1], axis=0)  # (M, T)
        return _mean(best)

    def nearest(self, queries: Floats) -> tuple[Ints, Floats]:
        """For each row of `queries` (Q, D) the row number (Q,) of the element nearest to it, and their product (Q,)."""
        best = np.full(len(queries), -np.inf, np.float32)
        rows = np.zeros(len(queries), np.int64)
        for first in range(0, len(queries), COLUMNS):
            part = slice(first, first + COLUMNS)
            similarities = product(self.vectors, queries[part], threads=self.threads).T
            rows[part] = similarities.argmax(axis=1)
            best[part] = similarities[np.arange(len(similarities)), rows[part]]
        return rows, best

    def _all_scores(self, tokens: Floats) -> Floats:
        scores = np.zeros(len(self), np.float64)
        for first in range(0, len(tokens), COLUMNS):
            similarities = product(self.vectors, tokens[first : first + COLUMNS], threads=self.threads)  # (U, T)
            best = similarities[self._places[0]]  # (N, T), scenes in the order of `_order`
            gathered = np.empty_like(best)
            for place in self._places[1:]:
                part = gathered[: len(place)]
                # "clip" lets NumPy write into `part` without a copy of its own; every row number is valid
                np.take(similarities, place, axis=0, out=part, mode="clip")
                np.maximum(best[: len(place)], part, out=best[: len(place)])
            scores[self._order] += best.sum(axis=1, dtype=np.float64)
        return (scores / len(tokens)).astype(np.float32)


def checked_tokens(tokens: Floats, dims: int) -> Floats:
    """The tokens as contiguous (T, dims) float32, T ≥ 1, finite; else InvalidInputError."""
    if tokens.ndim != 2 or tokens.shape[1] != dims or not len(tokens):
        raise InvalidInputError(f"the query's tokens have shape {tokens.shape}; this index expects (T, {dims}), T ≥ 1")
    if not np.isfinite(tokens).all():
        raise InvalidInputError("a token's vector holds NaN or infinity; check the bundle: python -m runtime verify")
    return np.ascontiguousarray(tokens, np.float32)


def ranges(starts: Ints, counts: Ints) -> Ints:
    """The numbers starts[i] … starts[i] + counts[i] − 1 of every i, one range after another."""
    ends = np.cumsum(counts)
    numbers: Ints = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - counts), counts)
    return numbers


def _mean(best: Floats) -> Floats:
    scores: Floats = best.mean(axis=1, dtype=np.float64).astype(np.float32)
    return scores


def _by_place(offsets: Ints, ids: NDArray[np.int32]) -> tuple[Ints, list[NDArray[np.int32]]]:
    """Scenes with more elements first: their order (N,), and for each place the elements that stand there.

    Place j has as many entries as scenes have more than j elements: the first so many of the order.
    """
    counts = np.diff(offsets)
    order = np.argsort(-counts, kind="stable")
    starts, lengths = offsets[:-1][order], counts[order]
    longest = int(lengths[0]) if len(lengths) else 0
    reach = np.searchsorted(-lengths, -np.arange(longest), side="left")  # (longest,): scenes with more than j
    return order, [np.ascontiguousarray(ids[starts[:n] + j]) for j, n in enumerate(reach)]


def _check(arrays: TermArrays) -> None:
    offsets, refs = arrays.offsets, arrays.refs
    if arrays.vectors.ndim != 2 or not np.isfinite(arrays.vectors).all():
        raise InvalidInputError(f"element vectors of shape {arrays.vectors.shape}; expected (U, D), all finite")
    if not len(offsets) or offsets[0] != 0 or offsets[-1] != len(refs) or (np.diff(offsets) < 1).any():
        raise InvalidInputError(f"offsets of {len(refs)} elements; expected 0, then rising by 1 or more to {len(refs)}")
    if len(refs) and (refs.min() < 0 or refs.max() >= len(arrays.vectors)):
        raise InvalidInputError(f"an element's row is not among the {len(arrays.vectors)} vectors")
    if not len(arrays.items) == len(arrays.groups) == len(offsets) - 1 or (np.diff(arrays.items) <= 0).any():
        raise InvalidInputError("expected one id, ascending, and one group for every scene")


def _identity() -> str:
    return terms_identity(STEM, 0)
