"""The panel of the lung nodule system: crops with scale bars, a diameter histogram, an alpha slider."""

import html
import math
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from runtime.bundle import MANIFEST
from runtime.errors import ImageDecodeError, KgerError
from runtime.gallery import Gallery
from runtime.images import RgbImage
from runtime.nodule.encoder import open_nodule_encoder
from runtime.nodule.indexing import index_regions
from runtime.nodule.interval import Interval
from runtime.nodule.picture import SIDE, hit_picture
from runtime.nodule.table import read_regions
from runtime.systems.nodule import NoduleHit, NoduleResult, NoduleSystem

from .cards import message

EXAMPLES = ("between 6 and 10 mm", "> 10 mm", "small nodule", "nốt lớn hơn 1 cm", "about 8 mm", "<= 6 mm")
BIN_MM, LAST_MM = 2, 40
WIDTH, HEIGHT = 640, 130
DIAMETERS = [("measured by readers", "measured"), ("read from the pixels", "read")]
NOTE = (
    "Each crop shows 40 × 40 mm. Phantom CT is drawn by a program from real outlines and shows no patient. "
    "Not a medical device."
)


BUNDLE = Path(__file__).resolve().parent.parent / "assets" / "bundles" / "nodule"
DATA = Path(__file__).resolve().parent.parent / "assets" / "nodule" / "phantoms"
TITLE = "Words to lung nodules: retrieval by size (nodule)"


def add_nodule_panel(gallery: Path, bundle: Path = BUNDLE, data: Path = DATA) -> None:
    """Adds the panel to the page that is being built; without a nodule bundle there is none.

    `gallery` is a folder in the app's cache: at the first question the slices in `data` are indexed into it.
    """
    if not (bundle / MANIFEST).is_file():
        return

    opening = threading.Lock()

    @lru_cache(maxsize=1)
    def opened() -> NoduleSystem:
        return open_panel_system(bundle, gallery, data)

    def respond(text: str, alpha: float, diameters: str, k: float) -> tuple[Any, ...]:
        try:
            with opening:  # two first visitors: one indexes, the other waits
                system = opened()
        except KgerError as error:
            return message(str(error), "error"), gr.skip(), gr.skip()
        return answer(system, text, alpha, diameters, k)

    with gr.Accordion(TITLE, open=False, elem_id="nodule"):
        with gr.Row(equal_height=True):
            text = gr.Textbox(EXAMPLES[0], label="Which size?", max_length=500, scale=5, elem_id="nodule-text")
            go = gr.Button("Search nodules", scale=1, min_width=100, elem_id="nodule-go")
        examples = gr.Dataset(components=[text], samples=[[e] for e in EXAMPLES], label="Sizes", type="values")
        with gr.Row(equal_height=True):
            alpha = gr.Slider(
                0, 1, 0.5, step=0.05, label="alpha: 0 the rule alone, 1 the cosine", elem_id="nodule-alpha"
            )
            diameters = gr.Radio(DIAMETERS, value="measured", label="The rule compares", elem_id="nodule-diameters")
            k = gr.Slider(1, 30, 12, step=1, label="How many crops", elem_id="nodule-k")
        shown = [gr.HTML("", elem_id="nodule-told"), gr.HTML("", elem_id="nodule-histogram"), _crops()]
        gr.HTML(f"<p>{NOTE}</p>")
        asked = [text, alpha, diameters, k]
        settings: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        for event in (go.click, text.submit):
            event(respond, asked, shown, **settings)
        for control in (alpha, diameters, k):
            control.input(respond, asked, shown, trigger_mode="always_last", **settings)
        taken = examples.click(lambda sample: sample[0], examples, text, **settings)
        taken.then(respond, asked, shown, **settings)


def _crops() -> gr.Gallery:
    return gr.Gallery(
        label="Crops of 40 × 40 mm",
        show_label=False,
        columns=6,
        object_fit="contain",
        buttons=[],
        interactive=False,
        format="jpeg",
        elem_id="nodule-crops",
    )


def answer(system: NoduleSystem, text: str, alpha: float, diameters: str, k: float) -> tuple[Any, ...]:
    """What the panel shows for a question: a sentence, the histogram, the crops with their captions."""
    try:
        result = system.search(text, k=int(k), alpha=alpha, diameters=diameters)
    except KgerError as error:
        return message(str(error), "error"), gr.skip(), gr.skip()
    every = [item.metadata for item in system.gallery.items(system.gallery.matrix()[0].tolist())]
    sizes = [float(m["diameter_read_mm"] if diameters == "read" else m.get("diameter_mm", math.nan)) for m in every]
    pictures = [(_picture(hit, result.interval), caption(hit)) for hit in result.hits]
    return summary(result), histogram_svg(sizes, result), pictures


def summary(result: NoduleResult) -> str:
    """What was understood and how long it took, as escaped HTML."""
    asked = " and ".join(result.understood) or "no size; the cosine alone ranks"
    total = sum(result.timings_ms.values())
    return f"<p>understood {html.escape(asked)} · {len(result.hits)} crops in {total:.1f} ms</p>"


def caption(hit: NoduleHit) -> str:
    """A crop's words: its place, what made its score, and its diameter against the interval."""
    return f"{hit.rank}. {hit.score:.3f} = cosine {hit.cosine:+.2f}, rule {hit.rule:.2f}; {hit.explanation}"


def histogram_svg(sizes_mm: list[float], result: NoduleResult) -> str:
    """The gallery's diameters in bins of 2 mm as SVG: the interval shaded, the hits as dots below."""
    known = np.array([size for size in sizes_mm if not math.isnan(size)])
    counts, _ = np.histogram(np.clip(known, 0, LAST_MM - 0.01), bins=np.arange(0, LAST_MM + BIN_MM, BIN_MM))
    x, tall = WIDTH / LAST_MM, HEIGHT - 34
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="diameters in the gallery" width="100%">']
    if result.interval:
        low, high = min(result.interval.low_mm, LAST_MM), min(result.interval.high_mm, LAST_MM)
        parts.append(f'<rect x="{low * x:.1f}" width="{(high - low) * x:.1f}" height="{tall}" fill="#4caf7a33"/>')
    for i, count in enumerate(counts.tolist()):
        height = tall * count / max(1, counts.max())
        place = f'x="{i * BIN_MM * x + 1:.1f}" y="{tall - height:.1f}" width="{BIN_MM * x - 2:.1f}"'
        label = f"{i * BIN_MM} to {(i + 1) * BIN_MM} mm: {count}"
        parts.append(f'<rect {place} height="{height:.1f}" fill="#7a86b8"><title>{label}</title></rect>')
    for hit in result.hits:
        at = min(hit.diameter_mm, LAST_MM) * x
        parts.append(f'<circle cx="{at:.1f}" cy="{tall + 8}" r="4" fill="#e08a2c" fill-opacity="0.7"/>')
    for mm in range(0, LAST_MM + 1, 10):
        anchor = "start" if mm == 0 else "end" if mm == LAST_MM else "middle"
        label = f"{mm} mm" + ("+" if mm == LAST_MM else "")
        parts.append(
            f'<text x="{mm * x:.0f}" y="{HEIGHT - 4}" font-size="9" text-anchor="{anchor}" fill="currentColor">'
            f"{label}</text>"
        )
    return "".join([*parts, "</svg>"])


def open_panel_system(bundle: Path, gallery: Path, data: Path) -> NoduleSystem:
    """The system over the slices in `data`, indexed into `gallery` where they are not yet.

    Raises DatasetError where `data` holds no table.
    """
    encoder = open_nodule_encoder(bundle)
    held = Gallery.create(gallery, fingerprint=encoder.fingerprint, folds=1, dims=encoder.dims, reencode=True)
    index_regions(read_regions(data), held, encoder)
    return NoduleSystem(encoder, held)


def _picture(hit: NoduleHit, interval: Interval | None) -> RgbImage:
    try:
        return hit_picture(hit.metadata, interval, hit.diameter_mm)
    except ImageDecodeError:  # the file has gone since it was indexed: its place stays, in grey
        return np.full((SIDE, SIDE, 3), 90, np.uint8)
