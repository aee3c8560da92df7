"""Tunes a fusion on a data folder's own captions, which training must not have seen, and writes it as a file.

Every figure of a tuned fusion is out of fold: each query is fused by settings that its group (a patient, a caption)
had no part in.
"""

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from runtime import metrics
from runtime.dataset import read_dataset
from runtime.encoder import open_encoder
from runtime.errors import InvalidInputError
from runtime.fusion import FusionSettings, PosFuseSettings
from runtime.fusion.tuned import Tuned, write_tuned
from runtime.judge.choose import choose_judge

from ..results import print_table
from .confidence import confidence_out_of_fold, first_is_relevant, fit_confidence
from .coverage import coverage_risk
from .fused_orders import Orders, Rows, Scores, Shown, fused_orders, orders_of
from .group_folds import group_folds
from .trials import Trials
from .tune_data import is_synthetic, judge_scores, own_trials, remembered
from .tuning import FAMILIES, Split, orders_by, out_of_fold, tune, tuned_splits

__all__ = [
    "FAMILIES",
    "Split",
    "confidence_out_of_fold",
    "fit_confidence",
    "fused_orders",
    "out_of_fold",
    "tune",
    "tuned_splits",
]

Ground = tuple[list[Trials], list[Scores], list[Orders]]
JUDGES = ("local", "replay")  # what answers thousands of queries at no price
CALIBRATE_ONLY = "default"  # corrected Pos-Fuse as it is; only the confidence is fitted
COVERAGES = (1.0, 0.9, 0.75, 0.5)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--data", type=Path, required=True, help="captioned images that training did not see")
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--judge", choices=JUDGES, required=True)
    parser.add_argument("--record", type=Path, help="file of recorded replies for replay")
    parser.add_argument("--judge-model", help="chooses among the models of a record")
    parser.add_argument("--out", type=Path, required=True, help="file to write: JSON that search reads")
    parser.add_argument(
        "--family",
        choices=("best", CALIBRATE_ONLY, *FAMILIES),
        default="best",
        help=f"best: the best out of fold (default); {CALIBRATE_ONLY}: corrected Pos-Fuse as it is, with a confidence",
    )
    parser.add_argument("--splits", type=int, default=5, help="out-of-fold splits over groups")
    parser.add_argument("-k", type=int, default=5, help="items that the judge sees")
    parser.add_argument("--threads", type=int, help="threads of the model (default: all cores)")


def run(args: argparse.Namespace) -> int:
    """Asks the judge about every query, tunes every family, writes the chosen one, prints both settings."""
    if args.out.is_dir():
        raise InvalidInputError(f"{args.out} is a folder; give the file to write, such as {args.out / 'tuned.json'}")
    encoder = open_encoder(args.bundle, threads=args.threads)
    judge = choose_judge(args.judge, remembered(encoder.encode_texts), record=args.record, model=args.judge_model)
    if judge is None:
        raise InvalidInputError(f"judge {args.judge!r}; expected one of {', '.join(JUDGES)}")
    trials = own_trials(args.bundle, args.data)
    group_folds(trials.groups, args.splits)  # too many splits are refused before the judge is asked
    k = min(args.k, len(trials.items))
    scores = judge_scores(trials, judge, k)
    withheld = trials.without_answers()
    families = FAMILIES if args.family == "best" else (args.family,)
    tuned = tuned_fusion(
        trials,
        scores,
        families,
        withheld=(withheld, judge_scores(withheld, judge, k)),
        splits=args.splits,
        name=args.out.stem,
        data={
            "name": args.data.name,
            "fingerprint": read_dataset(args.data).fingerprint,
            "kind": "synthetic" if is_synthetic(args.data) else "real",
        },
        bundle=encoder.fingerprint,
        judge=judge.name,
    )
    write_tuned(args.out, tuned)
    _print(tuned, args.out)
    return 0


def tuned_fusion(
    trials: Trials,
    scores: Scores,
    families: tuple[str, ...] = FAMILIES,
    *,
    withheld: tuple[Trials, Scores] | None = None,
    splits: int,
    name: str,
    data: Mapping[str, Any],
    bundle: str,
    judge: str,
) -> Tuned:
    """The family of `families` with the highest MRR out of fold, tuned on all queries, with its confidence model.

    `scores` (Q, k) are the judge's. The figures hold the same measures of the ensemble alone, of published and
    corrected Pos-Fuse, and of every family out of fold. The confidence model is fitted on the out-of-fold orders,
    and on `withheld`: the same queries, and the judge's scores, where the gallery holds no answer.
    """
    shown = Shown.joined([trials], [scores])
    by_family = {
        family: orders_of(shown, PosFuseSettings())
        if family == CALIBRATE_ONLY
        else orders_by([trials], shown, tuned_splits([trials], [scores], family, splits, shown=shown))[0]
        for family in families
    }
    best = max(families, key=lambda family: shown.reciprocal_ranks(by_family[family]).mean())
    orders = by_family[best]
    settings = PosFuseSettings() if best == CALIBRATE_ONLY else tune([trials], [scores], best)
    systems = {
        "ensemble alone": np.broadcast_to(np.arange(scores.shape[1]), scores.shape),
        "published Pos-Fuse": orders_of(shown, PosFuseSettings(variant="published")),
        "corrected Pos-Fuse": orders_of(shown, PosFuseSettings()),
    }
    if best != CALIBRATE_ONLY:
        systems |= {f"tuned {family}, out of fold": order for family, order in by_family.items()}
        systems |= {f"tuned {best}, on its own queries": orders_of(shown, settings)}
    ground: Ground = ([trials], [scores], [orders])
    if withheld is not None:
        other, told = withheld
        ground = ([trials, other], [scores, told], [orders, orders_of(Shown.joined([other], [told]), settings)])
    probabilities = np.concatenate(confidence_out_of_fold(*ground, splits))
    relevant = np.concatenate([first_is_relevant(one, order) for one, _, order in zip(*ground, strict=True)])
    return Tuned(
        name=name,
        data={**data, "queries": len(trials.texts)},
        bundle=bundle,
        judge=judge,
        fusion=settings,
        confidence=fit_confidence(*ground),
        figures={
            "rows": [{"system": system, **_measures(trials, order)} for system, order in systems.items()],
            "family": best,
            "published": asdict(PosFuseSettings(variant="published")),
            "groups": len(set(trials.groups)),
            "splits": splits,
            "shown": scores.shape[1],
            "judged": float(1 - np.isnan(scores).mean()),
            "confidence": _confidence_figures(probabilities, relevant),
        },
    )


def _measures(trials: Trials, orders: Orders) -> dict[str, float]:
    ranked = trials.order.copy()
    ranked[:, : orders.shape[1]] = np.take_along_axis(ranked, orders, 1)
    places = np.empty(ranked.shape)
    np.put_along_axis(places, ranked, np.broadcast_to(-np.arange(ranked.shape[1]), ranked.shape), 1)
    table = metrics.table(places, trials.relevant)
    return {key: table[key] for key in ("r1", "r5", "mrr")}


def _confidence_figures(probabilities: Scores, relevant: Rows) -> dict[str, Any]:
    curve, share = coverage_risk(probabilities, relevant), float(relevant.mean())
    at = {f"{coverage:g}": round(coverage * len(relevant)) - 1 for coverage in COVERAGES}
    return {
        "queries": len(relevant),
        "first_hit_relevant": share,
        "brier": float(np.mean((probabilities - relevant) ** 2)),
        "brier_of_a_constant": share * (1 - share),
        "risk_at_coverage": {coverage: float(curve.risk[max(0, last)]) for coverage, last in at.items()},
        "area_under_risk": curve.area,
    }


def _print(tuned: Tuned, path: Path) -> None:
    figures = tuned.figures
    kind = f"{tuned.data['queries']} queries of {tuned.data['kind']} data ({tuned.data['name']})"
    print(f"{kind}, {tuned.judge}, {figures['judged']:.0%} of {figures['shown']} shown judged")  # noqa: T201
    print_table(figures["rows"])
    sure = figures["confidence"]
    print(  # noqa: T201
        f"confidence, on {sure['queries']} queries of which {sure['first_hit_relevant']:.0%} have a relevant first hit "
        f"(as many again were asked of a gallery without their answers): Brier score {sure['brier']:.3f}, of a "
        f"constant {sure['brier_of_a_constant']:.3f}"
    )
    risk = ", ".join(f"{share:.3f} at {cover}" for cover, share in figures["confidence"]["risk_at_coverage"].items())
    print(f"wrong first hits by coverage, out of fold: {risk}")  # noqa: T201
    print(f"published: {_short(PosFuseSettings(variant='published'))}")  # noqa: T201
    print(f"tuned:     {_short(tuned.fusion)}")  # noqa: T201
    print(path)  # noqa: T201


def _short(settings: FusionSettings) -> str:
    given = asdict(settings)
    for side in ("retrieval", "judge"):
        if isinstance(given.get(side), dict):
            given[side] = given[side]["kind"]
    return ", ".join(f"{name} {value}" for name, value in given.items())
