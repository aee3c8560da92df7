"""Scenes as cards: a thumbnail, the score, the time, weather and place; each card is a button that chooses it."""

import time
from collections.abc import Sequence
from html import escape
from pathlib import Path

import gradio as gr

from runtime.carim.results import Scene, SceneHit

from .carim_player import moment_of
from .pictures import picture

HERE = Path(__file__).parent
FACTS = ("time_of_day", "weather", "location")
TEXT_ONLY = 4  # elements that stand where a text-only scene has no picture


def add_cards() -> gr.HTML:
    """The component; its value is HTML of `cards`, its event `select` carries the place of the chosen card."""
    return gr.HTML(
        "",
        css_template=(HERE / "carim_cards.css").read_text("utf-8"),
        js_on_load=CHOOSING,
        apply_default_css=False,
        elem_id="carim-scenes",
    )


CHOOSING = """
element.addEventListener("click", (event) => {
  const card = event.target.closest("button[data-place]");
  if (!card) return;
  for (const other of element.querySelectorAll("button[data-place]"))
    other.setAttribute("aria-pressed", String(other === card));
  trigger("select", { place: Number(card.dataset.place) });
});
"""


def cards(scenes: Sequence[Scene], heading: str, *, synthetic: bool) -> str:
    """The scenes in order, the first one chosen; `heading` is text. All that comes from data is escaped."""
    if not scenes:
        return f'<p class="heading">{escape(heading)}</p>'
    inner = "".join(card(scene, place, synthetic=synthetic) for place, scene in enumerate(scenes))
    # the page keeps which card is pressed: the stamp makes an equal list a new one
    return f'<p class="heading">{escape(heading)}</p><ol data-drawn="{time.monotonic_ns()}">{inner}</ol>'


def card(scene: Scene, place: int, *, synthetic: bool) -> str:
    """One list item; a hit of a search has a score, a scene of the list has none."""
    score = f"<b>{scene.score:.3f}</b>" if isinstance(scene, SceneHit) else ""
    moment = moment_of(scene) if scene.image else "text only"
    facts = "".join(f"<i>{escape(fact)}</i>" for fact in facts_of(scene))
    return (
        f'<li><button type="button" data-place="{place}" aria-pressed="{str(place == 0).lower()}" '
        f'title="{escape(scene.caption)}">{_figure(scene, place + 1, synthetic=synthetic)}'
        f'<span class="line">{score}<span>{moment}</span></span><span class="name">{escape(scene.scene)}</span>'
        f'<span class="facts">{facts}</span></button></li>'
    )


def facts_of(scene: Scene) -> list[str]:
    """Time of day, weather and place of a scene, as far as they are known."""
    return [str(scene.metadata[key]) for key in FACTS if scene.metadata.get(key) not in (None, "")]


def _figure(scene: Scene, rank: int, *, synthetic: bool) -> str:
    label = f'<span class="rank">{rank}</span>'
    if scene.image is None:
        words = "".join(f"<em>{escape(element)}</em>" for element in scene.elements[:TEXT_ONLY])
        return f'<span class="figure words">{words}{label}</span>'
    source = picture(scene.image).source
    alt = escape(f"{scene.caption}{' (synthetic)' if synthetic else ''}")
    shown = (
        f'<img src="{escape(source)}" alt="{alt}" loading="lazy" decoding="async">'
        if source
        else f'<span class="missing" role="img" aria-label="{alt}">the picture cannot be read</span>'
    )
    return f'<span class="figure">{shown}{label}</span>'
