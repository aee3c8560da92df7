"""What the stages hand to one another and what `search` returns: plain values, ready for JSON."""

from dataclasses import dataclass, field
from typing import Any

from .images import RgbImage


@dataclass(frozen=True, eq=False)
class Query:
    """A text, an image, or both; `name` is what files call it (the text, or the image's file name)."""

    text: str | None = None
    image: RgbImage | None = None
    image_name: str | None = None

    @property
    def name(self) -> str:
        """The text, else the image's file name."""
        return self.text or self.image_name or "image"


@dataclass(frozen=True)
class Candidate:
    """One retrieved item.

    `similarity` is the score that ranked it: the mean cosine over folds, or the vote sum in the
    published mode. `fold_cosines` has one cosine per fold; `fold_votes` says which folds have the
    item in their own top five.
    """

    item_id: int
    rank: int
    path: str
    caption: str | None
    metadata: dict[str, Any]
    similarity: float
    fold_cosines: tuple[float, ...]
    fold_votes: tuple[bool, ...]

    @property
    def agreement(self) -> float:
        """Share of folds that have the item in their own top five, 0 to 1."""
        return sum(self.fold_votes) / len(self.fold_votes) if self.fold_votes else 0.0


@dataclass(frozen=True)
class Judgement:
    """A judge's word on one candidate: a score in [0, 1], or None, *unjudged*, with the reason why.

    `price_usd` is what it cost now, None where the model's price is not known.
    """

    item_id: int
    score: float | None
    reason: str = ""
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: float = 0.0
    attempts: int = 1
    replayed: bool = False
    price_usd: float | None = 0.0


@dataclass(frozen=True)
class FusedItem:
    """One place of the final ranking; keeps every source's score beside the fused one.

    `rank_change` is retrieval rank minus final rank: positive where the item rose. `tie_break` says what a
    pairwise comparison with a neighbour decided, "" where there was none.
    """

    item_id: int
    rank: int
    score: float
    retrieval_rank: int
    retrieval_part: float
    judge_part: float
    judge_score: float | None
    rank_change: int
    tie_break: str = ""


@dataclass(frozen=True, eq=False)
class SearchResult:
    """Every stage of one search, side by side; `timings_ms` and `cost` are per stage.

    `confidence` is the calibrated probability that the first of `ranking` is relevant, None where nothing was
    calibrated for this bundle; `no_match` says that it lies below the threshold that the user set. `notes` are
    sentences for the user: a judge that is switched off, a budget that is spent. `knowledge` says, for each
    candidate with a caption, what agrees with the query and what differs.
    """

    query: Query
    mode: str
    candidates: tuple[Candidate, ...]
    judge: str | None
    judgements: tuple[Judgement, ...]
    ranking: tuple[FusedItem, ...]
    timings_ms: dict[str, float] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)
    confidence: float | None = None
    no_match: bool = False
    notes: tuple[str, ...] = ()
    knowledge: dict[int, list[str]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The result as JSON-ready values, without pixels."""
        return {
            "query": {"text": self.query.text, "image": self.query.image_name},
            "mode": self.mode,
            "candidates": [_plain(c) | {"agreement": c.agreement} for c in self.candidates],
            "judge": self.judge,
            "judgements": [_plain(j) for j in self.judgements],
            "ranking": [_plain(f) for f in self.ranking],
            "timings_ms": self.timings_ms,
            "cost": self.cost,
            "confidence": self.confidence,
            "no_match": self.no_match,
            "notes": list(self.notes),
            "knowledge": {str(item): sentences for item, sentences in self.knowledge.items()},
        }


def _plain(value: Candidate | Judgement | FusedItem) -> dict[str, Any]:
    return dict(vars(value))
