"""The panel of the driving-scene system (CARIM): search and browse, a player, why a scene matches, exports."""

import atexit
from pathlib import Path
from typing import Any

import gradio as gr

from runtime.bundle import MANIFEST
from runtime.options import DEFAULT_BUNDLE

from .carim_cards import add_cards
from .carim_events import CLIP, CLIP_BUSY, FACETS, Events
from .carim_export import Exports
from .carim_player import add_player
from .carim_source import Preparation
from .carim_why import add_why

BUNDLE = DEFAULT_BUNDLE.with_name("carim")
TITLE = "Words to driving scenes: caption elements and late interaction (carim)"
EXAMPLES = (
    "a red car crossing a junction",
    "someone on a bicycle in the rain",
    "night drive in the fog",
    "a pedestrian at the zebra crossing in the morning",
    "bus waiting at a red light",
)


def add_carim_panel(cache: Path, bundle: Path = BUNDLE, data: Path | None = None) -> None:
    """Adds the panel to the page that is being built; without a carim bundle there is none.

    `cache` is a folder of the app: at the panel's first opening a small drive is drawn into it and encoded, or the
    rows of `data`, a folder with rows.jsonl, are encoded instead.
    """
    if not (bundle / MANIFEST).is_file():
        return
    preparation, exports = Preparation(bundle, cache, data), Exports()
    atexit.register(exports.close)
    atexit.register(preparation.stop)
    with gr.Accordion(TITLE, open=False, elem_id="carim") as accordion:
        Panel().connect(accordion, Events(preparation, exports))


class Panel:
    """The controls, made within the page that is being built."""

    def __init__(self) -> None:
        # a visitor's own: what the list shows, the film in the player, the last film that was written as MP4
        self.shown, self.film, self.made = gr.State(None), gr.State(None), gr.State(None)
        self.told = gr.HTML("", elem_id="carim-told", visible=False)
        self._ask_controls()
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=320):
                self.scenes = add_cards()
                self.more = gr.Button("More scenes", size="sm", visible=False, elem_id="carim-more")
            with gr.Column(scale=6, min_width=320):
                self.player = add_player()
                self.film_told = gr.HTML("", elem_id="carim-film-told", visible=False)
                with gr.Row(equal_height=True):
                    self.make = gr.Button(CLIP, size="sm", interactive=False, elem_id="carim-make")
                    self.clip = gr.DownloadButton("Download", size="sm", visible=False, elem_id="carim-clip")
                    self.json = gr.DownloadButton("Hits as JSON", size="sm", interactive=False, elem_id="carim-json")
                self.why = add_why()

    def _ask_controls(self) -> None:
        with gr.Row(equal_height=True):
            self.text = gr.Textbox(
                label="What happens in the scene? Without words all scenes are listed",
                placeholder=f"for example: {EXAMPLES[0]}",
                max_length=500,
                lines=1,
                scale=6,
                min_width=300,
                elem_id="carim-text",
            )
            self.go = gr.Button("Search scenes", variant="primary", scale=1, min_width=110, elem_id="carim-go")
        self.examples = gr.Dataset(
            components=[self.text],
            samples=[[text] for text in EXAMPLES],
            label="Examples",
            type="values",
            elem_id="carim-examples",
        )
        with gr.Row(equal_height=True):
            self.facets = [
                gr.Dropdown([], multiselect=True, label=label, elem_id=f"carim-{key}", min_width=150)
                for key, label in FACETS
            ]
            self.where = gr.Dropdown(
                [],
                multiselect=True,
                allow_custom_value=True,
                label="Only where, such as lanes>=2",
                elem_id="carim-where",
                min_width=190,
            )

    def connect(self, accordion: gr.Accordion, events: Events) -> None:
        """Connects every control, inside the page's context."""
        asked = [self.text, *self.facets, self.where]
        answered = [self.told, self.shown, self.scenes, self.more, self.json]
        seen = [self.film_told, self.film, self.player, self.make, self.clip, self.why]
        private: dict[str, Any] = {"api_visibility": "private"}
        quiet = {"show_progress": "hidden", **private}

        def then_first(event: Any) -> None:
            event.then(events.first, self.shown, seen, **quiet)

        opened = accordion.expand(events.prepare, self.shown, [self.told, *self.facets, self.where], **quiet)
        then_first(opened.then(events.answer_once, [self.shown, *asked], answered, **quiet))
        visible = {"show_progress": "minimal", "show_progress_on": [self.go], **private}
        for event in (self.go.click, self.text.submit):
            then_first(event(events.answer, asked, answered, **visible))
        taken = self.examples.click(lambda sample: sample[0], self.examples, self.text, **quiet)
        then_first(taken.then(events.answer, asked, answered, **quiet))
        for control in (*self.facets, self.where):
            then_first(control.input(events.answer, asked, answered, trigger_mode="always_last", **quiet))
        self.more.click(events.more, self.shown, answered, **quiet)
        self.scenes.select(events.chosen, self.shown, seen, trigger_mode="always_last", **quiet)
        making = self.make.click(lambda: gr.Button(CLIP_BUSY, interactive=False), None, self.make, **quiet)
        written = making.then(events.write, self.film, self.made, **quiet)
        written.then(events.offer, [self.film, self.made], [self.film_told, self.make, self.clip], **quiet)
