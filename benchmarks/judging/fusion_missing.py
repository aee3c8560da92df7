"""What the correction of Pos-Fuse is worth where a part of the judge's answers is missing, whatever the sign."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from runtime.fusion import PosFuseSettings

from ..evaluation.fused_orders import Shown, orders_of
from ..evaluation.grouped_interval import grouped_interval
from ..evaluation.trials import Trials
from .judge_order import SHOWN
from .simulated import SimulatedJudge, simulated_scores

Values = NDArray[np.float64]
SHARES = (0.0, 0.2, 0.5)
KINDS = {"random": "missing_at_random", "refusal": "missing_by_refusal"}
PUBLISHED, CORRECTED = PosFuseSettings(variant="published"), PosFuseSettings(variant="corrected")


def missing_figures(trials: Trials, judge: SimulatedJudge, accuracies: Sequence[float]) -> dict[str, Any]:
    """The results of `fusion_missing`: corrected minus published Pos-Fuse, over a simulated judge.

    `corrected_minus_published`: by percent missing at random, in MRR, at the committed accuracy; `by_kind` the same
    for both kinds of missing, in MRR and R@1; `rows` over `accuracies`, with each variant minus the ensemble.
    `different_at_0`: queries whose order differs though nothing is missing. With complete lists the two are one
    formula; equal scores could part them only where the judge lists them out of retrieval order, and here it
    lists in retrieval order.
    """
    points = sorted({judge.accuracy, *accuracies})
    cases = [(kind, share, accuracy) for kind in KINDS for share in SHARES for accuracy in points]
    rows = [_row(trials, judge, *case) for case in tqdm(cases, desc="missing answers")]
    chosen = {
        (row["kind"], row["percent"]): row["corrected_minus_published"]
        for row in rows
        if row["accuracy"] == judge.accuracy
    }
    by_kind = {
        kind: {measure: {percent: value[measure] for percent, value in _of(chosen, kind)} for measure in ("mrr", "r1")}
        for kind in KINDS
    }
    return {
        "corrected_minus_published": by_kind["random"]["mrr"],
        "by_kind": by_kind,
        "different_at_0": sum(row["different"] for row in rows if row["percent"] == "0"),
        "queries": len(trials.texts),
        "groups": len(set(trials.groups)),
        "rows": rows,
        "judge": judge.to_json(),
    }


def _of(chosen: dict[tuple[str, str], Any], kind: str) -> Iterator[tuple[str, Any]]:
    return ((percent, value) for (of, percent), value in chosen.items() if of == kind)


def _row(trials: Trials, judge: SimulatedJudge, kind: str, share: float, accuracy: float) -> dict[str, Any]:
    missing = dict.fromkeys(KINDS.values(), 0.0) | {KINDS[kind]: share}
    scores = simulated_scores(trials, SHOWN, judge.replace(accuracy=accuracy, **missing))
    shown = Shown.of(trials, scores)
    published, corrected = orders_of(shown, PUBLISHED), orders_of(shown, CORRECTED)
    plain = np.broadcast_to(np.arange(SHOWN), published.shape)
    mrr = {n: shown.reciprocal_ranks(o) for n, o in (("p", published), ("c", corrected), ("e", plain))}

    def interval(values: Values) -> dict[str, float]:
        return grouped_interval(values, trials.groups)

    return {
        "kind": kind,
        "percent": f"{100 * share:.0f}",
        "accuracy": accuracy,
        "missing": float(np.isnan(scores).mean()),
        "different": int((published != corrected).any(1).sum()),
        "corrected_minus_published": {
            "mrr": interval(mrr["c"] - mrr["p"]),
            "r1": interval(first(mrr["c"]) - first(mrr["p"])),
        },
        "published_minus_ensemble": interval(mrr["p"] - mrr["e"]),
        "corrected_minus_ensemble": interval(mrr["c"] - mrr["e"]),
    }


def first(reciprocal_ranks: Values) -> Values:
    """(Q,) 1.0 where the first hit is relevant, else 0.0."""
    return (reciprocal_ranks == 1).astype(np.float64)
