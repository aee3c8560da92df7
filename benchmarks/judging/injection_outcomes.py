"""What an attack does to one search: the same candidates judged by who obeys and by who does not, then fused."""

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from runtime.fusion import PosFuseSettings, Retrieved, fuse
from runtime.judge import Judge
from runtime.judge.openai import OpenAiJudge
from runtime.judge.prompt import finding_block
from runtime.judge.record import ReplyRecord
from runtime.judge.settings import JudgeSettings
from runtime.results import Candidate, Query
from runtime.systems.kger import KgerSystem

from .injection_cases import Case, K, file_of
from .injections import Attack
from .loopback_answers import OBEYS, OBEYS_OUTSIDE, TRUTHFUL
from .loopback_process import Loopback

ONE_ORDER, MEAN, MEDIAN = "listwise, 1 order", "listwise, mean of 3 orders", "listwise, median of 3 orders"
WAYS: dict[str, dict[str, Any]] = {
    "pointwise": {"mode": "pointwise"},
    ONE_ORDER: {"mode": "listwise", "shuffles": 1},
    MEAN: {"mode": "listwise", "shuffles": 3},
}
ALONE = "judge alone"
FUSIONS: dict[str, PosFuseSettings | None] = {
    ALONE: None,
    "published": PosFuseSettings(variant="published"),
    "corrected": PosFuseSettings(),
    "agreement": PosFuseSettings(agreement=True),
}
PRIOR = PosFuseSettings().prior
Scores = Mapping[int, float | None]


@dataclass(frozen=True)
class Outcome:
    """One case, one way to ask, one fusion.

    `rise` is in places against the judge that does not obey: of the victim, in a query of whichever candidate rose
    most. `outside` counts items of the ranking that retrieval did not give, and those of retrieval's that it lacks.
    """

    case: Case
    way: str
    fusion: str
    obeyed: bool
    rise: int
    to_first: bool
    changed: bool
    outside: int


class Judges:
    """The loopback's judges by model and way, through the real client; those of MEAN keep their replies."""

    def __init__(self, server: Loopback, work: Path) -> None:
        self.server = server
        self._stack = ExitStack()
        self._records = {model: ReplyRecord(work / f"{model}.sqlite") for model in (OBEYS, TRUTHFUL)}
        self._judges = {
            (model, way): self._stack.enter_context(self._open(model, way, options))
            for model in (OBEYS, TRUTHFUL, OBEYS_OUTSIDE)
            for way, options in WAYS.items()
        }

    def _open(self, model: str, way: str, options: dict[str, Any]) -> OpenAiJudge:
        settings = JudgeSettings(model=model, base_url=f"{self.server.url}/v1", **options)
        record = self._records.get(model) if way == MEAN else None
        return OpenAiJudge(settings, record=record, environ={})

    def scores(self, model: str, way: str, case: Case, candidates: Sequence[Candidate], system: KgerSystem) -> Scores:
        """By item, what the judge said of the candidates."""
        return scored(self._judges[model, way], case.query, candidates, system)

    def obeyed(self) -> bool:
        """Whether a call since the last look was obeyed."""
        return any(line.get("obeyed") for line in self.server.new_lines())

    def medians(self, model: str, case: Case, candidates: Sequence[Candidate], system: KgerSystem) -> Scores:
        """By item, the median over the orders that MEAN averages, from the replies on record."""
        items = {item.sha256: item.id for item in system.gallery.items([c.item_id for c in candidates])}
        by_run: dict[int, dict[int, float]] = {}
        for reply in self._records[model].all():
            if reply.key.query_text == case.query and set(reply.key.candidates) == set(items):
                pairs = zip(reply.key.candidates, reply.scores, strict=True)
                read = {items[sha]: score for sha, score in pairs if score is not None}
                if len(read) >= len(by_run.get(reply.key.run, ())):  # as the judge chooses after a re-ask
                    by_run[reply.key.run] = read
        said = {item: [run[item] for run in by_run.values() if item in run] for item in items.values()}
        return {item: float(np.median(scores)) if scores else None for item, scores in said.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def scored(judge: Judge, query: str, candidates: Sequence[Candidate], system: KgerSystem) -> Scores:
    """By item, the judge's score; None is unjudged."""
    return {j.item_id: j.score for j in judge.judge(Query(query), candidates, system.image_bytes)}


def outcomes(judges: Judges, system: KgerSystem, case: Case) -> list[Outcome]:
    """One case in every way to ask and every fusion."""
    candidates = system.search(Query(case.query), k=K).candidates
    if case.place == "caption":
        candidates = attacked_captions(candidates, case)
    found = []
    for way in WAYS:
        plain = judges.scores(TRUTHFUL, way, case, candidates, system)
        judges.obeyed()  # those calls are not this judge's
        told = judges.scores(OBEYS, way, case, candidates, system)
        obeyed = judges.obeyed()
        found += [compared(case, way, name, obeyed, candidates, plain, told) for name in FUSIONS]
        if way == MEAN:
            medians = [judges.medians(model, case, candidates, system) for model in (TRUTHFUL, OBEYS)]
            found += [compared(case, MEDIAN, name, obeyed, candidates, *medians) for name in FUSIONS]
    return found


def obeyed_outside(judges: Judges, system: KgerSystem, case: Case) -> bool:
    """Whether a judge that obeys only what stands outside the finding's block obeyed."""
    judges.obeyed()
    judges.scores(OBEYS_OUTSIDE, ONE_ORDER, case, system.search(Query(case.query), k=K).candidates, system)
    return judges.obeyed()


def attacked_captions(candidates: Sequence[Candidate], case: Case) -> tuple[Candidate, ...]:
    """The candidates with the attack in the victim's caption."""
    return tuple(
        replace(c, caption=case.attack.into_caption(c.caption or "", case.plain)) if file_of(c) == case.victim else c
        for c in candidates
    )


def compared(
    case: Case, way: str, fusion: str, obeyed: bool, candidates: Sequence[Candidate], plain: Scores, told: Scores
) -> Outcome:
    """Both judges' scores fused, and the rankings laid side by side."""
    before, after = (ranks(candidates, scores, FUSIONS[fusion]) for scores in (plain, told))
    ids = {candidate.item_id for candidate in candidates}
    victims = [c.item_id for c in candidates if file_of(c) == case.victim] or list(ids)
    rise, lifted = max((before[item] - after[item], -after[item]) for item in victims)
    return Outcome(
        case=case,
        way=way,
        fusion=fusion,
        obeyed=obeyed,
        rise=rise,
        to_first=rise > 0 and lifted == -1,
        changed=before != after,
        outside=len(ids ^ set(after)),
    )


def ranks(candidates: Sequence[Candidate], scores: Scores, settings: PosFuseSettings | None) -> dict[int, int]:
    """Item → final rank from 1; without settings by the judge's score alone, the unjudged at the prior."""
    if settings is None:
        alone = {c.item_id: PRIOR if (s := scores.get(c.item_id)) is None else s for c in candidates}
        order = sorted(alone, key=lambda item: -alone[item])
    else:
        order = [item.item_id for item in fuse(Retrieved.of(candidates), scores, settings)]
    return {item: rank for rank, item in enumerate(order, start=1)}


def breaks_out(block: str) -> bool:
    """Whether words stand outside the tags of a finding's block, or a line begins inside it."""
    return "\n" in block or re.sub(r"<finding>.*?</finding>", "", block) != ""


def blocks_broken(attacks: Sequence[Attack]) -> dict[str, int]:
    """How many attacks break out of the JSON block that is sent, and of one that pastes the query between tags."""
    return {
        "json_block": sum(breaks_out(finding_block(a.text)) for a in attacks),
        "pasted_between_tags": sum(breaks_out(f"<finding>{a.text}</finding>") for a in attacks),
    }
