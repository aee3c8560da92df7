"""The same query in other words: synonyms swapped in, and what it names said anew in both languages."""

from collections.abc import Mapping, Sequence

from .entries import LANGUAGES, Entries, Words
from .index import TERM, Index, Match, Sense
from .reading import Mention, Reading, read

MOST = 4  # texts, the query itself among them


def expand(entries: Entries, index: Index, reading: Reading) -> list[str]:
    """The composed text, and up to three others: synonyms in its own language, then each language's plain phrase.

    One text where it names nothing of ENT. The plain phrase keeps region, side, state and findings alone; a
    paraphrase that would itself be read otherwise than the text is left out.
    """
    texts = [reading.text]
    if reading.named:
        own, other = sorted(LANGUAGES, key=lambda language: language != reading.language)
        texts += [
            swap(entries, reading),
            phrase(entries, reading.mention, other),
            phrase(entries, reading.mention, own),
        ]
    meant = _meant(reading.mention)
    same = [text for text in texts[1:] if _meant(read(entries, index, text).mention) == meant]
    return list(dict.fromkeys([reading.text, *same]))[:MOST]


def _meant(mention: Mention) -> tuple[object, ...]:
    return mention.regions, mention.side, mention.state, mention.findings


def swap(entries: Entries, reading: Reading) -> str:
    """The text with each place and finding that is named by a term named by that concept's next term."""
    text, taken = reading.text, set[int]()
    swaps: list[tuple[int, int, str]] = []
    by_length = sorted([*reading.findings, *reading.places], key=lambda match: match.start - match.stop)
    for match in by_length:
        span = range(match.start, match.stop)
        said = text[reading.words[match.start].start : reading.words[match.stop - 1].stop]
        if taken.isdisjoint(span) and (term := _synonym(entries, reading, match, said)):
            swaps.append((reading.words[match.start].start, reading.words[match.stop - 1].stop, term))
        taken.update(span)
    for start, stop, term in sorted(swaps, reverse=True):
        text = text[:start] + term + text[stop:]
    return text


def phrase(entries: Entries, mention: Mention, language: str) -> str:
    """What `mention` says as "right tympanic membrane, perforation"; "" where it names no place and no finding."""
    parts = [_place(entries, mention, region, language) for region in mention.regions]
    if mention.state:
        parts.append(entries.states[mention.state].phrase[language])
    parts += [_finding_terms(entries, mention, name, language)[0] for name in mention.findings]
    return ", ".join(dict.fromkeys(part for part in parts if part))


def _place(entries: Entries, mention: Mention, region: str, language: str) -> str:
    """The region's named structures, else its own name; nothing where a state's phrase names it already."""
    if mention.state and entries.states[mention.state].region == region:
        return ""
    parts = entries.regions[region].structures
    named: Sequence[Words] = [parts[name].words for name in mention.structures if name in parts]
    place = ", ".join(words.terms[language][0] for words in named[:1] or [entries.regions[region].words])
    if mention.side is None:
        return place
    side = entries.sides[mention.side].terms[language][0]
    return f"{side} {place}" if language == "en" else f"{place} {side}"


def _finding_terms(entries: Entries, mention: Mention, name: str, language: str) -> list[str]:
    finding = entries.findings[name]
    there = [finding.regions[region].words for region in mention.regions if region in finding.regions]
    return [term for words in [finding.words, *there] for term in words.terms[language]]


def _synonym(entries: Entries, reading: Reading, match: Match, said: str) -> str | None:
    """The term after the one that was said, in its language; None where it is a form, a hint or the only term."""
    names: Mapping[str, Sense] = {sense.name: sense for sense in match.senses if sense.level == TERM}
    if len(names) != 1:
        return None
    sense = next((s for s in match.senses if s.language == reading.language and s.level == TERM), match.senses[0])
    if sense.kind == "finding":
        terms = _finding_terms(entries, reading.mention, sense.name, sense.language)
    else:
        region = entries.regions[sense.region or sense.name]
        named = region if sense.name == region.name else region.structures[sense.name]
        terms = list(named.words.terms[sense.language])
    spelled = [term.casefold() for term in terms]
    at = next((i for i, term in enumerate(spelled) if said.casefold() in {term, f"{term}s"}), None)
    return None if at is None or len(terms) == 1 else terms[(at + 1) % len(terms)]
