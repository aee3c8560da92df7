"""An evaluation as one HTML file that needs nothing beside it: tables, plots, and pictures as data URIs."""

import base64
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runtime.dataset import Record
from runtime.errors import ImageDecodeError
from runtime.files import write_text
from runtime.images import read_image
from runtime.judge.picture import shrink_to_jpeg

TEMPLATES = Path(__file__).with_name("templates")
THUMBNAIL_PX = 144


@dataclass(frozen=True)
class Table:
    """Cells that are text already; `folded` hides it behind its title until it is asked for."""

    title: str
    head: list[str]
    rows: list[list[str]]
    note: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Shown:
    """A small picture as a data URI ("" where it cannot be read), what is said of it, whether it is relevant."""

    uri: str
    text: str
    relevant: bool


@dataclass(frozen=True)
class WorstQuery:
    """A query that went wrong: what it got first, and what it should have found."""

    text: str
    verdict: str
    got: list[Shown]
    wanted: list[Shown]


@dataclass(frozen=True)
class Section:
    """One data set: what must be known of it, its tables and plots (title, data URI), its worst queries."""

    title: str
    facts: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    plots: list[tuple[str, str]] = field(default_factory=list)
    worst: list[WorstQuery] = field(default_factory=list)


def write_report(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Writes the report atomically; every text is escaped, captions and ids come from files of others."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  of requirements-bench.txt

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    write_text(path, environment.get_template("report.html").render(title=title, sections=sections))


def png_uri(draw: Callable[[Path], Path]) -> str:
    """The PNG that `draw` writes into the folder it is given, as a data URI."""
    with tempfile.TemporaryDirectory() as folder:
        return _uri(draw(Path(folder)).read_bytes(), "png")


def thumbnail(record: Record, *, relevant: bool) -> Shown:
    """The record's picture as a small JPEG with its name and first caption."""
    try:
        uri = _uri(shrink_to_jpeg(read_image(record.path), THUMBNAIL_PX), "jpeg")
    except ImageDecodeError:
        uri = ""
    caption = next(iter(record.captions or record.captions_vi), "")
    return Shown(uri, f"{record.file}: {caption}" if caption else record.file, relevant)


def _uri(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
