"""What the knowledge file says, as values: regions with their structures, sides and states, and findings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LANGUAGES = ("en", "vi")

Terms = Mapping[str, tuple[str, ...]]  # language -> words

_NONE: Terms = dict.fromkeys(LANGUAGES, ())


@dataclass(frozen=True)
class Words:
    """How one concept is named: `terms` may replace one another, `forms` are only recognised.

    `hints` are everyday words, which count only where no term or form names a finding.
    """

    terms: Terms = field(default_factory=lambda: _NONE)
    forms: Terms = field(default_factory=lambda: _NONE)
    hints: Terms = field(default_factory=lambda: _NONE)


@dataclass(frozen=True)
class Structure:
    """A part of a region, and where or how it shows."""

    name: str
    words: Words
    landmark: str


@dataclass(frozen=True)
class Region:
    """One of the regions that endoscopy sees; `sides` says what tells "left" from "right" in a picture."""

    name: str
    words: Words
    look: str
    sides: Mapping[str, str]
    structures: Mapping[str, Structure]


@dataclass(frozen=True)
class State:
    """A state that one region's parts can be in, such as open vocal cords; `phrase` names it by language."""

    name: str
    region: str
    words: Words
    phrase: Mapping[str, str]
    look: str


@dataclass(frozen=True)
class Presence:
    """A finding in one region: its look there, and words that mean it there alone."""

    look: str
    words: Words


@dataclass(frozen=True)
class Finding:
    """Something that can be seen; `confusable` names the findings that it is mistaken for."""

    name: str
    look: str
    words: Words
    regions: Mapping[str, Presence]
    confusable: tuple[str, ...]


@dataclass(frozen=True)
class Entries:
    """All of the file but its head; `cues` are the words of negation, `other_senses` phrases to leave alone."""

    regions: Mapping[str, Region]
    findings: Mapping[str, Finding]  # "normal" is one of them, the last
    sides: Mapping[str, Words]
    states: Mapping[str, State]
    cues: Mapping[str, Terms]
    other_senses: Terms


def parse_entries(data: Mapping[str, Any]) -> Entries:
    """The entries of a knowledge file's JSON; raises KeyError, TypeError or ValueError where one is not sound."""
    regions = {name: _region(name, given) for name, given in data["regions"].items()}
    findings = {name: _finding(name, given) for name, given in data["findings"].items()}
    normal = data["normal"]
    everywhere = {region: Presence(normal["look"], Words()) for region in regions}
    findings["normal"] = Finding("normal", normal["look"], _words(normal), everywhere, ())
    states = {
        name: State(name, given["region"], _words(given), dict(given["phrase"]), given["look"])
        for name, given in data["states"].items()
    }
    for finding in findings.values():
        unknown = ({*finding.regions} - {*regions}) | ({*finding.confusable} - {*findings})
        if unknown:
            raise ValueError(f"finding {finding.name!r} names unknown entries: {', '.join(sorted(unknown))}")
    return Entries(
        regions=regions,
        findings=findings,
        sides={name: _words(given) for name, given in data["sides"].items()},
        states=states,
        cues={name: _terms(given) for name, given in data["cues"].items()},
        other_senses=_terms(data["other_senses"]),
    )


def _region(name: str, given: Mapping[str, Any]) -> Region:
    structures = {part: Structure(part, _words(said), said["landmark"]) for part, said in given["structures"].items()}
    return Region(name, _words(given), given["look"], dict(given["sides"]), structures)


def _finding(name: str, given: Mapping[str, Any]) -> Finding:
    regions = {region: Presence(said["look"], _words(said)) for region, said in given["regions"].items()}
    return Finding(name, given["look"], _words(given), regions, tuple(given["confusable"]))


def _words(given: Mapping[str, Any]) -> Words:
    return Words(_terms(given.get("terms", {})), _terms(given.get("forms", {})), _terms(given.get("hints", {})))


def _terms(given: Mapping[str, Any]) -> Terms:
    return {language: tuple(given.get(language, ())) for language in LANGUAGES}
