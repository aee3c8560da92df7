"""The panel of the lung nodule system: crops with scale bars, a diameter histogram, an alpha slider."""

import hashlib
import logging
import math
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr

from runtime.bundle import MANIFEST
from runtime.errors import KgerError
from runtime.gallery import Gallery
from runtime.nodule.encoder import open_nodule_encoder
from runtime.nodule.indexing import index_regions
from runtime.nodule.table import read_regions
from runtime.options import DEFAULT_BUNDLE
from runtime.systems.nodule import NoduleSystem

from . import nodule_board as board
from .cards import UNEXPECTED, message

log = logging.getLogger(__name__)

EXAMPLES = ("between 6 and 10 mm", "> 10 mm", "small nodule", "nốt lớn hơn 1 cm", "about 8 mm", "<= 6 mm")
DIAMETERS = [("measured by readers", "measured"), ("read from the pixels", "read")]
INTRODUCTION = (
    "Ask for nodules by size, in English or Vietnamese, in millimetres, centimetres or words. Two things rank the "
    "crops: the cosine of your words and the picture, and a rule that compares a diameter with the asked size. "
    "Each crop shows 40 × 40 mm around a nodule, with a scale bar; the circle has the crop's diameter. "
    "Phantom CT is drawn by a program from real outlines and shows no patient. Not a medical device."
)
BUNDLE = DEFAULT_BUNDLE.with_name("nodule")
DATA = Path(__file__).resolve().parent.parent / "assets" / "nodule" / "phantoms"
TITLE = "Words to lung nodules: retrieval by size (nodule)"

Answer = tuple[Any, ...]  # the sentence, the histogram, the crops


def add_nodule_panel(gallery: Path, bundle: Path = BUNDLE, data: Path = DATA) -> None:
    """Adds the panel to the page that is being built; without a nodule bundle there is none.

    `gallery` is a folder in the app's cache: at the first question the slices in `data` are indexed into it.
    """
    if not (bundle / MANIFEST).is_file():
        return
    with gr.Accordion(TITLE, open=False, elem_id="nodule") as accordion:
        gr.HTML(f"<p class='small'>{INTRODUCTION}</p>")
        with gr.Row(equal_height=True):
            text = gr.Textbox(EXAMPLES[0], label="Which size?", max_length=500, scale=6, elem_id="nodule-text")
            go = gr.Button("Search nodules", variant="primary", scale=1, min_width=140, elem_id="nodule-go")
        examples = gr.Dataset(components=[text], samples=[[e] for e in EXAMPLES], label="Examples", type="values")
        asked = [text, *_settings()]
        shown = [
            gr.HTML("", elem_id=f"nodule-{name}", apply_default_css=False) for name in ("told", "histogram", "crops")
        ]
    respond = _answering(bundle, gallery, data)
    settings: dict[str, Any] = {"show_progress": "minimal", "api_visibility": "private"}
    for event in (accordion.expand, go.click, text.submit):
        event(respond, asked, shown, **settings)
    settings["show_progress"] = "hidden"
    for control in asked[1:]:
        control.input(respond, asked, shown, trigger_mode="always_last", **settings)
    taken = examples.click(lambda sample: sample[0], examples, text, **settings)
    taken.then(respond, asked, shown, **settings)


def _settings() -> list[gr.Slider | gr.Radio]:
    with gr.Row(equal_height=True):
        return [
            gr.Slider(0, 1, 0.5, step=0.05, label="alpha: weight of the cosine", elem_id="nodule-alpha",
                      info="0: the rule alone; 1: the cosine alone"),
            gr.Radio(DIAMETERS, value="measured", label="Diameter", elem_id="nodule-diameters",
                     info="which one the rule compares"),
            gr.Slider(1, 30, 12, step=1, label="How many", elem_id="nodule-k", info="crops shown"),
        ]  # fmt: skip


def _answering(bundle: Path, gallery: Path, data: Path) -> Callable[..., Answer]:
    opening = threading.Lock()

    @lru_cache(maxsize=1)
    def opened() -> NoduleSystem:
        return open_panel_system(bundle, gallery, data)

    def respond(text: str, alpha: float, diameters: str, k: float) -> Answer:
        try:
            with opening:  # two first visitors: one indexes, the other waits
                system = opened()
            return answer(system, text, alpha, diameters, k)
        except KgerError as error:
            return _told(str(error))
        except Exception:  # the reader gets a sentence, the log the stack
            log.exception("the nodule panel failed")
            return _told(UNEXPECTED)

    return respond


def answer(system: NoduleSystem, text: str, alpha: float, diameters: str, k: float) -> Answer:
    """What the panel shows for a question: a sentence, the histogram, the crops, all as HTML.

    What cannot be understood is told in the sentence's place; what was shown goes, since it answers another question.
    """
    try:
        result = system.search(text, k=int(k), alpha=alpha, diameters=diameters)
    except KgerError as error:
        return _told(str(error))
    every = [item.metadata for item in system.gallery.items(system.gallery.matrix()[0].tolist())]
    sizes = [float(m["diameter_read_mm"] if diameters == "read" else m.get("diameter_mm", math.nan)) for m in every]
    return board.summary(result), board.histogram(sizes, result), board.crops(result)


def _told(text: str) -> Answer:
    return message(text[:1].upper() + text[1:]), "", ""


def open_panel_system(bundle: Path, gallery: Path, data: Path) -> NoduleSystem:
    """The system over the slices in `data`, indexed where they are not yet into a gallery of their own in `gallery`.

    Raises DatasetError where `data` holds no table.
    """
    encoder = open_nodule_encoder(bundle)
    # named by its data: the same slices in another place would stand in it twice
    folder = gallery / hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]
    held = Gallery.create(folder, fingerprint=encoder.fingerprint, folds=1, dims=encoder.dims, reencode=True)
    index_regions(read_regions(data), held, encoder)
    return NoduleSystem(encoder, held)
