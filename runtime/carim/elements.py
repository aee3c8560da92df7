"""Caption elements: short noun phrases of what a scene holds, in the one form that every stage reads."""

import re
import unicodedata
from collections.abc import Iterable

MOST_ELEMENTS = 32  # a scene keeps so many, in the order given (FACTS: CARIM)
LONGEST_ELEMENT = 120  # characters

_NEGATED = re.compile(
    r"^(?:no|not|none|without|absence of|lack of|there (?:is|are) no)\b|\b(?:absent|is not|are not|isn['’]t|"
    r"aren['’]t|not (?:visible|present))\b"
)
# what the sign forbids; the sign itself is there
_FORBIDDING = re.compile(
    r"^no[ -](?:entry|parking|stopping|standing|waiting|overtaking|passing|(?:(?:left|right|u)[ -])?turn(?:s|ing)?)"
    r"(?:[ -]on[ -]red)?[ -](?:signs?|zones?|markings?)\b"
)
_EDGES = " \t\r\n.,;:!?\"'`*-•–—()[]{}"
_NUMBERED = re.compile(r"^\d+[.)]\s+")


def normalised(text: str) -> str:
    """Lower case, NFC, single spaces, no bullet or number in front, no punctuation at the ends."""
    folded = " ".join(unicodedata.normalize("NFC", text).split()).lower()
    return _NUMBERED.sub("", folded).strip(_EDGES)


def is_negated(element: str) -> bool:
    """Whether a normalised element says that something is not there."""
    return bool(_NEGATED.search(element)) and not _FORBIDDING.search(element)


def clean_elements(raw: Iterable[str]) -> tuple[str, ...]:
    """Normalised, without negations, empty or overlong ones and repetitions; at most MOST_ELEMENTS, in order."""
    kept: dict[str, None] = {}
    for text in raw:
        element = normalised(text)
        if element and len(element) <= LONGEST_ELEMENT and not is_negated(element):
            kept.setdefault(element)
    return tuple(kept)[:MOST_ELEMENTS]


def split_elements(reply: str) -> tuple[str, ...]:
    """The comma- or line-separated list that a model wrote, cleaned."""
    return clean_elements(re.split(r"[,\n;]", reply))
