"""nuScenes' tables: JSON arrays of flat objects, read one by one, for sample_data.json alone is above a gigabyte."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runtime.errors import DatasetError

BLOCK = 1 << 20  # characters
_BETWEEN = " \t\r\n,"


def read_table(folder: Path, name: str, keys: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The entries of folder/name.json, `keys` of each; memory does not grow with the table.

    Raises DatasetError where the table is missing, damaged, or an entry lacks a key.
    """
    path = folder / f"{name}.json"
    try:
        with path.open(encoding="utf-8") as stream:
            for number, entry in enumerate(_objects(iter(lambda: stream.read(BLOCK), "")), start=1):
                missing = [key for key in keys if not isinstance(entry, dict) or key not in entry]
                if missing:
                    raise DatasetError(f"{path}: entry {number} has no {', '.join(missing)}; not a nuScenes table")
                yield {key: entry[key] for key in keys}
    except FileNotFoundError as error:
        raise DatasetError(
            f"{path}: the table is missing; expected nuScenes' folder with samples/ and v1.0-…/{name}.json"
        ) from error
    except (OSError, ValueError) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(f"{path}: cannot be read as a nuScenes table ({error})") from error


def _objects(blocks: Iterator[str]) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    buffer = next(blocks, "").lstrip("\ufeff" + _BETWEEN)
    if not buffer.startswith("["):
        raise ValueError("it is no list")
    at = 1
    while True:
        while at < len(buffer) and buffer[at] in _BETWEEN:
            at += 1
        if buffer[at : at + 1] == "]":
            return
        try:
            value, at = decoder.raw_decode(buffer, at)
        except json.JSONDecodeError as error:
            more = next(blocks, "")  # the object goes on in the next block, or is damaged
            if not more:
                raise ValueError(f"it is damaged or cut short: {error.msg}") from error
            buffer, at = buffer[at:] + more, 0
            continue
        yield value
