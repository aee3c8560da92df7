"""The README's section on the ladder of judges and fusions."""

from typing import Any

from ..markdown import table

TITLES = {"phantoms": "synthetic phantoms, simulated judge", "tuxpaint": "real pictures (tuxpaint), local judge"}


def ladder_section(f: dict[str, Any]) -> str:
    """Every system on both data sets, with its interval and its test against the ensemble."""
    heading = (
        f'**The ladder**: MRR with 95 % bootstrap intervals over groups of queries; Δ and p against "{f["reference"]}" '
        "(paired randomisation test, Holm over the rows of a data set). What is chosen, learnt or tuned is so on other "
        f"groups' queries ({f['folds']} folds). A judge sees the first five.\n"
    )
    parts = []
    for data in dict.fromkeys(row["data"] for row in f["rows"]):
        rows = [row for row in f["rows"] if row["data"] == data]
        title = f"{TITLES.get(data, data)} ({rows[0]['queries']} queries)"
        head = [title, "R@1", "R@5", "nDCG@10", "MRR", "95 %", "Δ MRR", "p"]
        parts.append(table(head, [_cells(row) for row in rows]) + "\n\n" + _said(f, data))
    return heading + "\n" + "\n\n".join(parts)


def _cells(row: dict[str, Any]) -> list[str]:
    low, high = row["interval"]
    change = "reference" if row["difference"] is None else f"{row['difference']:+.3f}"
    p = "" if row["p"] is None else "< .001" if row["p"] < 0.001 else f"{row['p']:.3f}"
    means = [f"{row[key]:.3f}" for key in ("r1", "r5", "ndcg10", "mrr")]
    return [row["system"], *means, f"{low:.3f}–{high:.3f}", change, p]


def _said(f: dict[str, Any], data: str) -> str:
    coverage = f["details"][data]["coverage"]
    risk = coverage["risk_at_coverage"]
    return (
        f'Judge: {f["judges"][data]}. Wrong first hits of "{coverage["system"].removeprefix("+ ")}": '
        f"{risk['1']:.1%} where every query is answered, {risk['0.75']:.1%} of the surest three quarters, "
        f"{risk['0.5']:.1%} of the surest half."
    )
