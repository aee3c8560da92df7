"""What a source of driving scenes brings: key frames to describe, the films around them, and what is wrong with it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from runtime.carim.conditions import hour_in, time_of_day

Wanted = Callable[[str], bool]  # whether a scene, by its name, is to be read


@dataclass(frozen=True)
class Shot:
    """A key frame, or a scene given as text alone, as far as its source describes it.

    `picture` is where it lies; `timestamp` is in seconds by the source's clock, as in the scene's film; `caption` and
    `elements` are None where none are given. `meta`: what the source states or its names say.
    """

    id: str
    scene: str
    picture: Path | None
    timestamp: float
    caption: str | None = None
    elements: tuple[str, ...] | None = None
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FilmFrame:
    """One picture of a scene's film, `timestamp` in seconds as in Shot; `key` where a Shot is its own."""

    picture: Path
    timestamp: float
    key: bool


@dataclass(frozen=True)
class Failure:
    """What could not be used: a row's id or "" for a whole scene or source, the stage that failed, and why."""

    id: str
    scene: str
    stage: str
    problem: str

    def __str__(self) -> str:
        return f"{self.id or self.scene or self.stage}: {self.problem}"

    def to_json(self) -> dict[str, str]:
        """As a line of failures.jsonl."""
        return asdict(self)


@dataclass(frozen=True)
class Source:
    """Read from `name`: the shots and films of the wanted scenes, and the names of all `scenes`, wanted or not."""

    kind: str
    name: str
    scenes: tuple[str, ...]
    shots: tuple[Shot, ...]
    films: Mapping[str, tuple[FilmFrame, ...]]
    failures: tuple[Failure, ...] = ()


def natural(name: str) -> tuple[Any, ...]:
    """A key that sorts "frame 9" before "frame 10"; unambiguous, so that the order never depends on the disk's."""
    parts = re.split(r"(\d+)", name)
    return tuple((int(p), "") if i % 2 else (0, p.casefold()) for i, p in enumerate(parts)), name


def named_time(name: str) -> dict[str, str]:
    """The time of day as metadata, where a file's name states the hour."""
    hour = hour_in(name)
    return {} if hour is None else {"time_of_day": time_of_day(hour)}
