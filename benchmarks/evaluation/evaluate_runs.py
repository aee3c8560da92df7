"""Any systems' TREC runs against qrels: a table with intervals, a test of every pair, a report."""

import argparse
from functools import partial
from pathlib import Path

from runtime.errors import InvalidInputError

from ..results import print_table
from .comparison import PRIMARY, compared
from .evaluation_plots import plot_systems
from .measures import measurable, measure_run
from .report import Section, png_uri, write_report
from .report_tables import p_text, pairs_table, systems_table, worst_of_run
from .trec import Qrels, Run, read_qrels, read_run

PRINTED = ("system", "queries", "r1", "r5", "recall10", "mrr", "ndcg10", "map")


def evaluate_runs(args: argparse.Namespace) -> int:
    """Measures `args.run` by `args.qrels`; the first run is the reference."""
    if args.qrels is None:
        raise InvalidInputError("--run needs --qrels FILE: lines of `query 0 item grade`")
    qrels = read_qrels(args.qrels)
    runs = named([read_run(path) for path in args.run], args.run)
    queries = measurable(qrels, args.relevant_grade)
    values = {run.name: measure_run(run.scores, qrels, args.relevant_grade) for run in runs}
    rows, pairs = compared(args.qrels.stem, values, runs[0].name)
    facts = coverage_facts(runs, qrels, queries)
    for fact in facts:
        print(fact)  # noqa: T201
    print_table([{key: row[key] for key in PRINTED} for row in rows])
    for pair in pairs:
        name, p = f"{pair['second']} - {pair['first']}", f"p {p_text(pair['p'])}, Holm {p_text(pair['p_holm'])}"
        print(f"{name}: MRR {pair['difference']:+.4f}, {p}")  # noqa: T201
    if args.report:
        reciprocal = dict(zip(queries, values[runs[0].name][PRIMARY].tolist(), strict=True))
        section = Section(
            title=args.qrels.name,
            facts=[*facts, f"the worst queries are those of {runs[0].name}"],
            tables=[systems_table(rows, runs[0].name), *([pairs_table(pairs)] if pairs else [])],
            plots=[("Systems", png_uri(partial(plot_systems, rows, runs[0].name, name="systems", title="Systems")))],
            worst=worst_of_run(runs[0].scores, qrels, reciprocal, args.relevant_grade),
        )
        write_report(args.report, f"Runs by {args.qrels.name}", [section])
        print(args.report)  # noqa: T201
    return 0


def named(runs: list[Run], paths: list[Path]) -> list[Run]:
    """The runs under distinct names: their own, else their files', else their paths."""
    for names in ([run.name for run in runs], [path.stem for path in paths], [str(path) for path in paths]):
        if len(set(names)) == len(names):
            return [Run(name, run.scores) for name, run in zip(names, runs, strict=True)]
    raise InvalidInputError("a run file is given twice; give each once")


def coverage_facts(runs: list[Run], qrels: Qrels, queries: list[str]) -> list[str]:
    """What is not answered, not asked, or cannot be measured, in sentences; raises where a run answers nothing."""
    facts = []
    if len(queries) < len(qrels):
        facts.append(f"{len(qrels) - len(queries)} queries have no relevant item and are left out")
    for run in runs:
        missing = sum(not run.scores.get(query) for query in queries)
        if missing == len(queries):
            raise InvalidInputError(
                f"the run {run.name} answers none of the {len(queries)} queries; its ids (such as "
                f"{next(iter(run.scores))}) and those of the qrels (such as {queries[0]}) must be the same"
            )
        if missing:
            facts.append(f"{run.name} does not answer {missing} of {len(queries)} queries, which count 0")
        strange = len(run.scores.keys() - qrels.keys())
        if strange:
            facts.append(f"{run.name} answers {strange} queries that the qrels do not have; they are left out")
    return facts
