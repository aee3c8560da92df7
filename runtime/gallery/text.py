"""How stored text and numbers are compared; SQLite calls these functions by name."""

import math
import unicodedata


def nfc(text: str) -> str:
    """Text in Unicode's composed form, so that two spellings of one Vietnamese letter are equal."""
    return unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """Text as case-insensitive comparison sees it; SQLite's own LOWER knows ASCII only."""
    return nfc(nfc(text).casefold())


def contains(value: object, part: str) -> bool:
    """Whether a stored value contains the already `folded` text `part`."""
    return value is not None and part in folded(str(value))


def number(value: object) -> float | None:
    """A stored number, or text that reads as one, as a finite float; None for the rest."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        result = float(value)
    except ValueError:
        return None
    return result if math.isfinite(result) else None
