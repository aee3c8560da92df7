"""A model's words become scores: strict JSON, every shown id exactly once, every score in [0, 1].

What does not fit is named, so that the model can be asked once more; nothing is guessed and nothing raises.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError

TIE = "tie"
_FENCE, _FENCED = "```", ("", "json")
_MOST_PROBLEMS = 5  # named; a hostile reply has a million


@dataclass(frozen=True)
class Scores:
    """By id, what could be used; `problem` says what could not, "" where nothing is wrong."""

    scores: dict[str, float] = field(default_factory=dict)
    rationales: dict[str, str] = field(default_factory=dict)
    problem: str = ""


class _One(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    score: float = Field(ge=0, le=1, allow_inf_nan=False)
    rationale: str = ""


class _Entry(_One):
    id: str


class _Entries(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    judgements: Annotated[list[dict[str, Any]], FailFast()]


class _Preference(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    better: str
    rationale: str = ""


def read_scores(text: str, mode: str, ids: Sequence[str]) -> Scores:
    """The scores in a reply's `text`: pointwise one for ids[0], listwise one for each, pairwise 1, 0 or .5 each."""
    plain, ids = _unfenced(text), tuple(ids)  # in a str, "" and "AB" would pass for ids
    try:
        if mode == "pointwise":
            one = _One.model_validate_json(plain)
            return Scores({ids[0]: one.score}, {ids[0]: one.rationale})
        if mode == "pairwise":
            return _preference(_Preference.model_validate_json(plain), ids)
        return _listed(_Entries.model_validate_json(plain).judgements, ids)
    except ValidationError as error:
        return Scores(problem=f"the reply's text is not the JSON asked for ({first_problem(error)})")


def _listed(entries: list[dict[str, Any]], ids: Sequence[str]) -> Scores:
    seen = Counter(str(entry.get("id")) for entry in entries)
    scores: dict[str, float] = {}
    rationales: dict[str, str] = {}
    problems: list[str] = []
    for entry in entries:
        try:
            read = _Entry.model_validate(entry)
        except ValidationError as error:
            if len(problems) < _MOST_PROBLEMS:
                problems.append(f"id {str(entry.get('id'))[:20]!r}: {first_problem(error)}")
            continue
        if read.id in ids and seen[read.id] == 1:
            scores[read.id], rationales[read.id] = read.score, read.rationale
    unknown, doubled = sorted(set(seen) - set(ids)), sorted(i for i, n in seen.items() if n > 1)
    missing = [i for i in ids if i not in seen]
    for word, found in (("unknown", unknown), ("doubled", doubled), ("missing", missing)):
        if found:
            problems.append(f"{word} id {', '.join(repr(i[:20]) for i in found[:_MOST_PROBLEMS])}")
    return Scores(scores, rationales, "; ".join(problems))


def _preference(read: _Preference, ids: Sequence[str]) -> Scores:
    if read.better == TIE:
        return Scores(dict.fromkeys(ids, 0.5), dict.fromkeys(ids, read.rationale))
    if read.better not in ids:
        return Scores(problem=f"better is {read.better[:20]!r}; expected one of {', '.join(ids)} or {TIE}")
    return Scores({i: float(i == read.better) for i in ids}, dict.fromkeys(ids, read.rationale))


def _unfenced(text: str) -> str:
    """`text` without the one fence around the whole that a few models write even when asked not to.

    No regular expression: over a megabyte of blank lines one took hours.
    """
    plain = text.strip()
    first, line_end, rest = plain.partition("\n")
    whole = first.startswith(_FENCE) and bool(line_end) and rest.endswith(_FENCE)
    return rest.removesuffix(_FENCE) if whole and first.removeprefix(_FENCE).strip() in _FENCED else text


def first_problem(error: ValidationError) -> str:
    """The first of a validation's problems, in a few words that hold nothing of the input."""
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(step) for step in problem["loc"])
    return f"{where}: {problem['msg']}" if where else problem["msg"]
