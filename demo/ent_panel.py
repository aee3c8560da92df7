"""The ENT panel: one picture, its neighbours by the image tower, and its neighbours along the flow, slider for t."""

import logging
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from runtime.bundle import MANIFEST, Bundle
from runtime.encoder import DualEncoder
from runtime.ent.flow import FlowGraph
from runtime.errors import KgerError
from runtime.gallery import Gallery, Item
from runtime.systems.ent import EntSystem

from .cards import alternative, figure, message
from .first_start import Preparation, Ready
from .pictures import picture

log = logging.getLogger(__name__)

BUNDLE = Path(__file__).resolve().parent.parent / "assets" / "bundles" / "ent"
K = 5
MOST = 1000  # a larger gallery is not moved for a slider: eleven vectors an item are kept
QUERIES = 12
TITLE = "Picture to picture: a vector field moves the vectors (ent)"


def add_ent_panel(preparation: Preparation, bundle: Path = BUNDLE) -> None:
    """Adds the panel to the page that is being built; without an ent bundle there is none."""
    if not (bundle / MANIFEST).is_file():
        return
    with gr.Accordion(TITLE, open=False, elem_id="ent"):
        with gr.Row(equal_height=True):
            chosen = gr.Dropdown([], label="Query: a picture of the gallery", elem_id="ent-query", scale=3)
            time = gr.Slider(0, 1, 1, step=0.1, label="t of the flow", elem_id="ent-t", scale=3)
            show = gr.Button("Show", elem_id="ent-show", scale=1, min_width=100)
        with gr.Row(equal_height=False):
            columns = [gr.HTML("", elem_id=f"ent-{name}") for name in ("asked", "raw", "flow")]

        def answer(item: int | None, t: float) -> tuple[Any, ...]:
            ready = preparation.ready
            if ready is None:
                return gr.skip(), message("The gallery is still being prepared.", "note"), "", ""
            try:
                return panel(ready, bundle, item, t)
            except KgerError as error:
                return gr.skip(), message(str(error), "error"), "", ""

        asked = {"inputs": [chosen, time], "outputs": [chosen, *columns], "api_visibility": "private"}
        show.click(answer, show_progress="minimal", **asked)
        chosen.input(answer, show_progress="hidden", **asked)
        time.release(answer, show_progress="hidden", trigger_mode="always_last", **asked)


def panel(ready: Ready, bundle: Path, item: int | None, t: float) -> tuple[Any, ...]:
    """The dropdown with its choices, the query's card, the neighbours by the tower, those at time t.

    Raises a KgerError where the bundle and the gallery do not belong together.
    """
    space = _space(bundle, ready.system.gallery.folder, ready.system.gallery.generation)
    gallery = ready.system.gallery
    query = item if item in space.ids else space.queries[0]
    row = space.ids.index(query)
    choices = [(_name(found), found.id) for found in gallery.items(space.queries)]
    raw = neighbours(space.raw, row)
    moved = neighbours(space.path[:, round(10 * t)], row)
    items = {found.id: found for found in gallery.items([space.ids[i] for i, _ in (*raw, *moved)] + [query])}
    asked = items[query]
    return (
        gr.Dropdown(choices=choices, value=query),
        f"<h3>Query</h3>{_card(asked, 'query', asked, None)}",
        _column("Image tower alone", space, raw, items, asked),
        _column(f"After the flow, t = {t:.1f}", space, moved, items, asked),
    )


class _Space:
    """A gallery's rows (N, D) by the tower, and (N, 11, D) along the flow."""

    def __init__(self, system: EntSystem) -> None:
        ids, self.raw = system.gallery.matrix()
        if len(ids) > MOST:
            ids, self.raw = ids[:MOST], self.raw[:MOST]
        self.ids = [int(i) for i in ids]
        self.path = system.flow.path(self.raw)
        spread = np.linspace(0, len(self.ids) - 1, min(QUERIES, len(self.ids))).round().astype(int)
        self.queries = [self.ids[i] for i in spread]


@lru_cache(maxsize=2)
def _space(bundle: Path, folder: Path, generation: int) -> _Space:
    log.info("moving the gallery %s, generation %d", folder, generation)
    opened = Bundle.open(bundle)
    flow, encoder = FlowGraph.of(opened, provider="cpu"), DualEncoder(opened, provider="cpu")
    own = {opened.manifest.fingerprint, opened.manifest.training.get("tower", {}).get("fingerprint")}
    with Gallery.open(folder) as gallery:
        if gallery.info.fingerprint not in own:
            raise KgerError(f"the gallery {folder} was made by another image tower than that of {bundle}")
        return _Space(EntSystem(encoder, flow, gallery))


def neighbours(rows: np.ndarray, row: int) -> list[tuple[int, float]]:
    """The K rows nearest to `row` of (N, D) unit rows, itself left out: (position, cosine), best first."""
    cosines = rows @ rows[row]
    cosines[row] = -2
    best = np.lexsort((np.arange(len(rows)), -cosines))[: min(K, len(rows) - 1)]
    return [(int(i), float(cosines[i])) for i in best]


def _column(title: str, space: _Space, found: list[tuple[int, float]], items: dict[int, Item], asked: Item) -> str:
    cards = [_card(items[space.ids[i]], str(rank), asked, cosine) for rank, (i, cosine) in enumerate(found, start=1)]
    right = sum(items[space.ids[i]].metadata.get("class") == asked.metadata.get("class") for i, _ in found)
    counted = f" · {right} of {len(found)} of the query's class" if "class" in asked.metadata else ""
    return f"<h3>{escape(title)}</h3><p class='small'>{escape(counted.lstrip(' ·'))}</p>{''.join(cards)}"


def _card(item: Item, rank: str, asked: Item, cosine: float | None) -> str:
    name = _name(item)
    same = item.metadata.get("class") == asked.metadata.get("class")
    mark = "" if cosine is None or "class" not in item.metadata else (" ✓" if same else " ✗")
    score = "" if cosine is None else f" · cosine {cosine:.3f}"
    label = alternative(item.caption, picture(item.path))
    drawn = figure(picture(item.path), rank, item.caption)
    body = f'<div class="body"><p>{escape(name + mark + score)}</p></div>'
    return f'<article class="card" style="--hue:#4f46e5" title="{escape(label)}">{drawn}{body}</article>'


def _name(item: Item) -> str:
    kind = item.metadata.get("class")
    return f"{Path(item.path).name}{f' ({kind})' if kind else ''}"
