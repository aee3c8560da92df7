"""The cards of the three columns as HTML: pure functions; every text from outside is escaped."""

from collections.abc import Sequence
from html import escape

from runtime.results import Candidate, FusedItem, Judgement

from .pictures import Picture

UNEXPECTED = "Something went wrong that should not have; the terminal of the server shows what."


def letter(retrieval_rank: int) -> str:
    """A, B, C … by retrieval rank: the name by which one item is followed across the columns."""
    return chr(ord("A") + (retrieval_rank - 1) % 26)


def rank_change(change: int) -> str:
    """↑2 where the item rose by two places, ↓1 where it fell by one, = where it stayed."""
    if change == 0:
        return '<span class="change same" title="same place as in retrieval">=</span>'
    arrow, word = ("↑", "up") if change > 0 else ("↓", "down")
    places = "place" if abs(change) == 1 else "places"
    return (
        f'<span class="change {word}" title="{word} {abs(change)} {places} from retrieval">{arrow}{abs(change)}</span>'
    )


def bar(parts: Sequence[tuple[str, float]], title: str) -> str:
    """A horizontal bar of (CSS class, share of the full width) parts; shares are clipped to 0–1."""
    inner = "".join(f'<i class="{name}" style="width:{100 * min(max(share, 0), 1):.1f}%"></i>' for name, share in parts)
    return f'<div class="bar" role="img" aria-label="{escape(title)}" title="{escape(title)}">{inner}</div>'


def fold_bars(cosines: Sequence[float], votes: Sequence[bool]) -> str:
    """One small column a fold, its height the fold's cosine, filled where the fold has the item in its top five."""
    label = f"{sum(votes)} of {len(votes)} folds have this in their own top five"
    columns = "".join(
        f'<i class="{"yes" if vote else "no"}" style="height:{100 * min(max(cosine, 0.06), 1):.0f}%" '
        f'title="fold {number}: cosine {cosine:.3f}{", in its top five" if vote else ""}"></i>'
        for number, (cosine, vote) in enumerate(zip(cosines, votes, strict=True), start=1)
    )
    text = f'<span class="small">{sum(votes)}/{len(votes)} folds agree</span>'
    return f'<div class="folds"><span class="fold-bars" role="img" aria-label="{label}">{columns}</span>{text}</div>'


def alternative(caption: str | None, picture: Picture) -> str:
    """The alternative text of a picture, not yet escaped."""
    return f"{caption or 'picture without a caption'}{' (synthetic phantom)' if picture.synthetic else ''}"


def figure(picture: Picture, rank: str, caption: str | None) -> str:
    """The picture on black with its rank, its alternative text, and the label of synthetic ones."""
    alt = escape(alternative(caption, picture))
    if picture.source is None:
        shown = f'<span class="missing" role="img" aria-label="{alt}">the picture cannot be read</span>'
    else:
        shown = f'<img src="{escape(picture.source)}" alt="{alt}" loading="lazy" decoding="async">'
    label = "<figcaption>synthetic phantom</figcaption>" if picture.synthetic else ""
    return f'<figure>{shown}<span class="rank">{escape(rank)}</span>{label}</figure>'


def card(candidate: Candidate, picture: Picture, rank: str, body: str, *, relevant: bool, note: str = "") -> str:
    """One list item: the figure, the letter, the column's own `body` (HTML), caption and truth; `note` is text."""
    marks = f"card item-{candidate.rank}" + (" relevant" if relevant else "")
    truth = (
        '<span class="truth" title="relevant: the truth is known for this query">✓ relevant</span>' if relevant else ""
    )
    caption = escape(candidate.caption) if candidate.caption else "<em>no caption</em>"
    extra = f'<p class="note">{escape(note)}</p>' if note else ""
    return (
        f'<li class="{marks}" data-item="{candidate.item_id}">{figure(picture, rank, candidate.caption)}'
        f'<div class="body">{body}<p class="caption"><span class="letter">{letter(candidate.rank)}</span>'
        f"{caption}</p>{extra}{truth}</div></li>"
    )


def retrieval_card(candidate: Candidate, picture: Picture, *, mode: str, relevant: bool) -> str:
    """Column one: the cosine (or the vote sum) and what each fold says."""
    votes = mode == "votes"
    unit = "vote sum" if votes else "mean cosine"
    share = candidate.similarity / (len(candidate.fold_cosines) or 1) if votes else candidate.similarity
    body = (
        f'<div class="score"><b>{candidate.similarity:.3f}</b><span class="small">{unit}</span></div>'
        f"{bar([('retrieval', share)], f'{unit} {candidate.similarity:.3f}')}"
        f"{fold_bars(candidate.fold_cosines, candidate.fold_votes)}"
    )
    return card(candidate, picture, str(candidate.rank), body, relevant=relevant)


def judge_card(
    candidate: Candidate, judgement: Judgement | None, picture: Picture, *, rank: int, relevant: bool
) -> str:
    """Column two: the judge's score, or *unjudged* with the reason; None where no judge was asked."""
    if judgement is None or judgement.score is None:
        reason = judgement.reason if judgement else "no judge was asked"
        body = '<div class="score"><b class="unjudged">unjudged</b></div>'
        return card(candidate, picture, "–", body, relevant=relevant, note=reason)
    replayed = '<span class="small">replayed</span>' if judgement.replayed else ""
    body = (
        f'<div class="score"><b>{judgement.score:.2f}</b><span class="small">of 1</span>{replayed}</div>'
        f"{bar([('judge', judgement.score)], f'score {judgement.score:.2f}')}"
    )
    return card(candidate, picture, str(rank), body, relevant=relevant, note=judgement.reason)


def fused_card(
    item: FusedItem, candidate: Candidate, picture: Picture, *, best: float, relevant: bool, note: str = ""
) -> str:
    """Column three: the fused score, both sides' parts in it, and how far the item moved.

    `best` is the list's highest score, the full width of the bar; `note` says what the caption has to do with the
    query.
    """
    title = f"retrieval {item.retrieval_part:.3f}, judge {item.judge_part:.3f}"
    scale = best or 1.0
    if abs(item.retrieval_part + item.judge_part - item.score) < 1e-6:
        parts = [("retrieval", item.retrieval_part / scale), ("judge", item.judge_part / scale)]
    else:  # the strategies max and min take one side, so the parts do not add up
        parts = [("fused", item.score / scale)]
    body = (
        f'<div class="score"><b>{item.score:.4f}</b>{rank_change(item.rank_change)}</div>'
        f'{bar(parts, title)}<p class="small parts">{title}</p>'
    )
    return card(candidate, picture, str(item.rank), body, relevant=relevant, note=note)


def column(kind: str, title: str, subtitle: str, cards: Sequence[str]) -> str:
    """One column: a heading, a line under it, and its cards in order."""
    inner = "".join(cards) or '<li class="empty">nothing here</li>'
    return (
        f'<section class="stage {kind}" aria-label="{escape(title)}"><header><h2>{escape(title)}</h2>'
        f"<p>{escape(subtitle)}</p></header><ol>{inner}</ol></section>"
    )


def message(text: str, kind: str = "error") -> str:
    """A sentence for the reader; `kind` is error or note. Empty for no text."""
    role = "alert" if kind == "error" else "status"
    return f'<div class="message {kind}" role="{role}">{escape(text)}</div>' if text else ""
