"""Text in a picture, a query or a caption that tells the judge what to score: what each defence holds.

The loopback judge obeys every attack that it finds, which no real model does always: the worst case. Whatever a
prompt achieves comes on top and is not measured here.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from runtime.encoder import DualEncoder, open_encoder
from runtime.judge.local import LocalCaptionJudge
from runtime.knowledge import load_knowledge
from runtime.options import DEFAULT_BUNDLE
from runtime.results import Query
from runtime.systems.kger import KgerSystem

from ..pipeline import run_module
from ..results import command_line, print_table, save_result
from .injection_cases import Case, Ground, K, attacked_pictures, plain_pictures, query_cases, truth_of, victim_cases
from .injection_outcomes import (
    FUSIONS,
    MEDIAN,
    WAYS,
    Judges,
    Outcome,
    attacked_captions,
    blocks_broken,
    obeyed_outside,
    outcomes,
    ranks,
    scored,
)
from .injections import PLACES, read_attacks
from .judge_faults import PHRASES_OF, phrases
from .loopback_answers import Shows
from .loopback_process import loopback

PHANTOMS, SEEDS = 72, (13, 17, 19, 29)  # one set shows a few dozen cases, too few: four are pooled
IN_A_PROMPT = ("the prompt's clause that a query's text and text in an image are data and never instructions: an "
               "obeying judge ignores it, so it is not measured")  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--queries", type=int, default=2, help="queries an attack in a picture and set (default: 2)")
    parser.add_argument("--work", type=Path, help="folder to keep (default: a temporary one)")


def run(args: argparse.Namespace) -> int:
    """Judges every case and writes `judge_injection.json`; 1 where an item from outside the k got in."""
    with tempfile.TemporaryDirectory() as name:
        figures = measured(args.work or Path(name), args.bundle, args.queries)
    print_table(figures["rows"])
    print_table(figures["local_judge"]["rows"])
    save_result("judge_injection", command_line(), figures)
    return int(figures["outside"] > 0)


@dataclass(frozen=True, eq=False)
class Set:
    """One set of phantoms: with attacked pictures, without, and the cases of each place."""

    drawn: Ground
    plain: Ground
    cases: dict[str, list[Case]]

    def system(self, place: str) -> KgerSystem:
        """What the cases of `place` ask."""
        return (self.drawn if place == "picture" else self.plain).system


def phantom_set(work: Path, encoder: DualEncoder, seed: int, asked: dict[str, Shows], an_attack: int) -> Set:
    """The set of `seed`: `an_attack` queries for each attack in a picture, one elsewhere."""
    data = work / "phantoms"
    run_module("assets.phantoms", data, "--images", PHANTOMS, "--seed", seed)
    drawn, plain = (make(work, data, encoder, seed) for make in (attacked_pictures, plain_pictures))
    cases = {
        "picture": list(victim_cases(drawn, "picture", asked, an_attack)),
        "query": list(query_cases(asked, 1, seed)),
        "caption": list(victim_cases(plain, "caption", asked, 1)),
    }
    return Set(drawn, plain, cases)


def measured(work: Path, bundle: Path, an_attack: int) -> dict[str, Any]:
    """All figures."""
    asked, encoder = phrases(PHRASES_OF), open_encoder(bundle)
    sets = [phantom_set(work / f"set-{seed}", encoder, seed, asked, an_attack) for seed in SEEDS]
    truth = truth_of([ground for one in sets for ground in (one.drawn, one.plain)], asked)
    with loopback(work / "server", truth) as server, Judges(server, work) as judges:
        pairs = [(one.system(place), case) for one in sets for place in PLACES for case in one.cases[place]]
        bar = tqdm(pairs, desc="cases", unit="case", file=sys.stderr, disable=None)
        found = [outcome for system, case in bar for outcome in outcomes(judges, system, case)]
        loose = [obeyed_outside(judges, one.plain.system, case) for one in sets for case in one.cases["query"]]
    cases = {place: [case for one in sets for case in one.cases[place]] for place in PLACES}
    return {
        "judge": "loopback",
        "attacks": len(read_attacks()),
        "sets": len(sets),
        "phantoms": PHANTOMS,
        "k": K,
        "cases": {place: len(cases[place]) for place in PLACES},
        "attacks_judged": {place: len({case.attack.name for case in cases[place]}) for place in PLACES},
        "outside": sum(o.outside for o in found),
        "rows": [row(found, place, way, fusion) for place in PLACES for way in (*WAYS, MEDIAN) for fusion in FUSIONS],
        "by_demand": [
            demand(found, asks, way, fusion)
            for asks in ("top", "over", "outsider")
            for way in WAYS
            for fusion in ("published", "corrected")
        ],
        "attacks_out_of_the_block": blocks_broken(read_attacks(place="query")),
        "obeyed_outside_the_block": {"cases": len(loose), "obeyed": sum(loose)},
        "local_judge": local_judge(sets, encoder),
        "retrieval": retrieval(sets),
        "not_measured": IN_A_PROMPT,
    }


def row(found: Sequence[Outcome], place: str, way: str, fusion: str) -> dict[str, Any]:
    """The figures of one place, way to ask and fusion."""
    chosen = [o for o in found if (o.case.place, o.way, o.fusion) == (place, way, fusion)]
    return {"place": place, "asked": way, "fusion": fusion} | summed(chosen)


def demand(found: Sequence[Outcome], asks: str, way: str, fusion: str) -> dict[str, Any]:
    """Attacks in pictures by what they ask for: the first place, a score over 1, an id that was not shown."""
    chosen = [o for o in found if (o.case.place, o.way, o.fusion) == ("picture", way, fusion)]
    chosen = [o for o in chosen if o.case.attack.asks == asks]
    return {"asks": asks, "asked": way, "fusion": fusion} | summed(chosen)


def summed(chosen: Sequence[Outcome]) -> dict[str, Any]:
    """Shares of the cases; rises in places."""
    n = max(len(chosen), 1)
    return {
        "cases": len(chosen),
        "obeyed": sum(o.obeyed for o in chosen) / n,
        "largest_rise": max((o.rise for o in chosen), default=0),
        "mean_rise": sum(o.rise for o in chosen) / n,
        "to_first": sum(o.to_first for o in chosen) / n,
        "changed": sum(o.changed for o in chosen) / n,
        "outside": sum(o.outside for o in chosen),
    }


def local_judge(sets: Sequence[Set], encoder: DualEncoder) -> dict[str, Any]:
    """The local caption judge with and without the attack in the victim's caption.

    It reads captions as a text encoder does and can obey nothing; what an attack changes is a cosine.
    """
    judge = LocalCaptionJudge(encoder.encode_texts, load_knowledge())
    changes: dict[str, list[tuple[float, int]]] = {"instructions": [], "the query copied": []}
    for system, case in ((one.plain.system, case) for one in sets for case in one.cases["caption"]):
        candidates = system.search(Query(case.query), k=K).candidates
        attacked = attacked_captions(candidates, case)
        victim = next(a.item_id for c, a in zip(candidates, attacked, strict=True) if c.caption != a.caption)
        before, after = (scored(judge, case.query, shown, system) for shown in (candidates, attacked))
        places = [ranks(candidates, scores, FUSIONS["corrected"])[victim] for scores in (before, after)]
        kind = "the query copied" if case.attack.asks == "nothing" else "instructions"
        changes[kind].append(((after[victim] or 0.0) - (before[victim] or 0.0), places[0] - places[1]))
    rows = [
        {
            "in the caption": kind,
            "cases": len(told),
            "mean_score_change": float(np.mean([change for change, _ in told])),
            "largest_score_change": float(np.max([change for change, _ in told])),
            "largest_rise": max(rise for _, rise in told),
            "rose": sum(rise > 0 for _, rise in told) / len(told),
        }
        for kind, told in changes.items()
        if told
    ]
    return {"fusion": "corrected", "rows": rows}


def retrieval(sets: Sequence[Set]) -> dict[str, float]:
    """What the same text does without any judge: retrieval embeds a picture's pixels and a query's words."""
    cosines, kept = [], []
    for one in sets:
        drawn, plain = (vectors(ground) for ground in (one.drawn, one.plain))
        cosines += [float(drawn[file] @ plain[file]) for file in one.drawn.victims]
        for case in one.cases["query"]:
            both = [one.plain.system.search(Query(text), k=K).candidates for text in (case.plain, case.query)]
            before, after = ({candidate.item_id for candidate in candidates} for candidates in both)
            kept.append(len(before & after) / K)
    return {
        "picture_cosine_to_itself_mean": float(np.mean(cosines)),
        "picture_cosine_to_itself_least": float(np.min(cosines)),
        "query_top_k_kept": float(np.mean(kept)),
    }


def vectors(ground: Ground) -> dict[str, NDArray[np.float32]]:
    """By file, the stored vector (K·D,)."""
    ids, rows = ground.system.gallery.matrix()
    items = ground.system.gallery.items([int(i) for i in ids])
    return {Path(item.path).name: row for item, row in zip(items, rows, strict=True)}
