"""From a search result to the page: three columns and the line of timings."""

from html import escape

from runtime.judge import LocalCaptionJudge
from runtime.render import percent
from runtime.results import Query, SearchResult

from . import cards
from .pictures import picture

STAGES = {
    "encode": "encode the query in every fold",
    "search": "nearest vectors",
    "votes": "each fold's own cosines and top five",
    "judge": "the judge",
    "fuse": "Pos-Fuse",
}
Relevant = frozenset[int] | None


def retrieval_column(result: SearchResult, relevant: Relevant) -> str:
    """What the ten folds found, best first."""
    folds = len(result.candidates[0].fold_cosines) if result.candidates else 0
    how = f"top-five votes of {folds} folds" if result.mode == "votes" else f"mean cosine over {folds} folds"
    shown = [
        cards.retrieval_card(c, picture(c.path), mode=result.mode, relevant=_known(c.item_id, relevant))
        for c in result.candidates
    ]
    return cards.column("retrieval", "1 · Retrieval", how if folds else "no picture fulfils the filter", shown)


def judge_column(result: SearchResult, relevant: Relevant) -> str:
    """The judge's order: by its score, unjudged ones last, equal ones as retrieved."""
    told = {j.item_id: j for j in result.judgements}
    scores = {i: j.score for i, j in told.items() if j.score is not None}
    order = sorted(result.candidates, key=lambda c: (c.item_id not in scores, -scores.get(c.item_id, 0.0)))
    shown = [
        cards.judge_card(c, told.get(c.item_id), picture(c.path), rank=place, relevant=_known(c.item_id, relevant))
        for place, c in enumerate(order, start=1)
    ]
    unjudged = len(result.candidates) - len(scores)
    said = [result.judge or "no judge: the ranking stays retrieval's"]
    if result.judge and result.judge.startswith(LocalCaptionJudge.name):
        said.append("reads captions only")
    if result.judge and unjudged:
        said.append(f"{unjudged} unjudged")
    return cards.column("judge", "2 · Judge", " · ".join(said), shown)


def fused_column(result: SearchResult, relevant: Relevant) -> str:
    """The final ranking, each item's move from retrieval marked."""
    by_id = {c.item_id: c for c in result.candidates}
    best = max((f.score for f in result.ranking), default=1.0)
    told = {j.item_id: j.reason for j in result.judgements}
    shown = [
        cards.fused_card(
            f,
            by_id[f.item_id],
            picture(by_id[f.item_id].path),
            best=best,
            relevant=_known(f.item_id, relevant),
            note=_new(" ".join(result.knowledge.get(f.item_id, ())), told.get(f.item_id, "")),
        )
        for f in result.ranking
    ]
    return cards.column("fused", "3 · Pos-Fuse", "the final ranking; moves are counted from retrieval", shown)


def sure(result: SearchResult) -> str:
    """How sure the answer is, as a chip; empty where nothing was calibrated."""
    if result.confidence is None:
        return ""
    word = "no good match" if result.no_match else "first is relevant"
    title = "calibrated on synthetic phantoms with this judge and these settings"
    return f'<span class="chip sure" title="{title}">{word} <b>{percent(result.confidence)}</b></span>'


def remarks(result: SearchResult) -> str:
    """Sentences over the columns: a judge that is switched off, an answer below the threshold."""
    said = list(result.notes)
    if result.no_match:
        said.append(
            f"No good match: the first item is relevant with a probability of {percent(result.confidence or 0)}, "
            "below your threshold."
        )
    return " ".join(said)


def summary(result: SearchResult, relevant: Relevant) -> str:
    """The line over the columns: the query, milliseconds per stage, the judge's cost, what the frames mean."""
    chips = f'<span class="chip asked">{escape(_asked(result.query))}</span>' + "".join(
        f'<span class="chip" title="{STAGES.get(stage, stage)}">{stage} <b>{ms:.1f}</b> ms</span>'
        for stage, ms in result.timings_ms.items()
    )
    chips += sure(result)
    cost = result.cost
    if cost.get("judge_calls"):
        tokens = cost["input_tokens"] + cost["output_tokens"]
        dollars = f" ${cost['usd']:.4f}" if cost.get("usd") else ""
        chips += f'<span class="chip">{cost["judge_calls"]:.0f} calls <b>{tokens:.0f}</b> tokens{dollars}</span>'
    if relevant is None:
        truth = "truth unknown for this query: nothing is framed"
    else:
        shown = sum(_known(c.item_id, relevant) for c in result.candidates)
        truth = f"✓ framed: relevant; {shown} of the gallery's {len(relevant)} shown"
    return f'<div class="timings"><span>{chips}</span><span class="small">{truth}</span></div>'


def _new(sentences: str, reason: str) -> str:
    """`sentences`, unless the judge's own reason, one column to the left, says them."""
    return "" if sentences and sentences in reason else sentences


def _asked(query: Query) -> str:
    text = f"“{query.text}”" if query.text else ""
    return " + ".join(part for part in (text, "picture" if query.image_name else "") if part)


def _known(item_id: int, relevant: Relevant) -> bool:
    return relevant is not None and item_id in relevant
