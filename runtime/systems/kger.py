"""kger: text, image, or both → image. Ten folds; an optional judge; Pos-Fuse; each fold's vote.

encode (DualEncoder) → index (mean cosine over folds, or the published vote sum) → rerank (a Judge) →
fuse (Pos-Fuse) → explain (each fold's cosine and vote).
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..encoder import DualEncoder, open_encoder
from ..ensemble import fold_cosines, fold_top, stack_folds, vote_sum
from ..errors import GalleryError, InvalidInputError
from ..fusion import FusionSettings, Retrieved, fuse
from ..fusion.tuned import Tuned
from ..gallery import Gallery
from ..index import RECALL, VectorIndex, open_index
from ..judge import Judge
from ..results import Candidate, Judgement, Query, SearchResult
from ..timing import timed
from .deciding import explained, ties_broken, with_confidence

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]

MODES = ("mean", "votes")
VOTES_PER_FOLD = 5  # published: each fold keeps its own top five
POOL = 1000  # above EXACT_VOTES items, votes are counted among this many nearest
EXACT_VOTES = 50_000
CAPTIONS = (100, 300)  # fewest and most captions of stored images that an approximate index is tuned with


class KgerSystem:
    """Search over one gallery with one bundle; safe to call from several threads."""

    def __init__(
        self, encoder: DualEncoder, gallery: Gallery, *, backend: str = "auto", recall: float = RECALL
    ) -> None:
        self.encoder = encoder
        self.gallery = gallery
        self._backend, self._recall = backend, recall
        self._loaded: tuple[int, VectorIndex] | None = None

    def search(
        self,
        query: Query,
        *,
        k: int = 5,
        where: Sequence[str] = (),
        mode: str = "mean",
        judge: Judge | None = None,
        fusion: FusionSettings | Tuned | None = None,
        expand: bool = False,
        tie_margin: float | None = None,
        min_confidence: float | None = None,
        explain: bool = False,
    ) -> SearchResult:
        """The k best items for `query` among those that fulfil every filter in `where`, judged and fused.

        `mode` "mean" ranks by the mean cosine over folds, "votes" by the published top-five vote sum, which
        lists no more items than got a vote. Without a judge the ranking is retrieval's. `expand` searches with the
        ENT paraphrases of the text, too; `tie_margin` lets the judge compare neighbours whose fused scores differ
        by no more; `min_confidence` is the probability below which the answer is "no good match".
        Raises InvalidInputError for an empty query, k < 1, an unknown mode or a tuned fusion that does not belong
        here; FilterError for a bad filter.
        """
        if k < 1 or mode not in MODES:
            raise InvalidInputError(f"k = {k}, mode = {mode!r}; expected k ≥ 1 and a mode of {', '.join(MODES)}")
        timings: dict[str, float] = {}
        with timed(timings, "encode"):
            vector = self.encode(query, expand=expand)
        candidates = self._retrieve(vector, k, where, mode, timings)
        judgements: tuple[Judgement, ...] = ()
        if judge is not None:
            with timed(timings, "judge"):
                judgements = tuple(judge.judge(query, candidates, self.image_bytes))
        result = SearchResult(
            query=query,
            mode=mode,
            candidates=candidates,
            judge=judge.name if judge else None,
            judgements=judgements,
            ranking=(),
            timings_ms=timings,
            cost={
                "judge_calls": float(sum(j.attempts for j in judgements)),
                "input_tokens": float(sum(j.input_tokens for j in judgements)),
                "output_tokens": float(sum(j.output_tokens for j in judgements)),
                "usd": float(sum(j.price_usd or 0.0 for j in judgements)),
            },
        )
        result = self.fuse(result, fusion, min_confidence=min_confidence)
        if tie_margin is not None:
            with timed(result.timings_ms, "tie-break"):
                result = ties_broken(result, judge, self.image_bytes, tie_margin)
            # another item may be first now
            result = with_confidence(result, fusion if isinstance(fusion, Tuned) else None, min_confidence)
        result = replace(result, notes=getattr(judge, "notes", ()))
        return explained(result) if explain else result

    def fuse(
        self,
        result: SearchResult,
        fusion: FusionSettings | Tuned | None = None,
        *,
        min_confidence: float | None = None,
    ) -> SearchResult:
        """`result` with its ranking fused anew; nobody is asked again, and ties that were broken are as fused.

        Raises InvalidInputError where a tuned fusion belongs to another bundle or judge.
        """
        tuned = fusion if isinstance(fusion, Tuned) else None
        if tuned:
            tuned.check_bundle(self.encoder.fingerprint)
            tuned.check_judge(result.judge)
        timings = dict(result.timings_ms)
        with timed(timings, "fuse"):
            retrieved = Retrieved.of(result.candidates)
            settings = fusion.fusion if isinstance(fusion, Tuned) else fusion
            ranking = fuse(retrieved, {j.item_id: j.score for j in result.judgements}, settings)
        fused = replace(result, ranking=tuple(ranking), timings_ms=timings)
        return with_confidence(fused, tuned, min_confidence)

    def encode(self, query: Query, *, expand: bool = False) -> Floats:
        """The query as one stored-form vector (K·D,) float32; text and image together are the mean per fold.

        With `expand` the text is the mean direction of itself and its ENT paraphrases, fold by fold.
        """
        parts = []
        if query.text and query.text.strip():
            parts.append(self._text_folds(query.text, expand))
        if query.image is not None:
            parts.append(self.encoder.encode_images([query.image])[0])
        if not parts:
            raise InvalidInputError("the query is empty; give a text, an image, or both")
        folds = np.sum(parts, axis=0)  # (K, D)
        folds /= np.linalg.norm(folds, axis=1, keepdims=True)
        vector: Floats = stack_folds(folds[None])[0]
        return vector

    def _text_folds(self, text: str, expand: bool) -> Floats:
        """(K, D) unit rows."""
        if not expand:
            return self.encoder.encode_text(text)
        from ..knowledge import load_knowledge  # noqa: PLC0415 - read only where it is asked for

        mean: Floats = self.encoder.encode_texts(load_knowledge().expand(text)).mean(0)
        mean /= np.linalg.norm(mean, axis=1, keepdims=True)
        return mean

    def image_bytes(self, candidate: Candidate) -> bytes:
        """The candidate's encoded picture, as the judge and the app want it."""
        return Path(candidate.path).read_bytes()

    def _index(self) -> VectorIndex:
        generation = self.gallery.generation
        if self._loaded is None or self._loaded[0] != generation:
            index = open_index(self.gallery, backend=self._backend, recall=self._recall, sample=self._caption_queries)
            if not len(index.ids):
                raise GalleryError(
                    f"{self.gallery.folder}: the gallery is empty; fill it with "
                    f"`python -m runtime index DATA --gallery {self.gallery.folder} --bundle BUNDLE`"
                )
            self._loaded = (generation, index)
        return self._loaded[1]

    def _caption_queries(self) -> Floats | None:
        """(Q, K·D) float32: captions of stored images as queries, whose distances to images are real ones."""
        ids = self.gallery.snapshot().ids
        drawn = np.random.default_rng(0).choice(ids, min(len(ids), 4 * CAPTIONS[1]), replace=False)
        captions = [item.caption for item in self.gallery.items(drawn.tolist())]
        texts = [text for text in dict.fromkeys(captions) if text and text.strip()][: CAPTIONS[1]]
        return stack_folds(self.encoder.encode_texts(texts)) if len(texts) >= CAPTIONS[0] else None

    def _retrieve(
        self, vector: Floats, k: int, where: Sequence[str], mode: str, timings: dict[str, float]
    ) -> tuple[Candidate, ...]:
        index = self._index()
        ids, rows = index.ids, index.vectors
        allowed = self.gallery.allowed_ids(where)
        with timed(timings, "search"):
            hits = index.search(vector[None], k, allowed)
        with timed(timings, "votes"):
            pool = self._pool(vector, hits.ids[0], index, allowed)
            cosines = fold_cosines(vector, rows[pool], self.encoder.folds)  # (P, K)
            votes = fold_top(cosines, ids[pool], VOTES_PER_FOLD)
        if mode == "votes":
            scores = vote_sum(cosines, votes)
            best = np.lexsort((ids[pool], -scores))
            best = best[votes[best].any(1)][:k]
        else:
            best = np.searchsorted(ids[pool], hits.ids[0])
            scores = cosines.mean(1)
        items = self.gallery.items([int(i) for i in ids[pool][best]])
        return tuple(
            Candidate(
                item_id=item.id,
                rank=rank,
                path=item.path,
                caption=item.caption,
                metadata=item.metadata,
                similarity=float(scores[i]),
                fold_cosines=tuple(float(c) for c in cosines[i]),
                fold_votes=tuple(bool(v) for v in votes[i]),
            )
            for rank, (i, item) in enumerate(zip(best, items, strict=True), start=1)
        )

    def _pool(self, vector: Floats, found: Ids, index: VectorIndex, allowed: Ids | None) -> NDArray[np.intp] | slice:
        """Ascending rows among which folds vote: all that the filter allows, or the nearest of a large gallery."""
        ids = index.ids
        if allowed is not None:
            return np.flatnonzero(np.isin(ids, allowed))
        if len(ids) <= EXACT_VOTES:
            return slice(None)  # a view: row numbers would copy the whole matrix at every query
        near = index.search(vector[None], max(POOL, len(found)), None).ids[0]
        # an approximate index may have found with a small k what it misses with a large one
        return np.searchsorted(ids, np.union1d(near, found))


def open_kger(
    bundle: Path,
    gallery: Path,
    *,
    threads: int | None = None,
    provider: str = "auto",
    backend: str = "auto",
    recall: float = RECALL,
) -> KgerSystem:
    """The system on a bundle's folder and a gallery's folder, which must belong together."""
    encoder = open_encoder(bundle, threads=threads, provider=provider)
    return KgerSystem(encoder, Gallery.open(gallery, fingerprint=encoder.fingerprint), backend=backend, recall=recall)
