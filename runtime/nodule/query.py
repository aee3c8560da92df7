"""A question in words to an interval in millimetres, in English and Vietnamese: one parser for training and search.

Ranges ("6-10 mm", "between 6 and 10 mm", "từ 6 đến 10 mm"), comparisons ("> 3 mm", "at least 1 cm", "dưới 6 mm",
"10 mm or more"), plain sizes ("5mm": ±0.5 mm; "about 5 mm": ±1 mm) and words (small, medium-size, large). Parts
that stand together all hold. A number without a unit is in the unit of its range's other end, else in millimetres.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InvalidInputError
from .interval import Interval

PLAIN_MM, ABOUT_MM = 0.5, 1.0  # "5 mm" is what rounds to 5; readers of one nodule differ by about 1 mm
SMALL, MEDIUM, LARGE = Interval(high_mm=6), Interval(6, 10, low_closed=False), Interval(10, low_closed=False)
BINS = (SMALL, MEDIUM, LARGE)  # as published: ≤ 6, 6–10, > 10 mm
EXAMPLES = '"> 6 mm", "between 6 and 10 mm", "dưới 1 cm", "large"'
LONGEST = 500  # characters

_MORE = (
    r">|over|above|beyond|exceeding|(?:more|greater|larger|bigger|wider|longer) than|"
    r"trên|hơn|(?:lớn|to|nhiều|dài|rộng) hơn|vượt(?: quá)?"
)
_LESS = (
    r"<|under|below|(?:less|smaller|lower|fewer|shorter|narrower) than|"
    r"dưới|(?:nhỏ|bé|ít|ngắn) hơn|chưa đến|chưa tới"
)
_LEAST = (
    r">=|=>|≥|⩾|(?:more|greater|larger|bigger)(?: than)? or equal(?: to)?|(?:lớn|to) hơn hoặc bằng|"
    r"at least|min(?:imum)?(?: of)?|from|starting at|"
    r"(?:no|not) (?:less|smaller|fewer) than|not (?:under|below)|"
    r"ít nhất|tối thiểu|không (?:nhỏ|bé|ít) hơn|không dưới|từ"
)
_MOST = (
    r"<=|=<|≤|⩽|(?:less|smaller|lower)(?: than)? or equal(?: to)?|(?:nhỏ|bé) hơn hoặc bằng|"
    r"at most|max(?:imum)?(?: of)?|up to|"
    r"(?:no|not) (?:more|greater|larger|bigger) than|not (?:over|above)|"
    r"nhiều nhất|tối đa|không quá|không (?:lớn|to|nhiều) hơn|không trên|đến|tới"
)
_ABOUT = r"~|≈|about|around|approximately|approx\.?|roughly|circa|ca\.|khoảng|chừng|tầm|xấp xỉ|gần"
_EQUAL = r"=|exactly|equal(?:s| to)?|of|measuring|đúng|bằng|cỡ"
_UP = r"\+|(?:or|and) (?:more|larger|bigger|greater|above|over|up)(?! than| *\d)|trở lên|hoặc (?:hơn|lớn hơn)(?! *\d)"
_DOWN = r"(?:or|and) (?:less|smaller|below|under|down)(?! than| *\d)|trở xuống|hoặc (?:ít hơn|nhỏ hơn)(?! *\d)"
_UNIT = r"mm|cm|milli?met(?:er|re)?s?|centimet(?:er|re)?s?|mi(?:li|-li-)mét|xăng(?:ti|-ti-)mét|phân"
_NUMBER = r"\d{1,4}(?:[.,]\d{1,3})?"
_SPACED = re.compile(r"\s+")

_KINDS = {"least": _LEAST, "most": _MOST, "more": _MORE, "less": _LESS, "about": _ABOUT, "equal": _EQUAL}


def _word(pattern: str) -> str:
    # a word must end where it ends ("of" is not in "often"); a sign may touch anything
    return rf"(?:(?<![^\W\d])(?:{pattern})(?![^\W\d]))"


def _size(name: str, before: str = r"(?<![\w.,])") -> str:
    number = rf"{before}(?P<{name}>{_NUMBER})(?![.,]?\d)"
    return rf"{number}(?:\s*-?\s*(?P<{name}_unit>(?:{_UNIT})(?![^\W\d])))?"


_BEFORE = "|".join(f"(?P<{kind}>{_word(pattern)})" for kind, pattern in _KINDS.items())
_RANGE = re.compile(
    rf"(?:{_word('between|from|in the range(?: of)?|trong khoảng(?: từ)?|từ|giữa')}\s*)?{_size('low')}\s*"
    rf"(?:-|–|—|−|{_word('to|through|and|đến|tới|và')})\s*{_size('high', before='')}"
)
_COMPARED = re.compile(rf"(?:(?:{_BEFORE})\s*)?{_size('size')}\s*(?:(?P<up>{_UP})|(?P<down>{_DOWN}))?")
_WORDS = {
    "small": (SMALL, r"small|little|tiny|nhỏ|bé"),
    "medium": (MEDIUM, r"medium(?:[- ]sized?)?|mid[- ]?sized?|intermediate|moderate|trung bình|vừa"),
    "large": (LARGE, r"large|big|huge|lớn|to"),
}
_NAMED = re.compile(
    rf"(?P<negated>{_word('not|no|non|không')}\s+)?(?:{_word('very|rất|quá')}\s+)?"
    rf"(?:{'|'.join(f'(?P<{name}>{_word(words)})' for name, (_, words) in _WORDS.items())})"
)
_OPPOSITE = {"small": Interval(6, low_closed=False), "large": Interval(high_mm=10)}


@dataclass(frozen=True)
class Understood:
    """A part of a question as it was read: the words and the interval they mean."""

    words: str
    interval: Interval

    def __str__(self) -> str:
        return f"“{self.words}” as {self.interval}"


def parse_query(text: str) -> Interval:
    """The diameters that `text` asks for.

    Raises InvalidInputError where no size is named or the named ones exclude each other; the message shows what was
    understood.
    """
    parts = understood(text)
    if not parts:
        raise InvalidInputError(f"no size understood in {text!r}; expected something like {EXAMPLES}")
    interval = parts[0].interval
    for part in parts[1:]:
        try:
            interval = interval.intersect(part.interval)
        except InvalidInputError as error:
            raise InvalidInputError(f"{text!r}: understood {_joined(parts)}; no diameter is all of it") from error
    return interval


def understood(text: str) -> list[Understood]:
    """Every part of `text` that names a size, in its order; raises InvalidInputError for one that cannot be met."""
    if len(text) > LONGEST:
        raise InvalidInputError(f"the question has {len(text)} characters; at most {LONGEST} are read")
    plain = _SPACED.sub(" ", unicodedata.normalize("NFC", text).casefold()).strip()
    found: list[tuple[int, Understood]] = []
    for pattern, read in ((_RANGE, _range), (_COMPARED, _compared), (_NAMED, _named)):
        for match in pattern.finditer(plain):
            words = match.group().strip()
            try:
                interval = read(match)
            except InvalidInputError as error:
                raise InvalidInputError(f"{text!r}: understood “{words}”, but {error}") from error
            found.append((match.start(), Understood(words, interval)))
        # what was read is blanked, so that "larger than 6 mm" is not also "6 mm"
        plain = pattern.sub(lambda match: "|" * len(match.group()), plain)
    return [part for _, part in sorted(found, key=lambda entry: entry[0])]


def _millimetres(number: str, unit: str | None) -> float:
    value = float(number.replace(",", "."))
    return value * 10 if unit and unit[0] in "cxp" else value


def _range(match: re.Match[str]) -> Interval:
    unit = match["high_unit"] or match["low_unit"]
    ends = sorted((_millimetres(match["low"], match["low_unit"] or unit), _millimetres(match["high"], unit)))
    return Interval(ends[0], ends[1])


def _compared(match: re.Match[str]) -> Interval:
    size = _millimetres(match["size"], match["size_unit"])
    kind = next((name for name in _KINDS if match[name]), "equal")
    if kind in {"equal", "about", "least"} and match["up"]:
        kind = "least"
    elif kind in {"equal", "about", "most"} and match["down"]:
        kind = "most"
    match kind:
        case "more":
            return Interval(size, low_closed=False)
        case "least":
            return Interval(size)
        case "less":
            return Interval(high_mm=size, high_closed=False)
        case "most":
            return Interval(high_mm=size)
    reach = ABOUT_MM if kind == "about" else PLAIN_MM
    return Interval(max(0.0, size - reach), size + reach)


def _named(match: re.Match[str]) -> Interval:
    name = next(name for name in _WORDS if match[name])
    if not match["negated"]:
        return _WORDS[name][0]
    if name not in _OPPOSITE:
        raise InvalidInputError("what is not medium is two intervals; ask for small or for large")
    return _OPPOSITE[name]


def _joined(parts: Sequence[Understood]) -> str:
    return " and ".join(str(part) for part in parts)
