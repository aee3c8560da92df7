"""The table of ENT classes: type, side, state, and which classes are taken for one another."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InvalidInputError

SCHEMA = 1
SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "ent" / "confusable.json"
_LAYOUT = '{"schema": 1, "classes": {"ear-left": {"type": "ear", "side": "left", "confusable": ["ear-right"]}, …}}'


@dataclass(frozen=True)
class EntClass:
    """One class; `side` and `state` are None where it has none. `confusable` are the names it is taken for."""

    name: str
    type: str
    side: str | None = None
    state: str | None = None
    confusable: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClassTable:
    """Classes by name. A name that is not listed is its own type, has no side, and is confused with any other."""

    classes: Mapping[str, EntClass] = field(default_factory=dict)

    def __getitem__(self, name: str) -> EntClass:
        return self.classes.get(name) or EntClass(name, name)

    def other_side(self, one: str, two: str) -> bool:
        """Whether two classes are of one type and of opposite sides."""
        a, b = self[one], self[two]
        return a.type == b.type and a.side is not None and b.side is not None and a.side != b.side

    def to_json(self) -> dict[str, Any]:
        """As a file of this table holds it."""
        rows = {}
        for name, c in self.classes.items():
            row: dict[str, Any] = {"type": c.type, "side": c.side, "state": c.state, "confusable": list(c.confusable)}
            rows[name] = {key: value for key, value in row.items() if value is not None}
        return {"schema": SCHEMA, "classes": rows}

    @classmethod
    def from_json(cls, value: Any, where: str) -> "ClassTable":
        """From parsed JSON; raises InvalidInputError, naming `where`, for anything of another layout."""
        if not isinstance(value, dict) or value.get("schema") != SCHEMA or not isinstance(value.get("classes"), dict):
            raise InvalidInputError(f"{where}: not a table of classes; expected {_LAYOUT}")
        classes = {}
        for name, row in value["classes"].items():
            texts = ("type", "side", "state")
            if not isinstance(row, dict) or set(row) - {*texts, "confusable"}:
                raise InvalidInputError(f"{where}: class {name!r} is {row!r}; expected {_LAYOUT}")
            confusable = row.get("confusable", [])
            if not isinstance(confusable, list) or not all(isinstance(row.get(key, ""), str) for key in texts):
                raise InvalidInputError(f"{where}: class {name!r} is {row!r}; expected {_LAYOUT}")
            classes[name] = EntClass(
                name, row.get("type", name), row.get("side"), row.get("state"), tuple(map(str, confusable))
            )
        unknown = {other for c in classes.values() for other in c.confusable} - set(classes)
        if unknown:
            raise InvalidInputError(f"{where}: {min(unknown)!r} is confusable but is no class of the table; add it")
        return cls(classes)


def read_classes(path: Path = SHIPPED) -> ClassTable:
    """The table in the file `path`; raises InvalidInputError where it cannot be read or has another layout."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"{path}: cannot be read ({error}); expected {_LAYOUT}") from error
    return ClassTable.from_json(value, str(path))
