"""The carim system: text → driving scene.

encode (a vector a token) → index (late interaction with each frame's caption elements, exact or in two stages) →
frames to scenes (the best frame stands for its scene) → explain (each element's and word's share of the score).
"""

import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..carim.encoder import CarimEncoder, EncodedQuery, open_carim_encoder
from ..carim.explain import Asked, Explanation, content_words, explain
from ..carim.index import ElementIndex
from ..carim.results import OWN_KEYS, CarimResult, Scene, SceneHit, scene_of
from ..carim.two_stage import Found, TwoStage, TwoStageSettings, best_scenes
from ..errors import GalleryError, GalleryNotFoundError, InvalidInputError
from ..gallery import Gallery, Item
from ..gallery.filters import parse_filter
from ..timing import timed

Ints = NDArray[np.int64]

EXACT_UP_TO = 200_000  # different elements; above, comparing all of them takes longer than encoding the query
FACETS = ("weather", "time_of_day", "location")
FACET_VALUES = 50  # a key with more different values is no choice to offer
SHOWN_VALUES = 12


class CarimSystem:
    """Search over one gallery with one bundle; safe to call from several threads."""

    def __init__(
        self,
        encoder: CarimEncoder,
        gallery: Gallery,
        *,
        threads: int | None = None,
        settings: TwoStageSettings | None = None,
    ) -> None:
        self.encoder, self.gallery = encoder, gallery
        self._threads, self._settings = threads, settings
        self._loaded: tuple[str, ElementIndex] | None = None
        self._two_stage: tuple[str, TwoStage] | None = None
        self._opening = threading.Lock()  # centroids take seconds: first queries at once wait for one fit

    def search(self, text: str, *, k: int = 5, where: Sequence[str] = (), two_stage: bool | None = None) -> CarimResult:
        """The k best scenes for `text` among those with a frame that fulfils every filter, each by its best frame.

        `two_stage` False compares every scene, True scores only the candidates of a first stage exactly, None chooses
        by size (`EXACT_UP_TO`). Raises InvalidInputError for an empty text, k < 1, or where no scene fulfils the
        filters; FilterError for a bad one; GalleryError for an empty gallery.
        """
        if k < 1:
            raise InvalidInputError(f"k = {k}; expected 1 or more")
        timings: dict[str, float] = {}
        with timed(timings, "encode"):
            query = self.encoder.encode_query(text)
        with timed(timings, "open"):
            index, stages = self._index(two_stage)
        with timed(timings, "filter"):
            allowed = self._allowed(where)
        with timed(timings, "search"):
            if stages:
                found = stages.search(query.tokens, k, allowed)
            else:
                found = best_scenes(index, index.scores(query.tokens, allowed), k)
        with timed(timings, "explain"):
            hits = self._hits(query, stages or index, found)
        notes = (f"the query is too long for the model; left out: “{query.cut}”",) if query.cut else ()
        return CarimResult(text, hits, timings, exact=stages is None, notes=notes)

    def browse(self, where: Sequence[str] = (), offset: int = 0, limit: int = 50) -> tuple[tuple[Scene, ...], int]:
        """`limit` scenes from number `offset` on, in the order they were stored, and how many there are in all.

        A scene stands with its first frame that fulfils the filters. No scene at all is no error here.
        """
        if offset < 0 or limit < 1:
            raise InvalidInputError(f"offset = {offset}, limit = {limit}; expected offset ≥ 0 and limit ≥ 1")
        index, _ = self._index(False)
        allowed = self.gallery.allowed_ids(where)
        rows = np.arange(len(index)) if allowed is None else np.flatnonzero(np.isin(index.items, allowed))
        _, first = np.unique(index.groups[rows], return_index=True)
        rows = rows[np.sort(first)]
        items = self.gallery.items(index.items[rows[offset : offset + limit]].tolist())
        return tuple(scene_of(item) for item in items), len(rows)

    def facets(self) -> dict[str, dict[str, int]]:
        """{key: {value: scenes}} for the keys that are a choice, the most frequent value first.

        Weather, time of day and location stand first; a key with more than FACET_VALUES values is left out.
        """
        index, _ = self._index(False)
        counts: dict[str, Counter[str]] = {}
        seen: set[tuple[int, str, str]] = set()
        items = self.gallery.items(index.items.tolist())
        for item, group in zip(items, index.groups.tolist(), strict=True):
            for key, value in item.metadata.items():
                if key in OWN_KEYS or not isinstance(value, str | int | bool):
                    continue
                text = str(value).lower() if isinstance(value, bool) else str(value)
                if (group, key, text) not in seen:
                    seen.add((group, key, text))
                    counts.setdefault(key, Counter())[text] += 1
        order = sorted(counts, key=lambda key: (FACETS.index(key) if key in FACETS else len(FACETS), key))
        return {key: dict(counts[key].most_common()) for key in order if len(counts[key]) <= FACET_VALUES}

    def explain(self, query: EncodedQuery, items: Sequence[Item]) -> list[Explanation]:
        """Why each item scores as it does for the query, with what it lacks of it."""
        index, stages = self._index(None)
        return self._explained(query, items, stages or index)

    def _explained(
        self, query: EncodedQuery, items: Sequence[Item], searched: ElementIndex | TwoStage
    ) -> list[Explanation]:
        index = _index_of(searched)
        asked = self._asked(query, searched)
        rows = np.searchsorted(index.items, [item.id for item in items])
        explained = []
        for row, item in zip(rows, items, strict=True):
            elements = index.vectors[index.ids[index.offsets[row] : index.offsets[row + 1]]]
            explained.append(explain(query, elements, item.metadata["elements"], asked))
        return explained

    def _index(self, two_stage: bool | None) -> tuple[ElementIndex, TwoStage | None]:
        with self._opening:
            return self._opened(two_stage)

    def _opened(self, two_stage: bool | None) -> tuple[ElementIndex, TwoStage | None]:
        terms = self.gallery.terms()
        if self._loaded is None or self._loaded[0] != terms.stamp:
            if not len(terms.arrays.items):
                raise GalleryError(
                    f"{self.gallery.folder}: the gallery holds no scene; fill it with "
                    f"`python -m runtime carim index DATA --gallery {self.gallery.folder} --bundle BUNDLE`"
                )
            self._loaded = (terms.stamp, ElementIndex(terms.arrays, threads=self._threads))
        index = self._loaded[1]
        wanted = len(index.vectors) > EXACT_UP_TO if two_stage is None else two_stage
        if not wanted:
            return index, None
        if self._two_stage is None or self._two_stage[0] != terms.stamp:
            opened = TwoStage.open(index, self.gallery.folder, terms.generation, terms.stamp, self._settings)
            self._two_stage = (terms.stamp, opened)
        stages = self._two_stage[1]
        return stages.index, stages

    def _allowed(self, where: Sequence[str]) -> Ints | None:
        allowed = self.gallery.allowed_ids(where)
        if allowed is None or allowed.size:
            return allowed
        offered = self.facets()
        keys = [key for key in dict.fromkeys(parse_filter(text).key for text in where) if key in offered]
        parts = [f"{key}: {', '.join(self.gallery.distinct_values(key, SHOWN_VALUES))}" for key in keys]
        values = f"; there are {'; '.join(parts)}" if parts else ""
        raise InvalidInputError(f"no scene fulfils {' and '.join(where)}{values}. Leave a filter out or choose another")

    def _asked(self, query: EncodedQuery, searched: ElementIndex | TwoStage) -> Asked | None:
        words, vectors = content_words(query)
        if not words:
            return None
        index = _index_of(searched)
        rows, best = searched.nearest(vectors)
        return Asked(words, vectors, best, tuple(self.gallery.term_texts(index.terms[rows].tolist())))

    def _hits(self, query: EncodedQuery, searched: ElementIndex | TwoStage, found: Found) -> tuple[SceneHit, ...]:
        index = _index_of(searched)
        items = self.gallery.items(index.items[found.rows].tolist())
        explanations = self._explained(query, items, searched)  # not a newer one, which may hold other rows
        return tuple(
            SceneHit.of(scene_of(item), rank, float(score), explanation)
            for rank, (item, score, explanation) in enumerate(
                zip(items, found.scores, explanations, strict=True), start=1
            )
        )


def open_carim(bundle: Path, gallery: Path, *, threads: int | None = None, provider: str = "auto") -> CarimSystem:
    """The system on a bundle's folder and a gallery's folder, which must belong together.

    Raises BundleError for another system's bundle, GalleryError for another bundle's gallery.
    """
    encoder = open_carim_encoder(bundle, threads=threads, provider=provider)
    return CarimSystem(encoder, open_carim_gallery(gallery, encoder.fingerprint), threads=threads)


def open_carim_gallery(folder: Path, fingerprint: str) -> Gallery:
    """The gallery at `folder`, read-only; its errors name this system's command.

    Raises GalleryNotFoundError where there is none, GalleryError where another bundle made it.
    """
    command = f"python -m runtime carim index DATA --gallery {folder} --bundle BUNDLE"
    try:
        gallery = Gallery.open(folder)
    except GalleryNotFoundError as error:
        raise GalleryNotFoundError(f"No gallery at {folder}. Make one: `{command}`.") from error
    if gallery.info.fingerprint != fingerprint:
        made_by = gallery.info.fingerprint
        gallery.close()
        raise GalleryError(
            f"The gallery at {folder} was made by the bundle {made_by[:16]}, not by {fingerprint[:16]}, and vectors of "
            f"two bundles cannot be compared. Re-encode it: `{command} --reencode`."
        )
    return gallery


def _index_of(searched: ElementIndex | TwoStage) -> ElementIndex:
    return searched.index if isinstance(searched, TwoStage) else searched
