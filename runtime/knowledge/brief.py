"""The few lines of knowledge that a judge is given with a query."""

from collections.abc import Iterator

from .entries import Entries
from .reading import Mention, Reading

MOST_WORDS = 250
_FINDINGS = 3  # described at most


def brief(entries: Entries, reading: Reading) -> str:
    """Lines on what the query names, the weightiest first, at most 250 words; "" where it names nothing of ENT.

    Only the file's own sentences: nothing of the query's text goes in.
    """
    if not reading.named:
        return ""
    lines: list[str] = []
    for line in dict.fromkeys(_lines(entries, reading.mention)):
        if sum(len(kept.split()) for kept in [*lines, line]) <= MOST_WORDS:
            lines.append(line)
    return "\n".join(lines)


def _lines(entries: Entries, mention: Mention) -> Iterator[str]:
    regions = [entries.regions[name] for name in mention.regions]
    yield from (region.look for region in regions)
    shown = list(dict.fromkeys([*mention.findings, *mention.denied]))[:_FINDINGS]
    yield from (_look(entries, mention, name) for name in shown)
    if mention.side:
        # both sides: the judge has to know the wrong one when it sees it
        yield from (text for region in regions for text in region.sides.values())
    yield from (state.look for state in entries.states.values() if state.region in mention.regions)
    for region in regions:
        for name in mention.structures:
            if name in region.structures:
                yield f"{name}: {region.structures[name].landmark}."
    for name in shown:
        for other in entries.findings[name].confusable:
            here = not mention.regions or not {*mention.regions}.isdisjoint(entries.findings[other].regions)
            if here and other not in shown:
                yield f"Tell {name} from {_look(entries, mention, other)}"


def _look(entries: Entries, mention: Mention, name: str) -> str:
    """How the finding looks in the region named, in general where none or several are."""
    finding = entries.findings[name]
    there = [finding.regions[region].look for region in mention.regions if region in finding.regions]
    look = there[0] if len(there) == 1 else finding.look
    return look if look.startswith(f"{name}:") else f"{name}: {look}"
