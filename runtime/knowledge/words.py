"""Texts as words to look up: the same key for every way of writing a word, and where each word stands."""

import re
import unicodedata
from dataclasses import dataclass

_WORD = re.compile(r"\w+")
_JOINS = re.compile(r"[\s\-‐‑'’\"“”]*")  # what may stand between two words of one term
_ENDS_SENTENCE = re.compile(r"[.;:!?\n]")
# decomposed "hoá", "khoẻ", "thuỷ" (new style) against "hóa", "khỏe", "thủy" (old style); "quý" is both
_TONE = re.compile(r"(o|(?<!q)u)((?<=o)[ae]|(?<=u)y)([\u0300\u0301\u0303\u0309\u0323])(?![\w\u0300-\u036f])")


@dataclass(frozen=True)
class Word:
    """A word of a text: its key, its place in the text, and the clause and sentence it stands in."""

    key: str
    start: int
    stop: int
    clause: int
    sentence: int


def compose(text: str) -> str:
    """`text` in Unicode's composed form (NFC), which `words` counts its places in."""
    return unicodedata.normalize("NFC", text)


def key_of(word: str) -> str:
    """The spelling under which a word is looked up: case folded, composed, Vietnamese tone marks in the old style."""
    decomposed = unicodedata.normalize("NFD", word.casefold())
    return unicodedata.normalize("NFC", _TONE.sub(r"\1\3\2", decomposed))


def words(text: str) -> list[Word]:
    """The words of `text`, which must be composed. Any mark but hyphen, apostrophe and quote ends a clause."""
    found: list[Word] = []
    clause = sentence = stop = 0
    for match in _WORD.finditer(text):
        between = text[stop : match.start()]
        stop = match.end()
        if not _JOINS.fullmatch(between) or "\n" in between:
            clause += 1
            sentence += bool(_ENDS_SENTENCE.search(between))
        found.append(Word(key_of(match.group()), match.start(), stop, clause, sentence))
    return found
