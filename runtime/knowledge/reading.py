"""What a text says, in the knowledge file's names: region, side, state, findings, and findings it denies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .entries import Entries
from .index import HINT, NORMAL, Index, Match, Sense, find
from .words import Word, compose, words

MOST_WORDS = 400  # read of a text: queries and captions are short, and a long one must not hold up a search


@dataclass(frozen=True)
class Mention:
    """What a text names; names are the knowledge file's, in its order. Empty or None where it names none.

    `side` and `state` are None also where a text names both. `structures` are the parts of the regions it
    names, `denied` the findings it says are absent.
    """

    regions: tuple[str, ...] = ()
    side: str | None = None
    state: str | None = None
    findings: tuple[str, ...] = ()
    structures: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """A text taken apart: `text` composed, its words, and the matches that `mention` rests on.

    `findings` holds each finding's match with the senses that hold there; `named` says that the text is about
    ENT: it names a structure or a finding by its term, or a region together with something else.
    """

    text: str
    words: Sequence[Word]
    mention: Mention
    language: str
    named: bool
    places: list[Match] = field(default_factory=list)
    findings: list[Match] = field(default_factory=list)


def read(entries: Entries, index: Index, text: str) -> Reading:
    """Takes `text` apart.

    Negation: a finding is denied from a word such as "no" or "không có" to the next comma or other mark, or to
    a word such as "but" or "with"; a list that goes on to an "or" is denied to its end. Regions, sides and
    states are never denied. A negation after the finding ("polyp: none") is not understood. Words after the
    first 400 are not read.
    """
    text = compose(text)
    said = words(text)[:MOST_WORDS]
    places, findings = find(index, "place", said), find(index, "finding", said)
    cues, sides = find(index, "cue", said), find(index, "side", said)
    regions = _regions(places, findings, entries)
    held = [Match(m.start, m.stop, senses) for m in findings if (senses := _in(regions, m.senses, entries))]
    denied = _denied(cues, said)
    present = _strongest([match for match in held if match.start not in denied])
    absent = [match for match in held if match.start in denied]
    states = [
        Match(m.start, m.stop, m.senses)
        for m in find(index, "state", said)
        if any(sense.region in regions for sense in m.senses)
    ]
    structures = tuple(part for r in regions for part in entries.regions[r].structures if part in _names(places))
    mention = Mention(
        regions,
        _only(sides),
        _only(states),
        tuple(name for name in entries.findings if name in _names(present)),
        structures,
        tuple(name for name in entries.findings if name in _names(absent) - _names(present)),
    )
    strong = any(s.level not in {HINT, NORMAL} for m in held for s in m.senses)
    return Reading(
        text,
        said,
        mention,
        _language([*places, *held, *sides, *states, *cues]),
        bool(structures or strong or (regions and (present or sides or states))),
        places,
        present,
    )


def _regions(places: Iterable[Match], findings: Iterable[Match], entries: Entries) -> tuple[str, ...]:
    """The regions of the places named; where none is, those of the findings that stand in one region alone."""
    found = {sense.region for match in places for sense in match.senses}
    if not found:
        for match in findings:
            at = {region for sense in match.senses for region in _where(sense, entries)}
            if len(at) == 1 and not any(sense.level in {HINT, NORMAL} for sense in match.senses):
                found |= at
    return tuple(region for region in entries.regions if region in found)


def _where(sense: Sense, entries: Entries) -> Iterable[str]:
    return [sense.region] if sense.region else entries.findings[sense.name].regions


def _in(regions: tuple[str, ...], senses: Sequence[Sense], entries: Entries) -> tuple[Sense, ...]:
    """The senses that hold in `regions`; else those not bound to another region."""
    if not regions:
        return tuple(senses)
    there = tuple(s for s in senses if not {*regions}.isdisjoint(_where(s, entries)))
    return there or tuple(s for s in senses if s.region is None)


def _strongest(findings: list[Match]) -> list[Match]:
    for weak in ({HINT, NORMAL}, {NORMAL}):
        if strong := [match for match in findings if match.senses[0].level not in weak]:
            return strong
    return findings


def _denied(cues: Sequence[Match], said: Sequence[Word]) -> set[int]:
    """The words that a negation reaches."""
    denied: set[int] = set()
    for cue in (c for c in cues if c.senses[0].name == "no"):
        at = said[cue.stop - 1]
        later = [c for c in cues if c.start >= cue.stop and said[c.start].sentence == at.sentence]
        limit = next((c.start for c in later if c.senses[0].name == "stop"), len(said))
        ors = [said[c.start].clause for c in later if c.senses[0].name == "or" and c.start < limit]
        last = max([at.clause, *ors])
        denied.update(i for i in range(cue.stop, limit) if said[i].clause <= last)
    return denied


def _names(matches: Iterable[Match]) -> set[str]:
    return {sense.name for match in matches for sense in match.senses}


def _only(matches: Iterable[Match]) -> str | None:
    names = _names(matches)
    return names.pop() if len(names) == 1 else None


def _language(matches: Iterable[Match]) -> str:
    """The language of most terms; "en" where both are even, as in a text without any."""
    votes = [match.senses[0].language for match in matches if len({s.language for s in match.senses}) == 1]
    return "vi" if votes.count("vi") > votes.count("en") else "en"
