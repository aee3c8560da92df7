"""A user's data with a bundle, a judge and a fusion: run and qrels as TREC files, a table, a report."""

import argparse
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.dataset import Dataset, Record, read_dataset
from runtime.encoder import DualEncoder, open_encoder
from runtime.errors import DatasetError, InvalidInputError
from runtime.fusion import FusionSettings, PosFuseSettings
from runtime.fusion.tuned import Tuned, read_tuned
from runtime.images import read_image
from runtime.judge import Judge
from runtime.judge.choose import choose_judge
from runtime.results import Candidate, Query

from ..judging.fresh_phantoms import only_queries
from ..results import print_table
from .comparison import compared
from .confidence import first_is_relevant, signal_table
from .coverage import coverage_risk
from .evaluation_plots import plot_coverage, plot_systems
from .fused_orders import Orders, Scores, fused_orders
from .ladder_grounds import K
from .ladder_systems import JUDGE, REFERENCE, VOTES, by_votes, judge_alone, reordered
from .leakage import LeakageError
from .measures import Values, measure_orders
from .relevance import PICTURE, TEXT, questions, trials_of
from .report import Section, Table, png_uri, write_report
from .report_tables import confusion_tables, pairs_table, stratum_tables, systems_table, worst_queries
from .tested_data import tested_data
from .trec import Run, trec_id, write_qrels, write_run
from .trials import Trials
from .tune_data import is_synthetic, judge_scores, remembered

FUSIONS = {
    "corrected": PosFuseSettings(),
    "published": PosFuseSettings(variant="published"),
    "agreement": PosFuseSettings(agreement=True),
    "rrf": PosFuseSettings(strategy="rrf"),
    "confidence_weighted": PosFuseSettings(judge_side="confidence_weighted"),
}
DEPTH = 1000  # items a query in a run file, TREC's habit
PRINTED = ("system", "queries", "r1", "r5", "recall10", "mrr", "ndcg10", "map")


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Trials, every system's rankings (Q, N) in them, the last one final, and what belongs beside the figures."""

    trials: Trials
    systems: dict[str, Orders]
    facts: list[str]
    confidence: NDArray[np.float64] | None = None
    right: NDArray[np.bool_] | None = None


def evaluate_data(args: argparse.Namespace) -> int:
    """Asks the data set's own questions, judges and fuses where asked to, and writes everything to `args.out`."""
    dataset, checked = tested_data(args)
    encoder = open_encoder(args.bundle, threads=args.threads)
    found = questions(dataset, args.relevance, args.relevant_columns, args.languages)
    trials = trials_of(args.data.name, dataset, found, encoder, args.work / "trials")
    kind = "synthetic (phantoms, drawn by a program)" if is_synthetic(args.data) else "as given by its owner"
    facts = [f"the data set {args.data.name} is {kind}", checked]
    done = judged_and_fused(args, trials, encoder, dataset, facts)
    values = {name: measure_orders([trials], [order]) for name, order in done.systems.items()}
    rows, pairs = compared(args.data.name, values, REFERENCE, trials.groups)
    write_trec(args.out, trials, list(done.systems.values())[-1])
    section = _section(done, values, rows, pairs)
    write_report(args.out / "report.html", f"Evaluation of {args.data.name}", [section])
    for fact in done.facts:
        print(fact)  # noqa: T201
    print_table([{key: row[key] for key in PRINTED} for row in rows])
    for name in ("run.trec", "qrels.trec", "report.html"):
        print(args.out / name)  # noqa: T201
    return 0


def judged_and_fused(
    args: argparse.Namespace, trials: Trials, encoder: DualEncoder, dataset: Dataset, facts: list[str]
) -> Evaluated:
    """Every system's rankings: the ensemble's two, and with a judge its own and the fused one."""
    systems = {VOTES: by_votes(trials), REFERENCE: trials.order}
    encode = remembered(encoder.encode_texts)
    judge = choose_judge(args.judge, encode, record=args.record, model=args.judge_model)
    if judge is None:
        return Evaluated(trials, systems, [*facts, "no judge was asked"])
    settings, name, tuned = chosen_fusion(args.fusion, encoder.fingerprint, judge.name, dataset)
    scores = asked_scores(trials, judge, args.judge_columns)
    positions = fused_orders(trials, scores, settings)
    systems |= {JUDGE: reordered(trials, judge_alone(scores)), name: reordered(trials, positions)}
    reads = f"the columns {', '.join(args.judge_columns)}" if args.judge_columns else "captions other than the query"
    what = f" (it reads {reads}, no picture)" if args.judge == "local" else ""
    facts = [*facts, f"judge: {judge.name}{what}; {1 - np.isnan(scores).mean():.0%} of what it was shown is judged"]
    if tuned is None or tuned.confidence is None:
        return Evaluated(trials, systems, facts)
    model = tuned.confidence
    table = signal_table(trials, scores, positions)
    sure = [model.probability(dict(zip(model.names, row.tolist(), strict=True))) for row in table]
    return Evaluated(trials, systems, facts, np.array(sure), first_is_relevant(trials, positions))


def chosen_fusion(name: str, bundle: str, judge: str, dataset: Dataset) -> tuple[FusionSettings, str, Tuned | None]:
    """The settings called `name`, or those of a file, what the table calls them, and the file's content.

    Raises InvalidInputError for an unknown name or a file of another bundle or judge, LeakageError where it was
    tuned on this very data.
    """
    if name in FUSIONS:
        return FUSIONS[name], f"+ fusion, {name}", None
    path = Path(name)
    if not path.is_file():
        raise InvalidInputError(f"fusion {name!r}; expected {', '.join(FUSIONS)}, or a file that `tune` wrote")
    tuned = read_tuned(path)
    tuned.check_bundle(bundle)
    tuned.check_judge(judge)
    if tuned.data["fingerprint"] in {dataset.fingerprint, read_dataset(dataset.root).fingerprint}:
        raise LeakageError(f"{path} was tuned on this very data: its figures there mean nothing; tune it on other data")
    return tuned.fusion, f"+ fusion, {tuned.name} (tuned on {tuned.data['name']}, {tuned.data['kind']})", tuned


def asked_scores(trials: Trials, judge: Judge, columns: list[str], k: int = K) -> Scores:
    """(Q, k) float64, NaN unjudged: texts by `tune_data.judge_scores`, pictures shown to the judge as they are.

    With `columns` a judge that reads captions reads the values of these metadata columns in their place.
    """
    k = min(k, len(trials.items))
    kinds = np.array(trials.strata["kind"])
    scores = np.full((len(kinds), k), np.nan)
    shown = replace(trials, items=[_read_as(item, columns) for item in trials.items]) if columns else trials
    texts = np.flatnonzero(kinds == TEXT)
    if texts.size:
        scores[texts] = judge_scores(only_queries(shown, texts), judge, k)
    paths = {item.file: item.path for item in trials.items}
    for row in np.flatnonzero(kinds == PICTURE):
        query = Query(image=read_image(paths[trials.texts[row]]), image_name=trials.texts[row])
        top = [
            Candidate(int(i), rank, str(trials.items[i].path), None, {}, float(trials.similarities[row, i]), (), ())
            for rank, i in enumerate(trials.top(k)[row], start=1)
        ]
        answer = judge.judge(query, top, lambda candidate: Path(candidate.path).read_bytes())
        scores[row] = [np.nan if judgement.score is None else judgement.score for judgement in answer]
    return scores


def _read_as(record: Record, columns: list[str]) -> Record:
    missing = [column for column in columns if column not in record.metadata]
    if missing:
        raise DatasetError(f"{record.file} has no column {missing[0]!r}; it has {', '.join(record.metadata) or 'none'}")
    text = " ".join(str(record.metadata[column]) for column in columns)
    return replace(record, captions=(text,), captions_vi=(text,))


def write_trec(folder: Path, trials: Trials, order: Orders) -> None:
    """`run.trec` (the first 1 000 of every query) and `qrels.trec` (grade 1) of a ranking (Q, N).

    Ids are the query's text and the picture's file (see `trec_id`); a text that is asked twice ends in ~2.
    """
    items = [trec_id(item.file) for item in trials.items]
    run: dict[str, dict[str, float]] = {}
    qrels: dict[str, dict[str, int]] = {}
    asked: Counter[str] = Counter()
    for row, (text, kind) in enumerate(zip(trials.texts, trials.strata["kind"], strict=True)):
        own = trec_id(text)
        asked[own] += 1
        query = own if asked[own] == 1 else f"{own}~{asked[own]}"
        # a picture does not find itself
        ranked = [items[i] for i in order[row] if kind == TEXT or items[i] != own][:DEPTH]
        run[query] = {item: float(len(ranked) - place) for place, item in enumerate(ranked)}
        qrels[query] = {items[i]: 1 for i in np.flatnonzero(trials.relevant[row])}
    write_run(folder / "run.trec", Run("kger", run))
    write_qrels(folder / "qrels.trec", qrels)


def _section(
    done: Evaluated, values: dict[str, Values], rows: list[dict[str, Any]], pairs: list[dict[str, Any]]
) -> Section:
    final = list(done.systems)[-1]
    order, trials = done.systems[final], [done.trials]
    tables: list[Table] = [systems_table(rows, REFERENCE), pairs_table(pairs)]
    tables += confusion_tables(trials, [order], final)
    tables += stratum_tables(trials, {name: values[name] for name in dict.fromkeys((REFERENCE, final))})
    plots = [("Systems", png_uri(lambda f: plot_systems(rows, REFERENCE, f, name="systems", title=done.trials.name)))]
    if done.confidence is not None and done.right is not None:
        curve = coverage_risk(done.confidence, done.right)
        plots.append(("Coverage and risk", png_uri(lambda folder: plot_coverage({final: curve}, folder))))
    return Section(done.trials.name, done.facts, tables, plots, worst_queries(trials, [order], values[final]))
