"""Terms found in a text: longest first, on word boundaries, kinds of term apart from one another."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .entries import Entries, Terms, Words
from .words import Word, words

TERM, FORM, HINT, NORMAL = "term", "form", "hint", "normal"
OTHER = "other"  # the kind of a phrase that means nothing here


@dataclass(frozen=True)
class Sense:
    """What a term stands for: `kind` is place, finding, side, state or cue, `name` the entry.

    `region` is the place's or state's own, or the one region in which the words mean that finding.
    """

    kind: str
    name: str
    language: str
    level: str = TERM
    region: str | None = None


@dataclass(frozen=True)
class Match:
    """Words `start` to `stop` of a text and what they stand for: several senses where the word leaves it open."""

    start: int
    stop: int
    senses: tuple[Sense, ...]


Index = Mapping[str, Mapping[tuple[str, ...], tuple[Sense, ...]]]  # kind -> words -> senses


def build_index(entries: Entries) -> Index:
    """Every term of the file by kind; English terms also with a plural s."""
    index: dict[str, dict[tuple[str, ...], list[Sense]]] = defaultdict(lambda: defaultdict(list))
    for sense, term in _senses(entries):
        plurals = [f"{term}s"] if sense.language == "en" and sense.kind in {"place", "finding"} else []
        kinds = [sense.kind] if sense.kind != OTHER else ["place", "finding", "side", "state", "cue"]
        for spelled in [term, *plurals]:
            key = tuple(word.key for word in words(spelled))
            for kind in kinds:
                if sense not in index[kind][key]:
                    index[kind][key].append(sense)
    return {kind: {key: tuple(senses) for key, senses in terms.items()} for kind, terms in index.items()}


def find(index: Index, kind: str, text: Sequence[Word]) -> list[Match]:
    """The matches of one kind in text order: a longer one wins over those that it overlaps, then the earlier."""
    terms = index[kind]
    longest = max(map(len, terms))
    found: list[Match] = []
    for start in range(len(text)):
        for stop in range(start + 1, min(start + longest, len(text)) + 1):
            if text[stop - 1].clause != text[start].clause:
                break
            if senses := terms.get(tuple(word.key for word in text[start:stop])):
                found.append(Match(start, stop, senses))
    taken: set[int] = set()
    kept = []
    for match in sorted(found, key=lambda match: (match.start - match.stop, match.start)):
        span = range(match.start, match.stop)
        if taken.isdisjoint(span):
            taken.update(span)
            kept.append(match)
    return sorted((m for m in kept if m.senses[0].kind != OTHER), key=lambda match: match.start)


def _senses(entries: Entries) -> Iterator[tuple[Sense, str]]:
    # phrases that mean something else come first, so that they are a match's first sense
    yield from _of(entries.other_senses, OTHER, OTHER)
    for name, region in entries.regions.items():
        yield from _of_words(region.words, "place", name, name)
        for part, structure in region.structures.items():
            yield from _of_words(structure.words, "place", part, name)
    for name, finding in entries.findings.items():
        # "normal" is said of what is seen beside a finding too, so it yields to every other word
        level = NORMAL if name == "normal" else None
        yield from _of_words(finding.words, "finding", name, None, level)
        for place, presence in finding.regions.items():
            yield from _of_words(presence.words, "finding", name, place)
    for name, side in entries.sides.items():
        yield from _of_words(side, "side", name)
    for name, state in entries.states.items():
        yield from _of_words(state.words, "state", name, state.region)
    for name, terms in entries.cues.items():
        yield from _of(terms, "cue", name)


def _of_words(
    named: Words, kind: str, name: str, region: str | None = None, level: str | None = None
) -> Iterator[tuple[Sense, str]]:
    for own, terms in ((TERM, named.terms), (FORM, named.forms), (HINT, named.hints)):
        yield from _of(terms, kind, name, level or own, region)


def _of(
    terms: Terms, kind: str, name: str, level: str = TERM, region: str | None = None
) -> Iterator[tuple[Sense, str]]:
    for language, spelled in terms.items():
        for term in spelled:
            yield Sense(kind, name, language, level, region), term
