"""The README's sections on the simulated judge: shuffles, missing answers, and where a judge helps or harms."""

from typing import Any

from ..markdown import interval, table

SIGNED = "+.4f"


def judge_order_section(f: dict[str, Any]) -> str:
    """Kendall's tau to truth by the number of shuffled orders."""
    judge = f["judge"]
    heading = (
        f"**Order bias** (a *simulated* judge of pair accuracy {judge['accuracy']:.2f} that is drawn to what it is "
        f"shown first; {f['queries']:,} queries on synthetic phantoms whose first five differ in grade): mean "
        "Kendall τ-b of the averaged scores to truth, intervals over patients.\n"
    )
    counts = list(dict.fromkeys(row["shuffles"] for row in f["rows"]))
    lines = []
    for way in dict.fromkeys(row["way"] for row in f["rows"]):
        rows = {row["shuffles"]: row for row in f["rows"] if row["way"] == way}
        lines.append([way, *(interval(rows[n], words=True) for n in counts)])
    steps = "; ".join(f"{step}: {interval(value, SIGNED, words=True)}" for step, value in f["steps"].items())
    return f"{heading}\n{table(['calls averaged', *map(str, counts)], lines)}\n\nPaired, listwise: {steps}."


def fusion_missing_section(f: dict[str, Any]) -> str:
    """Corrected minus published Pos-Fuse by kind and share of missing answers."""
    judge = f["judge"]
    heading = (
        f"**Missing answers**: corrected minus published Pos-Fuse with a *simulated* judge of pair accuracy "
        f"{judge['accuracy']:.2f}, {f['queries']:,} queries on synthetic phantoms, intervals over patients. With "
        f"nothing missing {f['different_at_0']} queries are ordered differently.\n"
    )
    names = {"random": "missing at random", "refusal": "harder pictures refused more"}
    lines = [
        [names[kind], name, *(interval(value, SIGNED, words=True) for value in by_measure[measure].values())]
        for kind, by_measure in f["by_kind"].items()
        for measure, name in (("mrr", "MRR"), ("r1", "R@1"))
    ]
    shares = [f"{percent} %" for percent in f["corrected_minus_published"]]
    return f"{heading}\n{table(['', 'Δ', *shares], lines)}"


def judge_sweep_section(f: dict[str, Any]) -> str:
    """Every fusion's gain over the ensemble by the judge's accuracy, and where it begins to help."""
    heading = (
        f"**Where a judge helps**: MRR minus the ensemble's ({f['ensemble']['mrr']:.3f}) with a *simulated* judge "
        f"from below chance to perfect, {f['missing']:.0%} unjudged, one call in a shuffled order; "
        f"{f['queries']:,} queries on synthetic phantoms. Bold: the 95 % interval over patients excludes 0. Tuned: on "
        "other patients, at that accuracy.\n"
    )
    accuracies = list(dict.fromkeys(row["accuracy"] for row in f["rows"]))
    lines = []
    for fusion in f["helps_from"]:
        gains = {row["accuracy"]: row["mrr_minus_ensemble"] for row in f["rows"] if row["fusion"] == fusion}
        ends = (_point(f["harms_below"][fusion]), _point(f["helps_from"][fusion]))
        lines.append([fusion, *(_marked(gains[accuracy]) for accuracy in accuracies), *ends])
    head = ["fusion \\ accuracy", *(f"{accuracy:g}" for accuracy in accuracies), "harms below", "helps from"]
    return f"{heading}\n{table(head, lines)}"


def _marked(value: dict[str, float]) -> str:
    said = f"{value['mean']:+.3f}"
    return said if value["low"] <= 0 <= value["high"] else f"**{said}**"


def _point(accuracy: float | None) -> str:
    return "none" if accuracy is None else f"{accuracy:g}"
