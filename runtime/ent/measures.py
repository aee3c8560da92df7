"""How well images find their like: Success@k by sense, macro averages, the confusion table, wrong sides, CLIP score."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..metrics import first_relevant_rank, mrr, success_at
from .classes import ClassTable
from .relevance import SENSES, Relevance

Floats = NDArray[np.float32]
KS = (1, 5, 10)


@dataclass(frozen=True, eq=False)
class Answers:
    """First hits of N queries over the N images themselves.

    `best` (N,) int64 is each query's first hit; `ranks` {sense: (N,) int64 rank of the first relevant item, 0 where
    a query has no relevant item}.
    """

    best: NDArray[np.int64]
    ranks: dict[str, NDArray[np.int64]]

    def correct(self, sense: str) -> NDArray[np.bool_]:
        """(N,) bool: the first hit is relevant."""
        right: NDArray[np.bool_] = self.ranks[sense] == 1
        return right


def answers(rows: Floats, relevance: Relevance) -> Answers:
    """Every image asked over all others by cosine; `rows` (N, D) are unit rows. What may not answer stands last."""
    similarities = np.where(relevance.usable, rows @ rows.T, np.float32(-2))
    ranks = {}
    for sense in SENSES:
        relevant = relevance.of(sense)
        if relevant is None:
            continue
        asked = relevant.any(1)
        ranks[sense] = np.zeros(len(rows), np.int64)
        if asked.any():
            ranks[sense][asked] = first_relevant_rank(similarities[asked], relevant[asked])
    return Answers(similarities.argmax(1), ranks)


def sense_table(found: Answers, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """{sense: {queries, r1, r5, r10, mrr, macro_r1}}: Success@k (the challenge's "Recall@k") over all queries.

    `macro_r1` is the mean of the classes' own Success@1, so that a rare class counts as much as a frequent one.
    """
    labels = np.asarray(names)
    table = {}
    for sense, ranks in found.ranks.items():
        asked = ranks > 0
        if not asked.any():
            continue
        by_class = [success_at(ranks[asked & (labels == c)], 1) for c in np.unique(labels[asked])]
        table[sense] = {
            "queries": float(asked.sum()),
            **{f"r{k}": success_at(ranks[asked], k) for k in KS},
            "mrr": mrr(ranks[asked]),
            "macro_r1": float(np.mean(by_class)),
        }
    return table


def confusion(found: Answers, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """{class asked: {class of the first hit: count}}, classes in alphabetical order."""
    classes = sorted(set(names))
    table = {asked: dict.fromkeys(classes, 0) for asked in classes}
    for asked, hit in zip(names, found.best, strict=True):
        table[asked][names[int(hit)]] += 1
    return table


def wrong_sides(found: Answers, names: Sequence[str], table: ClassTable) -> NDArray[np.bool_]:
    """(N,) bool: the first hit shows the same structure of the other side."""
    return np.array([table.other_side(a, names[int(hit)]) for a, hit in zip(names, found.best, strict=True)], bool)


def clip_score(found: Answers, raw: Floats) -> float:
    """The published "CLIP score": mean cosine of query and first hit in the tower's own space, `raw` (N, D) unit rows.

    A search by the tower itself maximises it, so a better search scores lower: it says how far the field moved.
    """
    return float(np.mean(np.einsum("nd,nd->n", raw, raw[found.best])))


def report(rows: Floats, raw: Floats, relevance: Relevance, names: Sequence[str], table: ClassTable) -> dict[str, Any]:
    """All measures of one set of vectors: senses, confusion, share of wrong sides, CLIP score."""
    found = answers(rows, relevance)
    sided = np.array([table[name].side is not None for name in names])
    wrong = wrong_sides(found, names, table)
    return {
        "senses": sense_table(found, names),
        "side_confusions": int(wrong.sum()),
        "side_queries": int(sided.sum()),
        "confusion": confusion(found, names),
        "clip_score": clip_score(found, raw),
        "near_duplicates_excluded": relevance.duplicates,
    }
