"""Weather and time of day, from what is at hand: a caption's words and the hour in a file's name (FACTS: CARIM).

They are derived, so what a data set states itself stands above them.
"""

import re

from ..errors import InvalidInputError

WEATHERS = ("clear", "rain", "fog", "snow")
TIMES_OF_DAY = ("morning", "daytime", "evening", "night")

_ALTERNATIVES = {
    # not what people wear or what is built for it: a rain coat is worn after the rain, too
    "rain": r"(?:rain(?:s|ing|y|fall|storm)?|drizzl(?:e|es|ing|y)|downpours?|rain ?showers?)"
    r"(?![ -](?:coats?|jackets?|boots?|gear|gutters?|covers?|ponchos?))",
    "fog": r"(?:fog(?:gy)?|mist(?:y)?|haz[ey])(?![ -](?:lights?|lamps?|horns?))",
    "snow": r"(?:snow(?:s|ing|y|fall)?|sleet|blizzard)(?![ -](?:tyres?|tires?|ploughs?|plows?|chains?))",
    # "clear" alone is said of roads and views as well
    "clear": r"(?:sunny|sunshine|sunlit|cloudless|blue sk(?:y|ies)|(?:clear|fair) and dry|dry weather"
    r"|clear (?:\w+ )?(?:sk(?:y|ies)|weather|day|night|morning|afternoon|evening|conditions)"
    r"|(?:sk(?:y|ies)|weather|day|night|morning|afternoon|evening) (?:is|are|was) clear)",
}
_SAID = re.compile("|".join(rf"(?P<{name}>\b{words}\b)" for name, words in _ALTERNATIVES.items()))
_CLAUSES = re.compile(r"[.;:!?\n]+|,? \b(?:but|however|although|though|while|whereas|yet|except)\b")
_WORD = re.compile(r"[\w'’-]+|,")
_NEGATORS = {"no", "not", "never", "without", "neither", "nor", "none", "absence", "lack", "lacks", "free", "cannot"}
# behind them a new thing begins: "no cars in the rain" says that it rains
_STOPS = {
    "and", "in", "under", "during", "through", "despite", "amid", "on", "at", "as", "because", "due", "by", "is", "are",
}  # fmt: skip
_REACH = 4  # words between a negator and what it denies: "no visible sign of any rain"
_DENIED_AFTER = re.compile(
    r"^(?:-free|(?: or \w+| and \w+)? (?:is|are|was|has|have) "
    r"(?:not\b|absent|over\b|gone|stopped|ended|ceased|cleared|lifted)|n't)"
)
_NAMED_HOUR = re.compile(
    r"(?<!\d)(?:19|20)\d{2}[-_]?\d{2}[-_]?\d{2}[-_T ]([01]\d|2[0-3])[-_:]?[0-5]\d(?:[-_:]?[0-5]\d)?"
)


def weather_of(caption: str) -> str | None:
    """One of WEATHERS by the caption's words, None where it says nothing; what is negated does not count.

    Rain, fog and snow stand above "clear"; of several the one that is said first.
    """
    found: list[str] = []
    for clause in _CLAUSES.split(caption.lower()):
        denied_to = 0  # "no rain, fog or snow": a list behind a denied word is denied with it
        for match in _SAID.finditer(clause):
            between = clause[denied_to : match.start()]
            joined = denied_to and not set(_WORD.findall(between)) - {",", "or", "nor", "and", "any"}
            if joined or _is_denied(clause, match):
                denied_to = match.end()
            else:
                found.append(str(match.lastgroup))
    return next((name for name in found if name != "clear"), found[0] if found else None)


def _is_denied(clause: str, match: re.Match[str]) -> bool:
    if _DENIED_AFTER.match(clause[match.end() :]):
        return True
    words = _WORD.findall(clause)
    listed = "or" in words or "nor" in words  # "no wind, rain or fog" denies over its commas, "no cars, rain" does not
    distance = 0
    for word in reversed(_WORD.findall(clause[: match.start()])):
        if word in _NEGATORS or word.endswith(("n't", "n’t")):
            return True
        distance += word not in {",", "or", "a", "an", "the", "of", "any"}
        if word in _STOPS or distance > _REACH or (word == "," and not listed):
            return False
    return False


def time_of_day(hour: int) -> str:
    """One of TIMES_OF_DAY: 5–12 morning, 12–17 daytime, 17–20 evening, else night; the upper hour is the next's.

    Raises InvalidInputError for no hour of a day.
    """
    if not 0 <= hour <= 23:
        raise InvalidInputError(f"hour {hour}; expected 0 to 23")
    for name, start, end in (("morning", 5, 12), ("daytime", 12, 17), ("evening", 17, 20)):
        if start <= hour < end:
            return name
    return "night"


def hour_in(name: str) -> int | None:
    """The hour that a file's name states (`n015-2018-07-24-11-22-45+0800__CAM_FRONT__….jpg`: 11), None without one."""
    found = _NAMED_HOUR.search(name)
    return int(found.group(1)) if found else None
