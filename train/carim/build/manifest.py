"""carim.json, the last file of a data folder: what was built, from what, by whom, and the hash of its rows."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from runtime.errors import DatasetError
from runtime.files import sha256_file, write_json

from .places import ROWS

NAME = "carim.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Manifest:
    """`source`, `captioner` and `extractor` by name; `settings` what else shaped the rows; `all_scenes` and
    `all_scenes_sha256` of the whole source; `shard` {index, of, scenes} of a part, None of a whole; `sha256` of
    rows.jsonl."""

    source: str
    captioner: str
    extractor: str
    synthetic: bool
    settings: dict[str, Any]
    all_scenes: int
    all_scenes_sha256: str
    counts: dict[str, int] = field(default_factory=dict)
    shard: dict[str, Any] | None = None
    sha256: str = ""

    def write(self, folder: Path) -> None:
        """Writes carim.json atomically."""
        write_json(folder / NAME, {"schema_version": SCHEMA_VERSION, **asdict(self)})


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a finished folder; raises DatasetError where it is missing, foreign, or not that of the rows."""
    path = folder / NAME
    try:
        value = json.loads(path.read_text("utf-8"))
        if value.pop("schema_version") != SCHEMA_VERSION:
            raise ValueError(f"another schema version than {SCHEMA_VERSION}")
        manifest = Manifest(**value)
        if sha256_file(folder / ROWS) != manifest.sha256:
            raise ValueError(f"{ROWS} is not the file that it describes")
    except FileNotFoundError as error:
        raise DatasetError(f"{folder}: is not finished (no {Path(error.filename).name})") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path}: cannot be used ({error}); build the folder again") from error
    return manifest


def scenes_sha256(scenes: Iterable[str]) -> str:
    """Of the sorted names."""
    return hashlib.sha256(json.dumps(sorted(scenes), ensure_ascii=False).encode()).hexdigest()


def says_synthetic(folder: Path) -> bool:
    """Whether the carim.json of a source, of whatever kind, says that a program made its scenes."""
    try:
        return json.loads((folder / NAME).read_text("utf-8")).get("synthetic") is True
    except (OSError, ValueError, AttributeError):
        return False
