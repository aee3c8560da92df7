"""What one call asks a model that looks at pictures, and the key under which its reply is recorded."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from string import ascii_uppercase

import numpy as np

from ..errors import InvalidInputError
from ..images import RgbImage, decode_image
from .picture import shrink_to_jpeg
from .prompt import Prompt, finding_block

MOST_CANDIDATES = len(ascii_uppercase)
SHOWN = {"pointwise": "Candidate image:", "caption": "Picture:"}  # stands before the one picture


@dataclass(frozen=True, eq=False)
class Picture:
    """A candidate's image file: what it is called in messages, and its bytes. Hashed and decoded once for all calls."""

    name: str
    content: bytes

    @cached_property
    def sha256(self) -> str:
        """Of the file's bytes."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def pixels(self) -> RgbImage:
        """(H, W, 3) uint8; raises ImageDecodeError where the file is no picture."""
        return decode_image(self.content, name=self.name)


@dataclass(frozen=True)
class ReplyKey:
    """What a reply answers. `candidates`: the pictures' SHA-256 in the order shown; `shape_sha256` covers the
    prompt, the knowledge beside it and what else shapes the request; `attempt` 1 is the one re-ask."""

    mode: str
    query_text: str | None
    query_image_sha256: str | None
    candidates: tuple[str, ...]
    shape_sha256: str
    model: str
    run: int
    attempt: int = 0

    @property
    def sha256(self) -> str:
        """Of the fields as canonical JSON: the key in a record, also where the texts were redacted."""
        canonical = json.dumps(vars(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Request:
    """One call in `mode` pointwise (one candidate), listwise (several) or pairwise (two).

    Two modes ask for words instead of scores: caption (of one picture) and elements (of a caption, the `text`).
    `candidates` stand in the order in which they are shown, under the neutral ids A, B, C …; `complaint` says
    what was wrong with the reply before.
    """

    mode: str
    prompt: Prompt
    text: str | None
    image: RgbImage | None
    candidates: tuple[Picture, ...]
    run: int = 0
    knowledge: str = ""
    max_image_px: int = 384
    temperature: float | None = None
    complaint: str = ""

    def __post_init__(self) -> None:
        if len(self.candidates) > MOST_CANDIDATES:
            raise InvalidInputError(
                f"{len(self.candidates)} candidates in one listwise call; at most {MOST_CANDIDATES}: lower -k, "
                "or judge pointwise"
            )

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the candidates, in the order shown."""
        return tuple(ascii_uppercase[: len(self.candidates)])

    def key(self, model: str) -> ReplyKey:
        """The record's key of this request to `model`."""
        shape = f"{self.prompt.sha256} {self.max_image_px} {self.temperature}"
        if self.knowledge:
            shape += f" {hashlib.sha256(self.knowledge.encode()).hexdigest()}"
        return ReplyKey(
            mode=self.mode,
            query_text=self.text,
            query_image_sha256=self._image_sha256,
            candidates=tuple(picture.sha256 for picture in self.candidates),
            shape_sha256=hashlib.sha256(shape.encode()).hexdigest(),
            model=model,
            run=self.run,
            attempt=int(bool(self.complaint)),
        )

    @cached_property
    def _image_sha256(self) -> str | None:
        return pixels_sha256(self.image)  # each request is looked up more than once

    def again(self, complaint: str) -> "Request":
        """The same request once more, which says what was wrong with the reply."""
        return replace(self, complaint=complaint)

    def parts(self) -> Iterator[str | bytes]:
        """What is sent after the prompt: texts, and pictures as JPEG. Raises ImageDecodeError for a broken one."""
        if self.knowledge:
            yield f"<knowledge>{self.knowledge}</knowledge>"
        if self.text:
            block = finding_block(self.text)  # it escapes ">", so no word of the text is renamed
            yield block.replace("finding>", "caption>") if self.mode == "elements" else block
        if self.image is not None:
            yield "Example image of the finding:"
            yield shrink_to_jpeg(self.image, self.max_image_px)
        for name, picture in zip(self.ids, self.candidates, strict=True):
            yield SHOWN.get(self.mode, f"Candidate {name}:")
            yield shrink_to_jpeg(picture.pixels, self.max_image_px)
        if self.complaint:
            yield f"Your last reply could not be used: {self.complaint}. Answer again, with the JSON asked for alone."


def pixels_sha256(image: RgbImage | None) -> str | None:
    """Of the picture's shape and pixels; None where there is none."""
    if image is None:
        return None
    pixels = np.ascontiguousarray(image)
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
