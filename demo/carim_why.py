"""Why a scene matches: element shares that add up to its score, the query's words by theirs, what the scene lacks."""

from html import escape
from pathlib import Path

import gradio as gr

from runtime.carim.explain import Explanation
from runtime.carim.results import Scene, SceneHit
from runtime.carim.words import is_content

from .carim_cards import facts_of
from .carim_player import moment_of

HERE = Path(__file__).parent
LEAST = 0.0005  # a share that would be shown as .000 is not a bar


def add_why() -> gr.HTML:
    """The component; its value is the HTML of `why`."""
    return gr.HTML(
        "", css_template=(HERE / "carim_why.css").read_text("utf-8"), apply_default_css=False, elem_id="carim-why"
    )


def why(scene: Scene, query: str, *, synthetic: bool) -> str:
    """The explanation of a hit for `query`, none for a scene of the list; then its caption and elements. Escaped."""
    explained = _explained(scene.explanation, query) if isinstance(scene, SceneHit) else ""
    facts = " · ".join([scene.scene, *([moment_of(scene)] if scene.image else []), *facts_of(scene)])
    label = ' <span class="synthetic">synthetic</span>' if synthetic else ""
    elements = "".join(f"<li>{escape(element)}</li>" for element in scene.elements)
    caption = escape(scene.caption) or "<em>no caption</em>"
    return (
        f'{explained}<section><h4>The scene</h4><p class="facts">{escape(facts)}{label}</p>'
        f'<p class="told">{caption}</p><ul class="elements" aria-label="elements">{elements}</ul></section>'
    )


def _explained(found: Explanation, query: str) -> str:
    return (
        f'<section class="match"><h4>Why this match</h4>{heat(found, query)}{_phrases(found)}{bars(found)}'
        f"{_missing(found)}</section>"
    )


def heat(found: Explanation, query: str) -> str:
    """The query with every word as warm as its share of the score, and its share and element as its title."""
    most = max((word.share for word in found.words), default=0) or 1.0
    parts, at = [], 0
    for word in found.words:
        title = f"{word.share:.3f} of the score, by “{found.elements[word.element].text}”"
        warm = f"--warm:{100 * max(0.0, word.share / most):.0f}%"
        parts.append(f"{escape(query[at : word.start])}<mark style='{warm}' title='{escape(title)}'>")
        parts.append(f"{escape(query[word.start : word.end])}</mark>")
        at = word.end
    parts.append(escape(query[at:]))
    return f'<p class="heat">{"".join(parts)}</p>'


def bars(found: Explanation) -> str:
    """Each element's share as a bar, the largest first, and their sum, which is the score."""
    shares = sorted((e for e in found.elements if abs(e.share) >= LEAST), key=lambda e: -e.share)
    most = max((element.share for element in shares), default=0) or 1.0
    rows = "".join(
        f'<li><span class="name">{escape(element.text)}</span><span class="track">'
        f'<i style="width:{100 * max(0, element.share) / most:.1f}%"></i></span><b>{element.share:.3f}</b></li>'
        for element in shares
    )
    return (
        f'<ol class="shares" aria-label="shares of the elements">{rows}</ol>'
        f'<p class="sum"><span>the shares add up to the score</span><b>{found.score:.3f}</b></p>'
    )


def _phrases(found: Explanation) -> str:
    rows = "".join(
        f"<li><q>{escape(phrase.text)}</q> → {escape(found.elements[phrase.element].text)} "
        f"<b>{phrase.share:.3f}</b></li>"
        for phrase in found.phrases
        if any(is_content(word) for word in phrase.text.split())
    )
    return f'<ul class="phrases" aria-label="phrases">{rows}</ul>' if rows else ""


def _missing(found: Explanation) -> str:
    if not found.missing:
        return '<p class="missing none">This scene lacks nothing that other scenes would meet better.</p>'
    rows = "".join(f"<li>{escape(entry.sentence)}</li>" for entry in found.missing)
    return f'<div class="missing"><b>Asked for, and not in this scene</b><ul>{rows}</ul></div>'
