"""Rows become records: names are located safely, rows of one file merge, what is wrong is written down."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ..images import IMAGE_SUFFIXES
from .records import Record, clean_text


@dataclass
class _Draft:
    path: Path
    captions: dict[str, None] = field(default_factory=dict)  # a dict is a set that keeps its order
    captions_vi: dict[str, None] = field(default_factory=dict)
    group: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


class Collector:
    """Gathers records in the order of first mention; `problems` lists every row that lost something."""

    def __init__(self, root: Path, image_folders: Iterable[Path]) -> None:
        self.root = root
        self.image_folders = tuple(image_folders)
        self.problems: list[str] = []
        self._drafts: dict[str, _Draft] = {}

    def locate(self, where: str, name: object) -> str | None:
        """The unique name of the image that a row calls `name`; None, and a problem, where there is none."""
        try:
            file, path = self._find(name)
        except (ValueError, OSError) as error:
            reason = error if type(error) is ValueError else f"{name!r} is not a usable file name"
            self.problems.append(f"{where}: {reason}")
            return None
        self._drafts.setdefault(file, _Draft(path))
        return file

    def _find(self, name: object) -> tuple[str, Path]:
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"no file name (found {name!r})")
        relative = PurePosixPath(name.strip().replace("\\", "/"))
        # links inside the folder may point anywhere, that is the user's choice; a table's text may not
        if relative.is_absolute() or ".." in relative.parts:
            raise ValueError(f"{name!r} leaves the data folder; expected a path relative to it")
        for folder in self.image_folders:
            path = folder / relative
            if path.is_file():
                return self._unique_name(path), path
        raise ValueError(f"{name!r} is missing (looked in {', '.join(str(f) for f in self.image_folders)})")

    def _unique_name(self, path: Path) -> str:
        # imgs/a.png and a.png are one image: named from the first folder that holds it
        holder = next(folder for folder in self.image_folders if path.is_relative_to(folder))
        return path.relative_to(holder).as_posix()

    def add_captions(self, where: str, file: str, value: object, *, vietnamese: bool = False) -> int:
        """Adds one caption or a list of them to a located file; returns how many were new."""
        draft = self._drafts[file]
        held = draft.captions_vi if vietnamese else draft.captions
        before = len(held)
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                if cleaned := clean_text(text):
                    held[cleaned] = None
            elif text is not None:
                self.problems.append(f"{where}: the caption of {file} is {text!r}, expected text")
        return len(held) - before

    def has_captions(self, file: str) -> bool:
        """Whether a located file has a caption yet."""
        return bool(self._drafts[file].captions)

    def set_group(self, where: str, file: str, value: object) -> None:
        """Names the patient or sequence of a located file; the first name stays."""
        group = clean_text(str(value)) if value is not None else ""
        draft = self._drafts[file]
        if group and draft.group is None:
            draft.group = group
        elif group and draft.group != group:
            self.problems.append(f"{where}: {file} is of group {draft.group!r} already; {group!r} is not used")

    def add_metadata(self, where: str, file: str, values: Mapping[str, Any]) -> None:
        """Adds metadata to a located file; missing values are left out, the first value of a key stays."""
        held = self._drafts[file].metadata
        for key, value in values.items():
            if value is None or value == "":
                continue
            if held.setdefault(key, value) != value:
                self.problems.append(f"{where}: {key} of {file} is {held[key]!r} already; {value!r} is not used")

    def add_folder(self, folder: Path) -> None:
        """Every picture under `folder`, hidden ones left out, in the order of their names."""
        for path in sorted(folder.rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if path.suffix.lower() in IMAGE_SUFFIXES and not hidden and path.is_file():
                self._drafts.setdefault(self._unique_name(path), _Draft(path))

    def records(self) -> tuple[Record, ...]:
        """What was gathered, in the order of first mention."""
        return tuple(
            Record(file, d.path, tuple(d.captions), tuple(d.captions_vi), d.group, d.metadata)
            for file, d in self._drafts.items()
        )
