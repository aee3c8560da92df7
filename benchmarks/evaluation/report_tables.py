"""The tables of a report, and its worst queries, from rows and trials."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .breakdown import FACETS, by_label, confusions_of, strata_of, wrong_share
from .comparison import PRIMARY
from .measures import TITLES, Orders, Values
from .report import Shown, Table, WorstQuery, thumbnail
from .trec import plain_id
from .trials import Trials

COLUMNS = ("r1", "r5", "recall10", "mrr", "ndcg10", "map")
WORST, GOT, WANTED = 10, 5, 3


def p_text(p: float | None) -> str:
    """ "–" for none, "< .001" for small ones, else three places."""
    if p is None:
        return "–"
    return "< .001" if p < 0.001 else f"{p:.3f}"


def span(low_high: Sequence[float] | None, *, signed: bool = False) -> str:
    """An interval as text."""
    if low_high is None:
        return "–"
    low, high = (f"{value:+.3f}" if signed else f"{value:.3f}" for value in low_high)
    return f"{low} to {high}"


def systems_table(rows: Sequence[dict[str, Any]], reference: str, primary: str = PRIMARY) -> Table:
    """Every system's means, the primary measure's interval, and its difference to the reference."""
    name = TITLES[primary]
    head = ["system", *(TITLES[key] for key in COLUMNS), f"{name}, 95 %", f"Δ {name}", "Δ, 95 %", "p (Holm)"]
    cells = []
    for row in rows:
        change = "–" if row["difference"] is None else f"{row['difference']:+.3f}"
        changed = [change, span(row["difference_interval"], signed=True), p_text(row["p"])]
        cells.append([row["system"], *(f"{row[key]:.3f}" for key in COLUMNS), span(row["interval"]), *changed])
    note = (
        f"{rows[0]['queries']} queries. R@k is Success@k: a relevant item among the first k (the challenge's name). "
        f"Δ is against {reference}; intervals: percentile bootstrap over groups of queries; p: paired randomisation "
        "test, corrected by Holm over this table."
    )
    return Table("Systems", head, cells, note)


def pairs_table(pairs: Sequence[dict[str, Any]], primary: str = PRIMARY) -> Table:
    """The test of every two systems."""
    head = ["first", "second", f"Δ {TITLES[primary]} (second - first)", "p", "p (Holm)"]
    rows = [[p["first"], p["second"], f"{p['difference']:+.4f}", p_text(p["p"]), p_text(p["p_holm"])] for p in pairs]
    return Table("Every pair of systems", head, rows, "Holm's correction is over all of these pairs.", folded=True)


def stratum_rows(trials: Sequence[Trials], systems: Mapping[str, Values], key: str) -> list[dict[str, Any]]:
    """A row a label of the stratum `key`: label, queries, and every system's R@1 and MRR; none where not known."""
    labels = strata_of(trials, key)
    if not any(labels):
        return []
    parts = {name: by_label(values, labels) for name, values in systems.items()}
    first = next(iter(parts.values()))
    return [
        {"label": row["label"] or "unknown", "queries": row["queries"]}
        | {name: {"r1": part[i]["r1"], "mrr": part[i]["mrr"]} for name, part in parts.items()}
        for i, row in enumerate(first)
    ]


def stratum_tables(trials: Sequence[Trials], systems: Mapping[str, Values]) -> list[Table]:
    """By kind, language, region, finding … where the trials know them and they differ."""
    tables = []
    for key in ("kind", "language", *FACETS, "category"):
        rows = stratum_rows(trials, systems, key)
        if len(rows) > 1:
            head = [key, "queries", *(f"{name}: {measure}" for name in systems for measure in ("R@1", "MRR"))]
            cells = [
                [row["label"], str(row["queries"]), *(f"{row[name][m]:.3f}" for name in systems for m in ("r1", "mrr"))]
                for row in rows
            ]
            tables.append(Table(f"By {key}", head, cells, folded=True))
    return tables


def confusion_tables(trials: Sequence[Trials], orders: Sequence[Orders], system: str) -> list[Table]:
    """Left against right and open against closed in the first hits, where any query asks for them."""
    tables = []
    for found in confusions_of(trials, orders).values():
        shown = list(next(iter(found.values())))
        rows = [[f"asked {asked}", *(str(row[choice]) for choice in shown)] for asked, row in found.items()]
        note = f"{system}: the first hit shows the opposite in {wrong_share(found):.1%} of these queries."
        tables.append(Table(f"{' and '.join(found).capitalize()}, first hits", ["", *shown], rows, note))
    return tables


def worst_queries(
    trials: Sequence[Trials], orders: Sequence[Orders], values: Values, count: int = WORST
) -> list[WorstQuery]:
    """The queries whose first relevant item stands lowest, with pictures; `values` are those of `orders`."""
    places = [(part, row) for part, one in enumerate(trials) for row in range(len(one.texts))]
    found = []
    for i in np.argsort(values[PRIMARY], kind="stable")[:count]:
        if values[PRIMARY][i] == 1:
            break  # the rest is right at the first place
        part, row = places[int(i)]
        one, order = trials[part], orders[part][row]
        good = one.relevant[row]
        rank = 1 + int(np.argmax(good[order]))
        got = [thumbnail(one.items[item], relevant=bool(good[item])) for item in order[:GOT]]
        wanted = [thumbnail(one.items[item], relevant=True) for item in order[good[order]][:WANTED]]
        verdict = f"first relevant at rank {rank} of {len(order)}; {int(good.sum())} relevant"
        found.append(WorstQuery(one.texts[row], verdict, got, wanted))
    return found


def worst_of_run(
    scores: Mapping[str, Mapping[str, float]],
    qrels: Mapping[str, Mapping[str, int]],
    reciprocal: Mapping[str, float],
    relevant: int,
    count: int = WORST,
) -> list[WorstQuery]:
    """The same of a run file, without pictures: `reciprocal` is each measured query's reciprocal rank."""
    found = []
    for query in sorted(reciprocal, key=lambda query: reciprocal[query])[:count]:
        value = reciprocal[query]
        if value == 1:
            break
        ranked = sorted(sorted(scores.get(query, {}).items(), reverse=True), key=lambda pair: -pair[1])
        good = [item for item, grade in qrels[query].items() if grade >= relevant]
        got = [Shown("", plain_id(item), item in good) for item, _ in ranked[:GOT]]
        verdict = f"first relevant at rank {round(1 / value)}" if value else "nothing relevant was found"
        found.append(WorstQuery(plain_id(query), verdict, got, [Shown("", plain_id(i), True) for i in good[:WANTED]]))
    return found
