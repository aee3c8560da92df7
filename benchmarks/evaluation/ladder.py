"""The ladder: from a single fold to tuned fusions on two fixed data sets, with intervals and every pair tested."""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..results import command_line, print_table, save_result
from .breakdown import confusions_of
from .comparison import compared
from .confidence import confidence_out_of_fold, first_is_relevant
from .coverage import CoverageRisk, coverage_risk
from .evaluation_plots import plot_coverage, plot_systems
from .ladder_grounds import Ground, phantoms_ground, tuxpaint_ground
from .ladder_systems import DEFAULT, FIXED, POSFUSE_LILLIS, REFERENCE, SINGLE, TUNED, Rung, rungs
from .measures import Values, measure_orders
from .report import Section, png_uri, write_report
from .report_tables import confusion_tables, pairs_table, stratum_rows, stratum_tables, systems_table, worst_queries
from .statistics import RESAMPLES

DATA = ("phantoms", "tuxpaint")
SURE = tuple(TUNED)[-1]  # the system whose confidence is drawn
DETAILED = (REFERENCE, DEFAULT, SURE)
STRATA = {"phantoms": ("region", "finding", "language"), "tuxpaint": ("category",)}
PRINTED = ("data", "system", "queries", "r1", "r5", "mrr", "ndcg10")
_COVERAGES = (1.0, 0.9, 0.75, 0.5)


def run(args: argparse.Namespace) -> int:
    """Runs the ladder on both data sets; writes `fusion_ladder.json` and, into the work folder, report.html."""
    chosen = args.only or DATA
    grounds: list[Ground] = []
    if "phantoms" in chosen:
        grounds.append(phantoms_ground(args.work, args.threads))
    if "tuxpaint" in chosen:
        grounds.append(tuxpaint_ground(args.tuxpaint, args.work, args.threads))
    figures, sections = ladder(grounds, args.splits)
    report = args.work / "report.html"
    write_report(report, "The fusion ladder", sections)
    print_table([{key: row[key] for key in PRINTED} for row in figures["rows"]])
    print(report)  # noqa: T201
    if set(chosen) == set(DATA):
        save_result("fusion_ladder", command_line(), figures)
    return 0


def ladder(grounds: list[Ground], splits: int, *, resamples: int = RESAMPLES) -> tuple[dict[str, Any], list[Section]]:
    """The figures of the results file, and the report's sections, one a data set."""
    figures: dict[str, Any] = {"rows": [], "pairs": [], "judges": {}, "splits": {}, "tuned": {}, "details": {}}
    figures |= {"reference": REFERENCE, "measure": "mrr", "folds": splits}
    sections = []
    for ground in grounds:
        every = rungs(ground.trials, ground.scores, ground.soup, splits)
        systems, values = {}, {}
        total = len(FIXED) + len(TUNED) + 5 + (ground.soup is not None)
        for rung in tqdm(every, desc=ground.name, total=total, unit="system", file=sys.stderr, disable=None):
            systems[rung.name], values[rung.name] = rung, measure_orders(ground.trials, rung.orders)
        rows, pairs = compared(ground.name, values, REFERENCE, ground.groups, resamples=resamples)
        curve = _confidence(ground, systems[SURE], splits)
        figures["rows"] += rows
        figures["pairs"] += pairs
        figures["judges"][ground.name] = ground.judge
        figures["splits"][ground.name] = ground.facts
        figures["tuned"][ground.name] = {
            name: systems[name].chosen for name in (SINGLE, POSFUSE_LILLIS, *TUNED) if name in systems
        }
        figures["details"][ground.name] = _details(ground, systems, values, curve)
        sections.append(_section(ground, systems, values, curve, rows, pairs))
    return figures, sections


def _confidence(ground: Ground, rung: Rung, splits: int) -> CoverageRisk:
    positions = rung.positions or []
    sure = confidence_out_of_fold(ground.trials, ground.scores, positions, splits)
    right = [first_is_relevant(one, part) for one, part in zip(ground.trials, positions, strict=True)]
    return coverage_risk(np.concatenate(sure), np.concatenate(right))


def _details(
    ground: Ground, systems: dict[str, Rung], values: dict[str, Values], curve: CoverageRisk
) -> dict[str, Any]:
    part = {name: values[name] for name in DETAILED}
    strata = {key: stratum_rows(ground.trials, part, key) for key in STRATA.get(ground.name, ())}
    confusions = {name: confusions_of(ground.trials, systems[name].orders) for name in DETAILED}
    last = len(curve.risk)
    risk = {f"{share:g}": float(curve.risk[max(1, round(share * last)) - 1]) for share in _COVERAGES}
    coverage = {"system": SURE, "area": curve.area, "best": curve.best, "risk_at_coverage": risk}
    return {"strata": strata, "confusions": confusions, "coverage": coverage}


def _section(
    ground: Ground,
    systems: dict[str, Rung],
    values: dict[str, Values],
    curve: CoverageRisk,
    rows: list[dict[str, Any]],
    pairs: list[dict[str, Any]],
) -> Section:
    detailed = {name: values[name] for name in DETAILED}
    confusions = confusion_tables(ground.trials, systems[DEFAULT].orders, DEFAULT)
    plots = [
        ("Ladder", png_uri(lambda folder: _plot_ladder(rows, ground.name, folder))),
        ("Coverage and risk", png_uri(lambda folder: plot_coverage({SURE: curve}, folder))),
    ]
    return Section(
        title=ground.name,
        facts=[*ground.facts, f"judge: {ground.judge}"],
        tables=[
            systems_table(rows, REFERENCE),
            pairs_table(pairs),
            *confusions,
            *stratum_tables(ground.trials, detailed),
        ],
        plots=plots,
        worst=worst_queries(ground.trials, systems[DEFAULT].orders, values[DEFAULT]),
    )


def _plot_ladder(rows: list[dict[str, Any]], data: str, folder: Path) -> Path:
    return plot_systems(rows, REFERENCE, folder, name=f"fusion_ladder_{data}", title=f"The ladder on {data}")


def plot(figures: dict[str, Any], folder: Path) -> list[Path]:
    """The ladder of each data set, with its intervals."""
    names = dict.fromkeys(row["data"] for row in figures["rows"])
    return [_plot_ladder([row for row in figures["rows"] if row["data"] == name], name, folder) for name in names]
