"""The layout of the page: which controls there are and where they stand. The look is style.css."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from runtime.fusion import DECAYS, STRATEGIES, VARIANTS, PosFuseSettings

from . import frame
from .first_start import Preparation

DEFAULTS = PosFuseSettings()
JUDGES = [
    ("local caption judge", "local"),
    ("none", "none"),
    ("Gemini", "gemini"),
    ("replay", "replay"),
]
JUDGE_MODES = [("one candidate a call", "pointwise"), ("all in one call", "listwise")]
MODES = [("mean cosine", "mean"), ("top-five votes", "votes")]


@dataclass(frozen=True, eq=False)
class Page:
    """The components that events read and write."""

    blocks: gr.Blocks
    header: gr.HTML
    progress: gr.HTML
    timer: gr.Timer
    text: gr.Textbox
    texts: gr.Dataset
    picture: gr.Image
    picture_note: gr.HTML
    pictures: gr.Gallery
    query_picture: gr.State
    go: gr.Button
    k: gr.Slider
    mode: gr.Radio
    filters: gr.Dropdown
    judge: gr.Radio
    consent: gr.Checkbox
    judge_mode: gr.Dropdown
    least: gr.Slider
    message: gr.HTML
    fusion: tuple[gr.Slider | gr.Dropdown, ...]
    timings: gr.HTML
    columns: tuple[gr.HTML, gr.HTML, gr.HTML]
    shown: gr.State


def lay_out(preparation: Preparation) -> Page:
    """The page, without events."""
    with gr.Blocks(title="KGER", analytics_enabled=False, delete_cache=(3600, 3600), fill_width=True) as blocks:
        header = gr.HTML(frame.header(preparation), elem_id="header")
        progress = gr.HTML(frame.progress(preparation), elem_id="progress")
        with gr.Row(elem_id="ask", equal_height=False):
            with gr.Column(scale=5, min_width=340):
                asking = _ask_controls()
            with gr.Column(scale=3, min_width=280):
                showing = _picture_controls()
        setting = _setting_controls()
        message, timings = gr.HTML("", elem_id="message"), gr.HTML("", elem_id="timings")
        with gr.Row(elem_id="board", equal_height=False):
            first, second, third = (gr.HTML("", elem_id=f"stage-{n}", apply_default_css=False) for n in (1, 2, 3))
        return Page(
            blocks=blocks,
            header=header,
            progress=progress,
            timer=gr.Timer(1.0),
            message=message,
            timings=timings,
            columns=(first, second, third),
            shown=gr.State(None),
            **asking,
            **showing,
            **setting,
        )


def _ask_controls() -> dict[str, Any]:
    with gr.Row(elem_id="question", equal_height=True):
        text = gr.Textbox(
            label="What are you looking for?",
            placeholder="for example: ear wax plug on the right",
            max_length=500,
            lines=1,
            scale=6,
            elem_id="text",
        )
        go = gr.Button("Search", variant="primary", scale=1, min_width=100, elem_id="go")
    texts = gr.Dataset(
        components=[text], samples=[], label="Examples: captions of the gallery", type="values", elem_id="texts"
    )
    with gr.Row(equal_height=True):
        judge = gr.Radio(JUDGES, value="local", label="Judge", elem_id="judge", scale=5, min_width=300)
        filters = gr.Dropdown([], multiselect=True, label="Only where", elem_id="filters", scale=3, min_width=170)
    consent = gr.Checkbox(False, label=frame.CONSENT, visible=False, elem_id="consent")
    return {"text": text, "go": go, "texts": texts, "judge": judge, "filters": filters, "consent": consent}


def _picture_controls() -> dict[str, Any]:
    image = upload_of(
        "Or a picture, alone or with the text",
        "Drop a picture here, or click to choose one",
        height=168,
        elem_id="picture",
    )
    note = gr.HTML("", elem_id="picture-note")
    pictures = thumbnails_of("Example pictures", 6, height=100, elem_id="pictures")
    return {"picture": image, "picture_note": note, "pictures": pictures, "query_picture": gr.State(None)}


def upload_of(label: str, placeholder: str, **place: Any) -> gr.Image:
    """Where a visitor gives a picture of their own; `place` is Gradio's height, elem_id, scale and min_width."""
    return gr.Image(
        label=label,
        type="filepath",
        format="png",
        sources=["upload", "clipboard"],
        buttons=[],
        placeholder=placeholder,
        alt_text="the query's picture",
        **place,
    )


def thumbnails_of(label: str, columns: int, **place: Any) -> gr.Gallery:
    """A row of pictures to choose a query from; `place` as in `upload_of`."""
    return gr.Gallery(
        label=label,
        columns=columns,
        rows=1,
        object_fit="contain",
        allow_preview=False,
        interactive=False,
        buttons=[],
        format="jpeg",
        **place,
    )


def _setting_controls() -> dict[str, Any]:
    with gr.Row(elem_id="settings", equal_height=True):
        k = gr.Slider(1, 20, 5, step=1, label="How many (k)", elem_id="k", min_width=170)
        weight = _share("Weight of the judge", DEFAULTS.judge_weight, "judge-weight")
        position = _share("Its order over its scores", DEFAULTS.position_weight, "position-weight")
        rate = gr.Slider(
            0.05, 1, DEFAULTS.decay_rate, step=0.05, label="Decay rate", elem_id="decay-rate", min_width=170
        )
    with gr.Accordion("More settings", open=False, elem_id="more"), gr.Row(equal_height=True):
        mode = gr.Radio(MODES, value="mean", label="Ten folds together by", elem_id="mode", min_width=230)
        judge_mode = gr.Dropdown(
            JUDGE_MODES, value="pointwise", label="Gemini sees", elem_id="judge-mode", min_width=150
        )
        decay = gr.Dropdown(list(DECAYS), value=DEFAULTS.decay, label="Decay over the places", min_width=150)
        strategy = gr.Dropdown(list(STRATEGIES), value=DEFAULTS.strategy, label="Both sides together by", min_width=150)
        variant = gr.Dropdown(list(VARIANTS), value=DEFAULTS.variant, label="Unjudged items", min_width=150)
        least = gr.Slider(0, 1, 0, step=0.05, label="No good match below (probability)", elem_id="least", min_width=200)
    fusion = (weight, position, rate, decay, strategy, variant)
    return {"k": k, "mode": mode, "judge_mode": judge_mode, "least": least, "fusion": fusion}


def _share(label: str, value: float, name: str) -> gr.Slider:
    return gr.Slider(0, 1, value, step=0.05, label=label, elem_id=name, min_width=170)
