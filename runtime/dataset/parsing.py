"""UTF-8 text and JSON from files that others wrote: every failure names the file and the line."""

import json
import re
from pathlib import Path
from typing import Any

from ..errors import DatasetError

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_utf8(path: Path) -> str:
    """The file's text without a byte-order mark; DatasetError where it cannot be read or is not UTF-8."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror or error})") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DatasetError(
            f"{path}, line {line}: not UTF-8; save it as UTF-8, for example: "
            f"iconv -f CP1252 -t UTF-8 {path.name} > fixed-{path.name}"
        ) from error


def parse_json(text: str, *, pairs: bool = False) -> Any:
    """The JSON value of `text`; NaN and infinities become None.

    With `pairs`, objects are lists of (key, value), so that a repeated key loses nothing.
    Raises ValueError, whose message says what is wrong, and the line where `text` has several.
    """
    try:
        value = json.loads(text, parse_constant=lambda _: None, object_pairs_hook=list if pairs else None)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}" if "\n" in text else f"column {error.colno}"
        raise ValueError(f"malformed JSON ({error.msg} at {where})") from error
    except UnicodeEncodeError as error:
        raise ValueError("malformed JSON (half of a surrogate pair, which is no character)") from error
    except RecursionError as error:
        raise ValueError("malformed JSON (nested too deeply)") from error
    return value


def read_json(path: Path, *, pairs: bool = False) -> Any:
    """The JSON value of a file; DatasetError, which names the file and the line, where it is malformed."""
    try:
        return parse_json(read_utf8(path), pairs=pairs)
    except DatasetError:
        raise
    except ValueError as error:
        raise DatasetError(f"{path}: {error}") from error
