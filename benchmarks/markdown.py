"""Markdown as the README wants it."""


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table of cells that are text already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
