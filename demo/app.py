"""The app: a page over one preparation, and how it is served."""

from collections.abc import Callable
from pathlib import Path

import gradio as gr

from runtime.errors import InvalidInputError

from .carim_panel import add_carim_panel
from .ent_panel import add_ent_panel
from .events import connect
from .first_start import Preparation
from .layout import lay_out
from .nodule_panel import add_nodule_panel

STYLE = Path(__file__).with_name("style.css")
UPLOAD_LIMIT = "25mb"
WAITING = 32  # visitors in the queue; a later one is told that the app is busy


def build(
    preparation: Preparation,
    record: Path | None = None,
    nodules: Path | None = None,
    scenes: Path | None = None,
    carim: Path | None = None,
) -> gr.Blocks:
    """The page; `record` is the judge's file of replies, written by Gemini and read by replay.

    `nodules` and `scenes` are where the galleries of the nodule panel and of the panel of driving scenes are kept;
    without it there is no such panel. `carim` is a folder of scenes to show there instead of a drawn drive.
    """
    page = lay_out(preparation)
    with page.blocks:
        connect(page, preparation, record)
        add_ent_panel(preparation)
        if nodules is not None:
            add_nodule_panel(nodules)
        if scenes is not None:
            add_carim_panel(scenes, data=carim)
    return page.blocks


def launch(
    blocks: gr.Blocks,
    *,
    host: str,
    port: int,
    share: bool = False,
    auth: tuple[str, str] | None = None,
    served: Callable[[], None],
) -> None:
    """Serves the page until it is interrupted; calls `served` and says where once it answers.

    No file is served beside what Gradio itself keeps of uploads. Raises InvalidInputError where the port is taken.
    """
    blocks.queue(max_size=WAITING, default_concurrency_limit=2)
    try:
        _, url, shared = blocks.launch(
            server_name=host,
            server_port=port,
            share=share,
            quiet=True,
            prevent_thread_lock=True,
            auth=auth,
            allowed_paths=[],
            max_file_size=UPLOAD_LIMIT,
            run_history=False,
            footer_links=[],
            ssr_mode=False,
            theme=theme(),
            css_paths=STYLE,
        )
    except OSError as error:  # Gradio's message names settings that this app does not have
        raise InvalidInputError(
            f"port {port} of {host} is taken or not allowed; choose another: python -m demo --port {port + 1}"
        ) from error
    served()
    print(f"KGER on {shared or url} (Ctrl+C stops it)", flush=True)  # noqa: T201 - the app's one line to its user
    blocks.block_thread()


def theme() -> gr.themes.Base:
    """Fonts of the reader's system: the page loads nothing from elsewhere."""
    return gr.themes.Base(
        primary_hue="indigo",
        neutral_hue="slate",
        font=["system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "DejaVu Sans", "sans-serif"],
        font_mono=["ui-monospace", "DejaVu Sans Mono", "monospace"],
        radius_size="md",
        spacing_size="sm",
        text_size="md",
    )
