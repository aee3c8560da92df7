"""The ENT panel: one picture, its neighbours by the image tower, and its neighbours along the flow, slider for t."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from runtime.bundle import MANIFEST
from runtime.errors import KgerError
from runtime.gallery import Gallery, Item
from runtime.images import read_image
from runtime.options import DEFAULT_BUNDLE

from .cards import UNEXPECTED, message
from .ent_board import columns
from .ent_space import Asked, EntSpace, named, open_space
from .examples import spread
from .first_start import Preparation, Ready
from .layout import thumbnails_of, upload_of
from .pictures import picture, shrink

log = logging.getLogger(__name__)

BUNDLE = DEFAULT_BUNDLE.with_name("ent")
K = 5
QUERIES = 8  # pictures of the gallery that are offered
LOOKED_THROUGH = 100  # items among which they are chosen
THUMBNAIL_PX = 240
TITLE = "Picture to picture: a vector field moves the vectors (ent)"
INTRODUCTION = (
    "Pick a picture, or give your own; it stays in this app. The image tower alone finds what looks alike as a whole. "
    "A learned vector field then moves every vector, from t = 0 to t = 1, so that pictures of one class come together; "
    "what else they have in common then counts less. Move the slider and watch the right column. Not a medical device."
)
PREPARING = "The gallery is still being prepared; open this panel again when the page tells that it is ready."

_Ask = Callable[[EntSpace, Ready], Asked | None]


@dataclass(frozen=True, eq=False)
class _Controls:
    """The components that events read and write; `asked` holds the visitor's query."""

    accordion: gr.Accordion
    thumbnails: gr.Gallery
    upload: gr.Image
    time: gr.Slider
    asked: gr.State
    shown: tuple[gr.HTML, ...]


def add_ent_panel(preparation: Preparation, bundle: Path = BUNDLE) -> None:
    """Adds the panel to the page that is being built; without an ent bundle there is none."""
    if not (bundle / MANIFEST).is_file():
        return
    with gr.Accordion(TITLE, open=False, elem_id="ent") as accordion:
        gr.HTML(f"<p class='small'>{INTRODUCTION}</p>")
        with gr.Row(equal_height=True):
            thumbnails, upload = _query_controls()
        time = gr.Slider(
            0,
            1,
            1,
            step=0.1,
            label="t: how far the flow has gone (0: the field is read without a step)",
            elem_id="ent-t",
        )
        told = gr.HTML("", elem_id="ent-told")
        with gr.Row(elem_id="ent-board", equal_height=False):
            columns = [gr.HTML("", elem_id=f"ent-{name}", apply_default_css=False) for name in ("asked", "raw", "flow")]
    _connect(_Controls(accordion, thumbnails, upload, time, gr.State(None), (told, *columns)), preparation, bundle)


def _connect(page: _Controls, preparation: Preparation, bundle: Path) -> None:
    answer = _answering(preparation, bundle)

    def expand(asked: Asked | None, t: float) -> tuple[Any, ...]:
        if asked is not None:
            return gr.skip(), *answer(lambda _space, _ready: None, t)
        items: list[Item] = []

        def first(space: EntSpace, ready: Ready) -> Asked:
            items.extend(offered(space, ready.system.gallery))
            return space.item(hardest(space, items))

        told = answer(first, t)
        return gr.Gallery(_thumbnails(items)) if items else gr.skip(), *told

    def take_item(t: float, select: gr.SelectData) -> tuple[Any, ...]:
        return None, *answer(lambda space, ready: space.item(offered(space, ready.system.gallery)[select.index].id), t)

    def take_file(file: dict[str, Any] | None, t: float) -> tuple[Any, ...]:
        return answer(lambda space, ready: space.file(Path(file["path"]), ready.system.encoder) if file else None, t)

    def move(asked: Asked | None, t: float) -> tuple[Any, ...]:
        return answer(lambda _space, _ready: asked, t)

    results = [page.asked, *page.shown]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    page.accordion.expand(expand, [page.asked, page.time], [page.thumbnails, *results], **quiet)
    page.thumbnails.select(take_item, page.time, [page.upload, *results], **quiet)
    # preprocess=False: Gradio would decode the file itself and answer a broken one without a sentence
    page.upload.input(take_file, [page.upload, page.time], results, preprocess=False, **quiet)
    page.time.input(move, [page.asked, page.time], results, trigger_mode="always_last", **quiet)


def _answering(preparation: Preparation, bundle: Path) -> Callable[[_Ask, float], tuple[Any, ...]]:
    def answer(ask: _Ask, t: float) -> tuple[Any, ...]:
        """(query, sentence, three columns); what cannot be answered is a sentence, and what was shown stays."""
        ready = preparation.ready
        if ready is None:
            return _kept(preparation.error or PREPARING, "note")
        try:
            space = open_space(bundle, ready.system.gallery.folder, ready.system.gallery.generation)
            asked = ask(space, ready)
            if asked is None:
                return (gr.skip(),) * 5
            return asked, "", *columns(space, asked, t, K, ready.system.gallery)
        except KgerError as error:
            return _kept(str(error))
        except Exception:  # the reader gets a sentence, the log the stack
            log.exception("the ENT panel failed")
            return _kept(UNEXPECTED)

    return answer


def _kept(text: str, kind: str = "error") -> tuple[Any, ...]:
    return gr.skip(), message(text, kind), *(gr.skip(),) * 3


def _query_controls() -> tuple[gr.Gallery, gr.Image]:
    thumbnails = thumbnails_of(
        "Pictures of the gallery: click one", QUERIES, height=132, elem_id="ent-pictures", scale=5, min_width=420
    )
    upload = upload_of(
        "Or your own", "Drop a picture, or click", height=132, elem_id="ent-upload", scale=1, min_width=190
    )
    return thumbnails, upload


def offered(space: EntSpace, gallery: Gallery) -> list[Item]:
    """The items that are offered as queries, spread over the gallery's classes."""
    some = gallery.items(space.ids[:: max(1, len(space.ids) // LOOKED_THROUGH)])
    return [item for item in spread(some, QUERIES) if picture(item.path).source is not None]


def hardest(space: EntSpace, items: Sequence[Item]) -> int:
    """The id of that item whose nearest by the tower are of its class least often: where a flow can be seen."""
    right = dict(zip(space.ids, space.right(None, K).tolist(), strict=True))
    return min((item.id for item in items), key=right.__getitem__, default=space.ids[0])


def _thumbnails(items: Sequence[Item]) -> list[tuple[Any, str]]:
    return [(shrink(read_image(Path(item.path)), THUMBNAIL_PX), named(item) or item.caption or "") for item in items]
