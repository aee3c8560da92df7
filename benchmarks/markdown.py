"""Markdown as the README wants it."""

from collections.abc import Mapping
from typing import Any


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table of cells that are text already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def interval(value: Mapping[str, Any], number: str = ".3f", *, of: str = "mean", words: bool = False) -> str:
    """`value`'s figure `of` with its "low" and "high": "0.5 [0.4, 0.6]", in `words` "0.5 (0.4 to 0.6)"."""
    middle, low, high = (f"{value[key]:{number}}" for key in (of, "low", "high"))
    return f"{middle} ({low} to {high})" if words else f"{middle} [{low}, {high}]"
