"""The ENT panel's three columns: the query, its neighbours before the flow, those after. All text is escaped."""

from collections import Counter
from collections.abc import Sequence
from html import escape

from runtime.gallery import Gallery, Item

from .cards import alternative, bar, column, figure
from .ent_space import Asked, EntSpace, Near, named
from .pictures import picture


def columns(space: EntSpace, asked: Asked, t: float, k: int, gallery: Gallery) -> tuple[str, str, str]:
    """The three columns: the query, its k neighbours by the tower, those at time t."""
    raw, moved = (space.nearest(asked, at, k) for at in (None, t))
    wanted = {space.ids[near.position] for near in (*raw, *moved)} | ({asked.item_id} - {None})
    items = {item.id: item for item in gallery.items(sorted(wanted))}
    own = items.get(asked.item_id) if asked.item_id is not None else None
    return (
        _query_column(asked, own) + _legend(space, t, k),
        _column("retrieval", "Before: the image tower alone", space, raw, items, own),
        _column("fused", f"After: the flow at t = {t:.1f}", space, moved, items, own),
    )


def _query_column(asked: Asked, item: Item | None) -> str:
    caption = item.caption if item else asked.path.name
    kind = named(item) if item else None
    left_out = len(asked.copies) - (item is not None)
    note = (
        f'<p class="note">{left_out} near-duplicate{"s" * (left_out > 1)} of it in the gallery: left out</p>'
        if left_out
        else ""
    )
    title = f"<b>{escape(kind)}</b>" if kind else "<b>your picture</b>"
    body = (
        f'<div class="body"><div class="score">{title}</div><p class="caption">{escape(caption or "")}</p>{note}</div>'
    )
    drawn = f'<li class="card">{figure(picture(str(asked.path)), "?", caption)}{body}</li>'
    return column("query", "The query", "class known" if kind else "class not known", [drawn])


def _legend(space: EntSpace, t: float, k: int) -> str:
    """What the marks mean, and how many of the neighbours are of the query's class over the whole gallery."""
    if None in space.classes or len(set(space.classes)) < 2:
        return ""
    k = min(k, len(space.ids) - 1)
    before, after = (space.right(at, k).mean() / k for at in (None, t))
    return (
        '<p class="legend">✓ the query\'s class · ✗ another class</p>'
        f'<p class="legend" id="ent-whole">All {len(space.ids)} pictures asked over the others: of the {k} nearest '
        f"<b>{before:.1%}</b> are of the query's class by the tower alone, <b>{after:.1%}</b> at t = {t:.1f}.</p>"
    )


def _column(
    hue: str, title: str, space: EntSpace, found: Sequence[Near], items: dict[int, Item], own: Item | None
) -> str:
    shown = [items[space.ids[near.position]] for near in found]
    cards = [
        _card(item, near, rank, own, moved=hue == "fused")
        for rank, (item, near) in enumerate(zip(shown, found, strict=True), start=1)
    ]
    return column(hue, title, _counted(shown, own), cards)


def _counted(shown: Sequence[Item], own: Item | None) -> str:
    """How many are of the query's class, or which class most are of."""
    kind = named(own) if own else None
    classes = Counter(name for item in shown if (name := named(item)) is not None)
    if kind is not None:
        return f"{classes[kind]} of {len(shown)} are {kind}, as the query"
    return " · ".join(f"{count} × {name}" for name, count in classes.most_common()) or "no classes are known"


def _card(item: Item, near: Near, rank: int, own: Item | None, *, moved: bool) -> str:
    kind, wanted = named(item), named(own) if own else None
    same = kind is not None and kind == wanted
    mark = "" if wanted is None else f'<span class="{"same" if same else "other"}">{"✓" if same else "✗"}</span> '
    shown = picture(item.path)
    place = (
        f'<p class="small">place {near.tower_place} by the tower alone</p>'
        if moved and near.tower_place != rank
        else ""
    )
    body = (
        f'<div class="score">{mark}<b>{escape(kind or "class not known")}</b></div>'
        f"{bar([('fused' if moved else 'retrieval', near.cosine)], f'cosine {near.cosine:.3f}')}"
        f'<p class="small">cosine {near.cosine:.3f}</p>{place}'
        f'<p class="caption">{escape(item.caption or "")}</p>'
    )
    label = escape(alternative(item.caption, shown))
    return (
        f'<li class="card{" relevant" if same else ""}" title="{label}" data-item="{item.id}">'
        f'{figure(shown, str(rank), item.caption)}<div class="body">{body}</div></li>'
    )
