"""A model's words become a caption or elements: the JSON asked for, or a sentence that says what is wrong with it."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, FailFast, StrictStr, ValidationError

from runtime.carim.elements import MOST_ELEMENTS, clean_elements
from runtime.judge.answers import first_problem

LONGEST_CAPTION = 6000  # characters; a model that repeats itself does not end by itself


class UnusableReplyError(ValueError):
    """A reply without what was asked for; the message goes back to the model."""


class _Caption(BaseModel):
    model_config = ConfigDict(extra="ignore")
    caption: StrictStr


class _Elements(BaseModel):
    model_config = ConfigDict(extra="ignore")
    elements: Annotated[list[StrictStr], FailFast()]


def read_caption(text: str) -> str:
    """The caption in one line; raises UnusableReplyError."""
    caption = " ".join(_read(_Caption, text).caption.split())
    if not caption:
        raise UnusableReplyError("the caption is empty")
    if len(caption) > LONGEST_CAPTION:
        raise UnusableReplyError(f"the caption has {len(caption)} characters; expected at most {LONGEST_CAPTION}")
    return caption


def read_elements(text: str) -> tuple[str, ...]:
    """What is present, cleaned: 1 to MOST_ELEMENTS; raises UnusableReplyError."""
    elements = clean_elements(_read(_Elements, text).elements)
    if not elements:
        raise UnusableReplyError(f"no element is left; expected 1 to {MOST_ELEMENTS} things that are present")
    return elements


READ: dict[str, Callable[[str], Any]] = {"caption": read_caption, "elements": read_elements}


def unfenced(text: str) -> str:
    """`text` without the fence around the whole that some models write even when asked not to."""
    plain = text.strip()
    if not (plain.startswith("```") and plain.endswith("```") and "\n" in plain):
        return plain
    return plain.partition("\n")[2].removesuffix("```").strip()


def _read(kind: type[BaseModel], text: str) -> Any:
    try:
        return kind.model_validate_json(unfenced(text))
    except ValidationError as error:
        raise UnusableReplyError(f"the reply's text is not the JSON asked for ({first_problem(error)})") from error
