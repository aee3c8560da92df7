"""Which control causes what. Visitors share the read-only system; what one sees is in that session's state."""

import logging
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr

from runtime.errors import KgerError
from runtime.images import read_image

from . import board, frame
from .answer import QueryPicture, Question, Shown, fuse_again, fusion_of, search
from .cards import UNEXPECTED, alternative, message
from .first_start import Preparation, Ready
from .layout import DEFAULTS, Page
from .pictures import picture, shrink

log = logging.getLogger(__name__)

NOT_READY = "The gallery is still being prepared; the page tells when it is ready."
PRESS_SEARCH = "Press Search to ask Gemini: no setting sends pictures by itself."
EXAMPLE_WIDTH_PX = 240
SYNTHETIC_LABEL = "synthetic phantom"

Answer = tuple[Any, ...]  # one value for each of `_results`


def connect(page: Page, preparation: Preparation, record: Path | None) -> None:
    """Connects every control, inside the page's context."""
    _opening(page, preparation, record)
    _searching(page, preparation, record)
    _fusing(page, preparation)


def _results(page: Page) -> list[Any]:
    return [page.shown, *page.columns, page.timings, page.message]


def _drawn(shown: Shown) -> Answer:
    result, relevant = shown.result, shown.relevant
    return (
        shown,
        board.retrieval_column(result, relevant),
        board.judge_column(result, relevant),
        board.fused_column(result, relevant),
        board.summary(result, relevant),
        message(board.remarks(result), "note"),
    )


def _told(text: str, kind: str = "error") -> Answer:
    return *(gr.skip(),) * 5, message(text, kind)


def _sentences(answer: Callable[..., Answer]) -> Callable[..., Answer]:
    """An event whose errors become a sentence on the page; what was shown stays."""

    @wraps(answer)
    def safe(*values: Any) -> Answer:
        try:
            return answer(*values)
        except KgerError as error:
            return _told(str(error))
        except Exception:  # the reader gets a sentence, the log the stack
            log.exception("an event of the page failed")
            return _told(UNEXPECTED)

    return safe


def _opening(page: Page, preparation: Preparation, record: Path | None) -> None:
    told = [page.header, page.progress, page.timer]
    offered = [page.texts, page.pictures, page.filters, page.text]

    def open_page(shown: Shown | None) -> Answer:
        ready = preparation.ready
        waiting = ready is None and preparation.error is None
        state = (frame.header(preparation), frame.progress(preparation), gr.Timer(active=waiting))
        if ready is None or shown is not None:
            return *state, *(gr.skip(),) * (len(offered) + 6)
        return *state, *_offered(ready), *_first_answer(ready, record)

    for event in (page.blocks.load, page.timer.tick):
        event(
            open_page,
            inputs=page.shown,
            outputs=[*told, *offered, *_results(page)],
            show_progress="hidden",
            api_visibility="private",
        )


def _offered(ready: Ready) -> Answer:
    examples = ready.examples
    images = [
        (shrink(read_image(Path(item.path)), EXAMPLE_WIDTH_PX), alternative(item.caption, picture(item.path)))
        for item in examples.pictures
    ]
    label = "Example pictures" + (f" ({SYNTHETIC_LABEL}s)" if ready.synthetic else "")
    return (
        gr.Dataset(samples=[[text] for text in examples.texts]),
        gr.Gallery(images, label=label),
        gr.Dropdown(choices=list(examples.filters)),
        examples.texts[0] if examples.texts else gr.skip(),
    )


def _first_answer(ready: Ready, record: Path | None) -> Answer:
    """The page opens on the first example, answered."""
    if not ready.examples.texts:
        return (gr.skip(),) * 6
    question = Question(ready.examples.texts[0], None, 5, "mean", (), "local", consent=False)
    return _sentences(lambda: _drawn(search(ready, question, DEFAULTS, record)))()


def _searching(page: Page, preparation: Preparation, record: Path | None) -> None:
    asked = [
        page.text, page.query_picture, page.k, page.mode, page.filters, page.judge, page.consent, page.judge_mode,
        page.least, *page.fusion,
    ]  # fmt: skip

    @_sentences
    def answer(*values: Any) -> Answer:
        if preparation.ready is None:
            return _told(preparation.error or NOT_READY)
        question = Question(*values[:9])
        return _drawn(search(preparation.ready, question, fusion_of(values[9:]), record))

    def answer_setting(shown: Shown | None, *values: Any) -> Answer:
        if shown is None:
            return (gr.skip(),) * 6
        return _told(PRESS_SEARCH, "note") if values[5] == "gemini" else answer(*values)

    private = {"api_visibility": "private", "outputs": _results(page)}
    for event in (page.go.click, page.text.submit):
        event(answer, inputs=asked, show_progress="minimal", show_progress_on=[page.go], **private)
    page.judge.change(
        lambda name: gr.Checkbox(visible=name == "gemini"), page.judge, page.consent,
        show_progress="hidden", api_visibility="private",
    )  # fmt: skip
    for control in (page.k, page.mode, page.filters, page.judge):
        control.change(
            answer_setting, inputs=[page.shown, *asked], trigger_mode="always_last", show_progress="hidden", **private
        )
    _examples(page, preparation, answer_setting, [page.shown, *asked], private)


def _examples(
    page: Page, preparation: Preparation, answer: Callable[..., Answer], asked: list[Any], private: dict[str, Any]
) -> None:
    query = [page.text, page.picture, page.picture_note, page.query_picture]

    def take_text(sample: list[str]) -> Answer:
        return sample[0], None, "", None

    def take_picture(chosen: gr.SelectData) -> Answer:
        if preparation.ready is None:
            return (gr.skip(),) * len(query)
        item = preparation.ready.examples.pictures[chosen.index]
        return (
            "",
            read_image(Path(item.path)),
            frame.picture_note(Path(item.path)),
            QueryPicture(Path(item.path), item.id),
        )

    def take_upload(file: dict[str, Any] | None) -> Answer:
        if file is None:
            return "", None
        path = Path(file["path"])
        return frame.picture_note(path), QueryPicture(path)

    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    page.texts.click(take_text, page.texts, query, **quiet).then(answer, asked, show_progress="hidden", **private)
    page.pictures.select(take_picture, None, query, **quiet).then(answer, asked, show_progress="hidden", **private)
    # preprocess=False: Gradio would decode the file itself and answer a broken one without a sentence.
    # Its check that the path is an upload comes before that and stays.
    page.picture.input(take_upload, page.picture, query[2:], preprocess=False, **quiet)


def _fusing(page: Page, preparation: Preparation) -> None:
    outputs = [page.shown, page.columns[2], page.timings, page.message]

    @_sentences
    def fuse(shown: Shown | None, *values: Any) -> Answer:
        if shown is None or preparation.ready is None:
            return (gr.skip(),) * 6
        return _drawn(fuse_again(preparation.ready, shown, fusion_of(values[1:]), values[0]))

    def fuse_third(shown: Shown | None, *values: Any) -> Answer:
        state, _, _, third, timings, told = fuse(shown, *values)
        return state, third, timings, told

    for control in (page.least, *page.fusion):
        control.change(
            fuse_third,
            inputs=[page.shown, page.least, *page.fusion],
            outputs=outputs,
            trigger_mode="always_last",
            show_progress="hidden",
            api_visibility="private",
        )
