"""`--where` expressions: text → a condition in SQL whose values, and even keys, travel as parameters.

    class=ear-left              equal
    class=ear-left|ear-right    one of several (a literal bar is written \\|)
    side!=left                  none of them; also true where the key is missing
    diameter_mm>=6              numbers: >= <= > <
    caption~discharge           contains, whatever the case; Vietnamese too
    lesion.size_mm<4            nested keys by dot

A list matches where one of its elements does. Several filters must all hold.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import FilterError
from .text import folded, nfc, number

Value = str | float | None  # what SQLite is given

EXAMPLES = "class=ear-left, side!=left, diameter_mm>=6, class=ear-left|ear-right, caption~discharge"

_EXPRESSION = re.compile(r"\s*([^=!<>~|]+?)\s*(!=|>=|<=|=|>|<|~)\s*([^=!<>~\s].*?)\s*", re.DOTALL)
_BAR = re.compile(r"(?<!\\)\|")
_UNADDRESSABLE = re.compile(r'["\\\x00-\x1f]')  # SQLite's JSON paths know no escape inside quotes

# The document a key is looked up in and the path inside it; `e` runs over the value, or a list's elements.
_BUILT_IN = {"caption": ("live.captions", "$"), "path": ("json_array(live.path)", "$")}

_EQUAL = (
    "CASE e.type WHEN 'text' THEN nfc(e.atom) = ? WHEN 'true' THEN ? = 'true' "
    "WHEN 'false' THEN ? = 'false' ELSE e.atom = ? END"
)


@dataclass(frozen=True)
class Filter:
    """One parsed expression: `operator` is one of = != >= <= > < ~, `values` are its alternatives."""

    key: str
    operator: str
    values: tuple[str, ...]


def parse_filter(text: str) -> Filter:
    """Reads one expression; FilterError, with examples, for what is none."""
    match = _EXPRESSION.fullmatch(text)
    values = [part.strip().replace("\\|", "|") for part in _BAR.split(match[3])] if match else []
    if match is None or not all(values):
        raise FilterError(f"The filter {text!r} is not KEY OPERATOR VALUE. Examples: {EXAMPLES}.")
    key, operator = match[1], match[2]
    if operator in ("<", ">", "<=", ">="):
        if len(values) > 1:
            raise FilterError(f"The filter {text!r} compares with several values; {operator} takes one number.")
        if number(values[0]) is None:
            raise FilterError(f"The filter {text!r} needs a number after {operator}, for example {key}{operator}6.")
    return Filter(key, operator, tuple(values))


def key_paths(documents: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The keys of metadata objects, nested ones by dot, each with its JSON path; sorted.

    Keys that hold a quote, a backslash or a control character cannot be addressed and are left out.
    """
    paths: dict[str, str] = {}

    def walk(value: Mapping[str, Any], dotted: str, path: str) -> None:
        for key, inner in value.items():
            if not key or _UNADDRESSABLE.search(key):
                continue
            name, here = f"{dotted}{key}", f'{path}."{key}"'
            if isinstance(inner, Mapping):
                walk(inner, f"{name}.", here)
            else:
                paths.setdefault(name, here)

    for document in documents:
        walk(document, "", "$")
    return dict(sorted(paths.items()))


def condition(filters: Sequence[Filter], keys: Mapping[str, str]) -> tuple[str, list[Value]]:
    """The SQL condition over `live` for all of `filters`, and its parameters in order.

    Raises FilterError, which lists the known keys, for a key that no item has.
    """
    clauses: list[str] = []
    parameters: list[Value] = []
    for item in filters:
        document, path = lookup(item.key, keys)
        tests = [_test(item.operator, value) for value in item.values]
        alternatives = " OR ".join(sql for sql, _ in tests)
        negation = "NOT " if item.operator == "!=" else ""
        clauses.append(f"{negation}EXISTS (SELECT 1 FROM json_each({document}, ?) AS e WHERE {alternatives})")  # noqa: S608 - only our own constants are interpolated
        parameters += [path, *(value for _, values in tests for value in values)]
    return " AND ".join(clauses), parameters


def lookup(key: str, keys: Mapping[str, str]) -> tuple[str, str]:
    """The SQL expression of the document that holds `key` and the JSON path inside it, or FilterError."""
    if key in _BUILT_IN:
        return _BUILT_IN[key]
    if key not in keys:
        known = ", ".join([*keys, *(name for name in _BUILT_IN if name not in keys)])
        raise FilterError(f"No item has the key {key!r}. Known keys: {known}.")
    return "live.metadata", keys[key]


def _test(operator: str, value: str) -> tuple[str, list[Value]]:
    if operator == "~":
        return "contains(e.atom, ?)", [folded(value)]
    if operator in ("=", "!="):
        text = nfc(value)
        return _EQUAL, [text, text, text, number(value)]
    return f"number(e.atom) {operator} ?", [float(value)]
