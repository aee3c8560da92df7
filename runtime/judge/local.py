"""The local caption judge: no key, no network, no look at the image."""

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..results import Candidate, Judgement, Query
from .protocol import ImageReader

EncodeTexts = Callable[[list[str]], NDArray[np.float32]]


class LocalCaptionJudge:
    """Scores the query's text against each candidate's own caption with the text tower.

    The score is the mean cosine over folds, negative ones clipped to 0: monotone, in [0, 1], and not a
    probability. It sees captions only, so an item without one, and a query without text, stay unjudged.
    """

    name = "local caption judge"

    def __init__(self, encode_texts: EncodeTexts) -> None:
        """`encode_texts`: N texts -> (N, K, D) float32, a unit vector for each of K folds."""
        self._encode_texts = encode_texts

    def judge(self, query: Query, candidates: Sequence[Candidate], images: ImageReader) -> list[Judgement]:
        """One Judgement per candidate, in the same order; `images` is never called."""
        if not (query.text and query.text.strip()):
            return [self._unjudged(c, "the query has no text to compare with a caption") for c in candidates]
        captions = list(dict.fromkeys(c.caption for c in candidates if c.caption and c.caption.strip()))
        started = time.perf_counter()
        scores = self._scores(query.text, captions) if captions else {}
        share_ms = (time.perf_counter() - started) * 1000 / max(len(scores), 1)
        return [
            Judgement(c.item_id, scores[c.caption], model=self.name, latency_ms=share_ms, attempts=0)
            if c.caption in scores
            else self._unjudged(c, "the item has no caption")
            for c in candidates
        ]

    def _scores(self, text: str, captions: list[str]) -> dict[str | None, float]:
        encoded = self._encode_texts([text, *captions])  # (1 + C, K, D)
        cosines = np.einsum("kd,ckd->c", encoded[0], encoded[1:], dtype=np.float64) / encoded.shape[1]
        return dict(zip(captions, np.clip(cosines, 0.0, 1.0).tolist(), strict=True))

    def _unjudged(self, candidate: Candidate, reason: str) -> Judgement:
        return Judgement(candidate.item_id, None, reason, model=self.name, attempts=0)
