"""One visitor's question about scenes, answered: a search, or the list where there is no text. No Gradio here."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runtime.carim.results import CarimResult, Scene, SceneHit
from runtime.dataset.records import clean_text

from .carim_source import Ready
from .examples import where as joined

_PLAIN = re.compile(r"[^=!<>~|]+=[^=!<>~|][^|]*", re.DOTALL)  # key=value without alternatives of its own


@dataclass(frozen=True)
class Question:
    """What the panel's controls say: `facets` are the chosen values of each key, `filters` expressions."""

    text: str
    facets: Mapping[str, Sequence[str]]
    filters: Sequence[str] = ()
    most: int = 12

    @property
    def where(self) -> list[str]:
        """As filters of a search: several values of one key are alternatives, several keys must all hold."""
        chosen = [f"{key}={value}" for key, values in self.facets.items() for value in values]
        plain = [text for text in self.filters if _PLAIN.fullmatch(text)]
        return joined(list(dict.fromkeys([*chosen, *plain]))) + [text for text in self.filters if text not in plain]


@dataclass(frozen=True, eq=False)
class Shown:
    """What a session keeps: the scenes in the order shown, how many there are, and the search, None for the list."""

    question: Question
    scenes: tuple[Scene, ...]
    total: int
    result: CarimResult | None = None
    nothing: str = ""

    @property
    def heading(self) -> str:
        """What was found, as a line of text; why there is nothing where that is so."""
        if not self.scenes:
            return self.nothing
        only = f" where {' and '.join(self.question.where)}" if self.question.where else ""
        if self.result is None:
            return f"{len(self.scenes)} of {self.total} scenes{only}"
        took = f"{sum(self.result.timings_ms.values()):.1f} ms"
        facts = " · ".join([took, "exact" if self.result.exact else "two-stage", *self.result.notes])
        return f"best {len(self.scenes)} of {self.total} scenes for “{self.result.query}”{only} · {facts}"

    def to_json(self, root: Path, *, synthetic: bool) -> dict[str, Any]:
        """The question and every scene, JSON-ready; paths start from `root`, the data's folder."""
        hits = [scene.to_json() if isinstance(scene, SceneHit) else asdict(scene) for scene in self.scenes]
        for hit in hits:
            hit.update({key: None if hit[key] is None else relative(hit[key], root) for key in ("image", "frames")})
        question = {"text": self.question.text, "where": self.question.where}
        return {"question": question, "synthetic": synthetic, "total": self.total, "hits": hits}


def ask(ready: Ready, question: Question) -> Shown:
    """Searches, or lists without a text. Raises KgerError with a sentence for the reader."""
    text = clean_text(question.text or "")
    where = question.where
    scenes, total = ready.system.browse(where, offset=0, limit=question.most)
    if not total:
        return Shown(question, (), 0, nothing=nothing(ready, where))
    if not text:
        return Shown(question, tuple(scenes), total)
    result = ready.system.search(text, k=question.most, where=where)
    return Shown(question, result.hits, total, result)


def nothing(ready: Ready, where: Sequence[str]) -> str:
    """That nothing passes the filters, and which values there are."""
    keys = [key for key in ready.facets if any(text.startswith(key) for text in where)] or list(ready.facets)[:3]
    there = "; ".join(f"{key}: {', '.join(map(str, ready.facets[key]))}" for key in keys if key in ready.facets)
    return f"No scene matches {' and '.join(where) or 'this question'}; {there or 'there is no scene'}."


def relative(path: str, root: Path) -> str:
    """The path as it is called from the data's folder: where the server keeps its files is no visitor's business."""
    return os.path.relpath(Path(path).resolve(), root.resolve())
