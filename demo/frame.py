"""What stands around the columns: the header, and the progress of the first start."""

from html import escape
from pathlib import Path
from typing import Any

from .first_start import Preparation
from .pictures import is_phantom
from .preparation import Background

SYNTHETIC = "All pictures here are synthetic phantoms: drawn by a program, they show no patient."
NO_DEVICE = "Not a medical device."
CONSENT = (
    "I consent: the query and the candidates' pictures leave this machine and are sent to Google's Gemini service. "
    "Medical images leave this machine with them."
)


def header(preparation: Preparation) -> str:
    """Title, what the bundle is, and the two notes that always stand there."""
    manifest = preparation.encoder.bundle.manifest
    facts = f"{manifest.folds} folds × {manifest.dims} dimensions · {manifest.recipe} {manifest.precision}"
    ready = preparation.ready
    if ready is not None:
        count = len(ready.system.gallery)
        facts += f" · {count:,} pictures"
    note = f'<span class="badge synthetic">{SYNTHETIC}</span>' if ready is not None and ready.synthetic else ""
    return (
        '<div class="masthead"><div><h1>KGER <span>knowledge-grounded image retrieval</span></h1>'
        f'<p class="small">{escape(facts)}</p></div>'
        f'<p class="badges">{note}<span class="badge">{NO_DEVICE}</span></p></div>'
    )


def progress(preparation: Preparation) -> str:
    """How far the first start is, or why it failed; empty once all is ready."""
    if preparation.error is not None:
        return f'<div class="message error" role="alert">{escape(preparation.error)}</div>'
    if preparation.ready is not None:
        return ""
    return waiting("First start", preparation, " the page opens by itself when this is done.")


def waiting(title: str, work: Background[Any], then: str = "") -> str:
    """How far the work is, as a line with a bar; `then` says what follows."""
    share = 100 * work.done / work.total if work.total else 0
    count = f" {work.done} of {work.total}" if work.total else ""
    return (
        f'<div class="message note" role="status"><b>{title}:</b> {escape(work.stage)}{count} …{then}'
        f'<div class="bar"><i class="fused" style="width:{share:.0f}%"></i></div></div>'
    )


def picture_note(path: Path) -> str:
    """The name of the query's picture, and whether it is a synthetic one."""
    label = " · synthetic phantom" if is_phantom(path) else ""
    return f'<p class="small picture-note">query: {escape(path.name)}{label}</p>'
