"""What the CARIM panel's controls cause. Visitors share the read-only system; what one sees is in that session."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from runtime.errors import InvalidInputError, KgerError

from .cards import UNEXPECTED, message
from .carim_answer import Question, Shown, ask
from .carim_cards import cards
from .carim_export import Exports
from .carim_player import Film, film_of, idle, player_value
from .carim_source import Preparation, Ready
from .carim_why import why
from .frame import waiting

log = logging.getLogger(__name__)

FACETS = (("time_of_day", "Time of day"), ("weather", "Weather"), ("location", "Location"))
NATURAL = ("morning", "daytime", "evening", "night")
PAGE = 12  # scenes at first, and more with every press of the button
EVERY_S = 0.3  # between two looks at the preparation
NOT_READY = "The scenes are still being prepared; they appear when that is done."
UNPLAYED = "The film of this scene cannot be played."
CLIP, CLIP_BUSY = "Make an MP4 of these seconds", "Writing the MP4 …"

Answer = tuple[Any, ...]  # one value for each output of the event


@dataclass(frozen=True)
class Made:
    """A film that was written to `path`, or could not be, as `told` says."""

    film: Film
    told: str
    path: Path | None
    label: str


class Events:
    """The panel's events, for all visitors."""

    def __init__(self, preparation: Preparation, exports: Exports) -> None:
        self._preparation, self._exports = preparation, exports

    def prepare(self, shown: Shown | None) -> Iterator[Answer]:
        """Prepares at the first opening and tells how far it is; then what the filters offer."""
        rest = (gr.skip(),) * (1 + len(FACETS))
        self._preparation.start()
        while not self._preparation.wait(EVERY_S):
            yield gr.HTML(waiting("First opening", self._preparation), visible=True), *rest
        if self._preparation.ready is None:
            yield _told(self._preparation.error or NOT_READY), *rest
        else:
            yield _told(""), *(offered(self._preparation.ready) if shown is None else rest)

    def answer(self, text: str, *chosen: list[str] | None) -> Answer:
        """The scenes for the text and the filters: FACETS' values, then the expressions."""
        *values, filters = chosen
        facets = {key: found or () for (key, _), found in zip(FACETS, values, strict=True)}
        return self._ask(Question(text or "", facets, tuple(filters or ()), PAGE))

    def answer_once(self, shown: Shown | None, text: str, *chosen: list[str] | None) -> Answer:
        """As `answer`, where nothing was shown yet and the scenes are prepared."""
        return (gr.skip(),) * 5 if shown or self._preparation.ready is None else self.answer(text, *chosen)

    def more(self, shown: Shown) -> Answer:
        """The same question with more scenes."""
        return self._ask(replace(shown.question, most=shown.question.most + PAGE))

    def first(self, shown: Shown | None) -> Answer:
        """What is seen of the first scene."""
        return self._see(shown, 0, reveal=False)

    def chosen(self, shown: Shown | None, event: gr.EventData) -> Answer:
        """What is seen of the scene whose card was pressed."""
        place = event._data.get("place") if isinstance(event._data, dict) else None
        return self._see(shown, place if isinstance(place, int) else -1, reveal=True)

    def write(self, film: Film | None) -> Made | None:
        """Writes the film as MP4, which takes seconds: the visitor may have gone on to another scene meanwhile."""
        if film is None:
            return None

        def written() -> Answer:
            path, seconds = self._exports.clip(film)
            return path, f"Download {seconds:.0f} s of film ({path.stat().st_size / 1e6:.1f} MB)"

        told, answer = _sentences(written)
        return Made(film, told, *(answer or (None, "")))

    def offer(self, film: Film | None, made: Made | None) -> Answer:
        """The download in the place of the button that made it, where that film is still the one that is seen."""
        if made is None or made.film != film:
            return (gr.skip(),) * 3
        if made.path is None:
            return _told(made.told), _make(True), gr.skip()
        return _told(""), gr.Button(visible=False), gr.DownloadButton(made.label, value=made.path, visible=True)

    def _ask(self, question: Question) -> Answer:
        def found() -> Answer:
            ready = self._ready()
            shown = ask(ready, question)
            listed = cards(shown.scenes, shown.heading, synthetic=ready.synthetic)
            file = self._exports.hits(ready, shown)
            more = gr.Button(visible=shown.total > len(shown.scenes))
            return _told(""), shown, listed, more, gr.DownloadButton(value=file, interactive=bool(shown.scenes))

        told, answer = _sentences(found)
        return answer or (_told(told), *(gr.skip(),) * 4)

    def _ready(self) -> Ready:
        if self._preparation.ready is None:
            raise InvalidInputError(self._preparation.error or NOT_READY)
        return self._preparation.ready

    def _see(self, shown: Shown | None, place: int, *, reveal: bool) -> Answer:
        """The film, the exports and the reasons of the scene at `place`."""
        no_clip = gr.DownloadButton(visible=False)
        if shown is None or (shown.scenes and not 0 <= place < len(shown.scenes)):
            return (gr.skip(),) * 6
        if not shown.scenes:
            return _told(""), None, idle(), _make(False), no_clip, ""
        scene, ready = shown.scenes[place], self._ready()
        synthetic = ready.synthetic or bool(scene.metadata.get("synthetic"))
        reasons = why(scene, shown.result.query if shown.result else "", synthetic=synthetic)

        def filmed() -> Answer:
            film = film_of(ready.root, scene, synthetic=synthetic)
            played = player_value(film, reveal=reveal)
            return _told(""), film, played, _make(film is not None), no_clip, reasons

        told, answer = _sentences(filmed)
        return answer or (_told(told), None, idle(UNPLAYED), _make(False), no_clip, reasons)


def _sentences(act: Callable[[], Answer]) -> tuple[str, Answer | None]:
    """What `act` returns; where it fails, a sentence for the reader and None."""
    try:
        return "", act()
    except KgerError as error:
        text = str(error)
        return text[:1].upper() + text[1:], None
    except Exception:  # the reader gets a sentence, the log the stack
        log.exception("an event of the carim panel failed")
        return UNEXPECTED, None


def _told(text: str) -> gr.HTML:
    # a line without a text takes no room
    return gr.HTML(message(text), visible=bool(text))


def _make(possible: bool) -> gr.Button:
    return gr.Button(CLIP, interactive=possible, visible=True)


def offered(ready: Ready) -> list[gr.Dropdown]:
    """The filters' lists, from what there is: each value with the number of its scenes."""
    lists = []
    for key, label in FACETS:
        values = ready.facets.get(key, {})
        ordered = sorted(values, key=lambda v: (NATURAL.index(v) if v in NATURAL else len(NATURAL), v))
        lists.append(gr.Dropdown([(f"{value} ({values[value]})", value) for value in ordered], label=label))
    named = {key for key, _ in FACETS}
    rest = {key: values for key, values in ready.facets.items() if key not in named and len(values) > 1}
    plain = [(key, value.replace("|", "\\|")) for key, values in rest.items() for value in sorted(values)]
    return [*lists, gr.Dropdown([f"{key}={value}" for key, value in plain])]
