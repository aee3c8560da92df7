"""captions.jsonl: captions, elements and metadata that came with the pictures, {token, caption, elements, meta} a line.

`token` is the row's id: a nuScenes sample's token, or a picture's path in its folder.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from runtime.errors import DatasetError

from .shot import Failure, Shot

NAME = "captions.jsonl"


def described(shots: Sequence[Shot], path: Path) -> tuple[tuple[Shot, ...], tuple[Failure, ...]]:
    """The shots with what `path` says of them, and a failure for each line that is none.

    What stands in the file stands above what the source derived; a token without a shot is of another shard, or of
    a picture that failed, and is left out. Raises DatasetError where the file cannot be read.
    """
    try:
        lines = path.read_text("utf-8").split("\n")  # not splitlines: a text may hold U+2028
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"{path}: cannot be read ({error}); expected {NAME} with token, caption, elements"
        ) from error
    known: dict[str, dict[str, Any]] = {}
    failures = []
    for number, line in enumerate(lines, start=1):
        try:
            if line.strip():
                entry = _entry(json.loads(line))
                if entry["token"] in known:
                    raise ValueError(f"token {entry['token']!r} occurs twice")
                known[entry["token"]] = entry
        except (ValueError, TypeError) as error:
            failures.append(Failure("", "", "given", f"{path.name}:{number}: {error}"))
    return tuple(_with(shot, known[shot.id]) if shot.id in known else shot for shot in shots), tuple(failures)


def _entry(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get("token"), str):
        raise ValueError("expected an object with token, caption, elements and meta")
    return {"token": value["token"]} | words_of(value)


def words_of(value: dict[str, Any]) -> dict[str, Any]:
    """`caption`, `elements` and `meta` of a parsed line, None or {} where absent; ValueError says what is wrong."""
    caption, elements, meta = value.get("caption"), value.get("elements"), value.get("meta") or {}
    if not (caption is None or isinstance(caption, str)):
        raise ValueError(f"caption = {caption!r}; expected a text")
    if elements is not None and not (isinstance(elements, list) and all(isinstance(e, str) for e in elements)):
        raise ValueError(f"elements = {elements!r}; expected a list of texts")
    if not isinstance(meta, dict):
        raise ValueError(f"meta = {meta!r}; expected an object")
    return {"caption": caption, "elements": None if elements is None else tuple(elements), "meta": meta}


def _with(shot: Shot, entry: dict[str, Any]) -> Shot:
    stated = {key: value for key, value in entry["meta"].items() if value is not None}
    words = {name: entry[name] for name in ("caption", "elements") if entry[name]}
    return replace(shot, meta=shot.meta | stated, **words)
