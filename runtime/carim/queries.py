"""Files of queries: a text a line, or JSON Lines with `text` and, where there is one, `id`."""

import json
from pathlib import Path

from ..errors import InvalidInputError


def read_queries(path: Path) -> list[tuple[str, str]]:
    """(id, text) of every query, in order; without an id the line's number, from 1, stands for it.

    Raises InvalidInputError for a file that cannot be read, a line without a text, or none at all.
    """
    try:
        lines = path.read_text("utf-8-sig").split("\n")  # not splitlines: a text may hold U+2028
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path}: cannot be read ({error}); expected a text a line, or JSON Lines") from error
    found = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text:
            continue
        name = str(number)
        if path.suffix == ".jsonl":
            try:
                value = json.loads(text)
                name, text = str(value.get("id", name)), value["text"]
            except (ValueError, KeyError, AttributeError) as error:
                raise InvalidInputError(f"{path}:{number}: expected an object with `text` ({error})") from error
            if not isinstance(text, str) or not text.strip():
                raise InvalidInputError(f"{path}:{number}: text = {text!r}; expected words")
        found.append((name, text))
    if not found:
        raise InvalidInputError(f"{path}: no query; expected a text a line, or JSON Lines with `text`")
    return found
