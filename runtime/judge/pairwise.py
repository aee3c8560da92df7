"""Pairwise tie-break: where two neighbours' fused scores are within a margin, the judge compares the two.

Both orders are asked, and only a preference that survives the exchange counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..results import FusedItem


@dataclass(frozen=True)
class Preference:
    """`won`: 1 where the higher item is better in both orders, 0 where the lower is, .5 where neither; None where
    the judge did not answer. The rest is what the comparison cost now."""

    won: float | None
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0


Compare = Callable[[int, int], float | None]
"""(the higher item's id, the lower one's) -> `Preference.won`."""


def break_ties(ranking: Sequence[FusedItem], compare: Compare, margin: float) -> tuple[FusedItem, ...]:
    """`ranking` after one pass from the top: neighbours within `margin` are compared, and exchanged where the lower
    one is better. Scores stay as fused; `tie_break` says what the judge decided."""
    items = list(ranking)
    for place in range(len(items) - 1):
        high, low = items[place], items[place + 1]
        if abs(high.score - low.score) > margin:
            continue
        won = compare(high.item_id, low.item_id)
        if won is None:
            continue
        swapped = won == 0
        above, below = (low, high) if swapped else (high, low)
        word = "tied with" if won == 0.5 else "moved above" if swapped else "kept above"
        items[place] = _told(above, f"{word} item {below.item_id}")
        items[place + 1] = _told(below, f"{word.replace('above', 'below')} item {above.item_id}")
    return tuple(
        replace(item, rank=rank, rank_change=item.retrieval_rank - rank) for rank, item in enumerate(items, start=1)
    )


def _told(item: FusedItem, words: str) -> FusedItem:
    return replace(item, tie_break=f"{item.tie_break}; {words}" if item.tie_break else words)
