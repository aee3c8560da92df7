"""ent: image → image. The bundle's image tower, a vector field integrated by RK4, cosine; no judge.

encode (image tower) → transform (`field.onnx`) → index (exact cosine). A gallery holds the tower's rows, so that the
gallery of a kger bundle serves its ent bundle, too; the field moves them when the gallery is first searched.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..bundle import Bundle
from ..dataset import Record
from ..dataset.duplicates import duplicate_labels
from ..dataset.signatures import read_signatures
from ..encoder import DualEncoder
from ..ensemble import stack_folds
from ..ent.flow import FlowGraph
from ..errors import GalleryError, InvalidInputError
from ..gallery import Gallery
from ..index import ExactIndex
from ..results import Candidate, FusedItem, Query, SearchResult
from ..timing import timed

Floats = NDArray[np.float32]

RAW = "raw"
BONUS_OF = 10  # the majority is that of so many first hits
SPARE = 20  # hits beyond k that may take the place of near-duplicates of the query


@dataclass(frozen=True)
class EntSettings:
    """How an answer is made. `steps`: RK4 steps, 0, 1 or 10, or None for the tower's own vectors.

    `majority_bonus` is added to the cosine of the hits whose class is the most frequent of the first ten, as the
    published code does; 0, the default, leaves it out. `drop_duplicates` leaves out the query's own picture and
    near-duplicates of it; only where the query is a file.
    """

    steps: int | None = 10
    majority_bonus: float = 0.0
    drop_duplicates: bool = True


class EntSystem:
    """Search by picture over one gallery with one ent bundle."""

    def __init__(self, encoder: DualEncoder, flow: FlowGraph, gallery: Gallery) -> None:
        self.encoder, self.flow, self.gallery = encoder, flow, gallery
        self._indexes: dict[tuple[int, str], ExactIndex] = {}

    def search(
        self,
        query: Query,
        *,
        path: Path | None = None,
        k: int = 5,
        where: Sequence[str] = (),
        settings: EntSettings | None = None,
    ) -> SearchResult:
        """The k items most like the query's picture; `path` is its file, where it has one.

        Each candidate's `retrieval_rank` in the ranking is its place by the tower's own cosine, `retrieval_part` that
        cosine. Raises InvalidInputError for a query without a picture or k < 1; FilterError for a bad filter.
        """
        if query.image is None or k < 1:
            raise InvalidInputError(f"k = {k}, image {query.image_name!r}; --system ent needs an --image and k ≥ 1")
        settings = settings or EntSettings()
        timings: dict[str, float] = {}
        with timed(timings, "encode"):
            raw = stack_folds(self.encoder.encode_images([query.image]))
        with timed(timings, "flow"):
            row = raw if settings.steps is None else self.flow.transform(raw, settings.steps)
            index = self._index(RAW if settings.steps is None else f"step_{settings.steps}")
        allowed = self.gallery.allowed_ids(where)
        with timed(timings, "search"):
            hits = index.search(row, k + SPARE, allowed)
            ids, scores = hits.ids[0], hits.similarities[0].astype(np.float64)
        notes: list[str] = []
        with timed(timings, "duplicates"):
            if settings.drop_duplicates and path is not None:
                ids, scores, copies = self._without_copies(path, ids, scores, k)
                if copies:
                    notes.append(
                        f"{len(copies)} of the nearest show the query's own picture or a near-duplicate of it: left out"
                    )
                    allowed = np.setdiff1d(self._among(allowed), copies)
        ids, scores = self._with_bonus(ids, scores, settings.majority_bonus, notes)
        ids, scores = ids[:k], scores[:k]
        return SearchResult(
            query=query,
            mode=RAW if settings.steps is None else f"flow, {settings.steps} RK4 steps",
            candidates=self._candidates(ids, scores),
            judge=None,
            judgements=(),
            ranking=self._ranking(raw[0], ids, scores, self._among(allowed)),
            timings_ms=timings,
            notes=tuple(notes),
        )

    def at(self, rows: Floats, t: float) -> Floats:
        """(N, D) rows of the tower → (N, D) unit rows at time t of the ten-step flow, 0 to 1, to the next tenth."""
        if not 0 <= t <= 1:
            raise InvalidInputError(f"t = {t}; expected 0 to 1")
        moved: Floats = self.flow.path(rows)[:, round(10 * t)]
        return moved

    def _index(self, space: str) -> ExactIndex:
        key = (self.gallery.generation, space)
        if key not in self._indexes:
            ids, rows = self.gallery.matrix()
            if not len(ids):
                raise GalleryError(
                    f"{self.gallery.folder}: the gallery is empty; fill it with "
                    f"`python -m runtime index DATA --gallery {self.gallery.folder} --bundle BUNDLE`"
                )
            moved = rows if space == RAW else self.flow.transform(rows, int(space.removeprefix("step_")))
            self._indexes = {k: v for k, v in self._indexes.items() if k[0] == key[0]} | {key: ExactIndex(ids, moved)}
        return self._indexes[key]

    def _without_copies(
        self, path: Path, ids: NDArray[np.int64], scores: NDArray[np.float64], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], list[int]]:
        # the hits are looked at from the best on, until enough of them are other pictures
        kept: list[int] = []
        dropped: list[int] = []
        for first in range(0, len(ids), k):
            part = range(first, min(first + k, len(ids)))
            copies = self._copies(path, [int(ids[i]) for i in part])
            dropped += [int(ids[i]) for i, copy in zip(part, copies, strict=True) if copy]
            kept += [i for i, copy in zip(part, copies, strict=True) if not copy]
            if len(kept) >= max(k, BONUS_OF):
                break
        return ids[kept], scores[kept], dropped

    def _copies(self, path: Path, ids: Sequence[int]) -> list[bool]:
        files = [path, *(Path(item.path) for item in self.gallery.items(ids))]
        records = [Record(str(i), file) for i, file in enumerate(files)]
        labels = duplicate_labels(read_signatures(records))
        return [label == 0 for label in labels[1:]]

    def _with_bonus(
        self, ids: NDArray[np.int64], scores: NDArray[np.float64], bonus: float, notes: list[str]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        classes = [item.metadata.get("class") for item in self.gallery.items([int(i) for i in ids])] if bonus else []
        counted = Counter(str(name) for name in classes[:BONUS_OF] if name is not None)
        if not counted:
            return ids, scores
        majority, count = counted.most_common(1)[0]
        scores = scores + bonus * np.array([name == majority for name in classes])
        order = np.lexsort((ids, -scores))
        notes.append(f"majority bonus {bonus:g} for {majority}, {count} of the first {min(BONUS_OF, len(ids))}")
        return ids[order], scores[order]

    def _candidates(self, ids: NDArray[np.int64], scores: NDArray[np.float64]) -> tuple[Candidate, ...]:
        items = self.gallery.items([int(i) for i in ids])
        return tuple(
            Candidate(item.id, rank, item.path, item.caption, item.metadata, float(score), (), ())
            for rank, (item, score) in enumerate(zip(items, scores, strict=True), start=1)
        )

    def _among(self, allowed: NDArray[np.int64] | None) -> NDArray[np.int64]:
        return self._index(RAW).ids if allowed is None else allowed

    def _ranking(
        self, raw: Floats, ids: NDArray[np.int64], scores: NDArray[np.float64], among: NDArray[np.int64]
    ) -> tuple[FusedItem, ...]:
        # the place before: by the tower's cosine, among all that might have been found
        index = self._index(RAW)
        cosines = index.vectors @ raw
        rivals = cosines[np.isin(index.ids, among)]
        places = []
        for rank, (item, score) in enumerate(zip(ids, scores, strict=True), start=1):
            own = cosines[np.searchsorted(index.ids, item)]
            before = int(np.sum(rivals > own)) + 1
            places.append(
                FusedItem(
                    item_id=int(item),
                    rank=rank,
                    score=float(score),
                    retrieval_rank=before,
                    retrieval_part=float(own),
                    judge_part=0.0,
                    judge_score=None,
                    rank_change=before - rank,
                )
            )
        return tuple(places)


def open_ent(bundle: Path, gallery: Path, *, threads: int | None = None, provider: str = "auto") -> EntSystem:
    """The system on an ent bundle and a gallery, which that bundle or the one its tower comes from has made.

    Raises BundleError for another system's bundle, GalleryError for another tower's gallery.
    """
    opened = Bundle.open(bundle)
    flow = FlowGraph.of(opened, threads=threads, provider=provider)
    encoder = DualEncoder(opened, threads=threads, provider=provider)
    store = Gallery.open(gallery)
    own = {opened.manifest.fingerprint, opened.manifest.training.get("tower", {}).get("fingerprint")}
    if store.info.fingerprint not in own:
        store.close()
        raise GalleryError(
            f"{gallery}: made by another image tower (bundle {store.info.fingerprint[:12]}); "
            f"make one with `python -m runtime index DATA --gallery GALLERY --bundle {bundle}`"
        )
    return EntSystem(encoder, flow, store)
