"""The local caption judge: no key, no network, no look at the image."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..results import Candidate, Judgement, Query
from .protocol import ImageReader

if TYPE_CHECKING:  # 20 ms that only who judges by captions needs
    from ..knowledge import Knowledge

EncodeTexts = Callable[[list[str]], NDArray[np.float32]]

CONTRADICTED = 0.5  # what is left of a score where the caption names another region, side or state


class LocalCaptionJudge:
    """Scores the query's text against each candidate's own caption with the text tower.

    The score is the mean cosine over folds, negative ones clipped to 0: monotone, in [0, 1], and not a
    probability. It sees captions only, so an item without one, and a query without text, stay unjudged.

    With `knowledge` the query is the mean direction of its paraphrases, fold by fold; a caption that names
    another region, side or state than the query keeps half its score; the reason says what agrees or differs.
    """

    name: str = "local caption judge"

    def __init__(self, encode_texts: EncodeTexts, knowledge: "Knowledge | None" = None) -> None:
        """`encode_texts`: N texts -> (N, K, D) float32, a unit vector for each of K folds."""
        self._encode_texts = encode_texts
        self._knowledge = knowledge
        if knowledge:
            self.name = "local caption judge with ENT knowledge"

    def judge(self, query: Query, candidates: Sequence[Candidate], images: ImageReader) -> list[Judgement]:
        """One Judgement per candidate, in the same order; `images` is never called."""
        if not (query.text and query.text.strip()):
            return [self._unjudged(c, "the query has no text to compare with a caption") for c in candidates]
        captions = list(dict.fromkeys(c.caption for c in candidates if c.caption and c.caption.strip()))
        started = time.perf_counter()
        scores = self._scores(query.text, captions) if captions else {}
        share_ms = (time.perf_counter() - started) * 1000 / max(len(scores), 1)
        return [
            Judgement(c.item_id, *scores[c.caption], model=self.name, latency_ms=share_ms, attempts=0)
            if c.caption in scores
            else self._unjudged(c, "the item has no caption")
            for c in candidates
        ]

    def _scores(self, text: str, captions: list[str]) -> dict[str | None, tuple[float, str]]:
        """Caption -> score and reason."""
        texts = self._knowledge.expand(text) if self._knowledge else [text]
        encoded = self._encode_texts([*texts, *captions])  # (T + C, K, D)
        asked = encoded[0] if len(texts) == 1 else _direction(encoded[: len(texts)])
        cosines = np.einsum("kd,ckd->c", asked, encoded[len(texts) :], dtype=np.float64) / encoded.shape[1]
        scores = np.clip(cosines, 0.0, 1.0).tolist()
        return {caption: self._weighed(text, caption, score) for caption, score in zip(captions, scores, strict=True)}

    def _weighed(self, text: str, caption: str, score: float) -> tuple[float, str]:
        if self._knowledge is None:
            return score, ""
        if reason := self._knowledge.contradicts(text, caption):
            return score * CONTRADICTED, f"{reason}; score halved"
        return score, " ".join(self._knowledge.explain(text, caption))

    def _unjudged(self, candidate: Candidate, reason: str) -> Judgement:
        return Judgement(candidate.item_id, None, reason, model=self.name, attempts=0)


def _direction(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(T, K, D) unit rows -> (K, D): the unit direction of their mean, fold by fold; zeros where it vanishes."""
    mean: NDArray[np.float32] = vectors.mean(axis=0)
    unit: NDArray[np.float32] = mean / np.maximum(np.linalg.norm(mean, axis=-1, keepdims=True), 1e-12)
    return unit
