"""Does averaging over shuffled orders heal a judge that is drawn to what it is shown first? Kendall's tau to truth."""

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ..evaluation.grouped_interval import grouped_interval
from ..evaluation.trials import Trials
from .fresh_phantoms import only_queries
from .simulated import SimulatedJudge, simulated_scores

SHOWN = 5
SHUFFLES = (1, 3, 5)


def order_figures(trials: Trials, judge: SimulatedJudge) -> dict[str, Any]:
    """The results of `judge_order`, the simulated judge asked with 1, 3 and 5 shuffles.

    tau_S: mean Kendall tau-b between the averaged listwise score and the truth grade of the five shown, over the
    queries whose five differ in grade (tau is undefined for the rest); `intervals` and the paired `steps` by
    patients. Nothing is missing here. `rows` hold the same without bias, which is what shuffling could at best
    heal, and pointwise.
    """
    grades = np.take_along_axis(trials.grades, trials.top(SHOWN), axis=1)
    open_rows = np.flatnonzero(grades.min(1) < grades.max(1))
    asked, truth = only_queries(trials, open_rows), grades[open_rows]
    complete = judge.replace(missing_at_random=0.0, missing_by_refusal=0.0)
    ways = {
        "listwise": ("listwise", complete),
        "listwise, without bias": ("listwise", complete.replace(order_bias=0.0)),
        "pointwise": ("pointwise", complete),
    }
    taus: dict[tuple[str, int], NDArray[np.float64]] = {}
    for name, (mode, settings) in tqdm(ways.items(), desc="shuffles"):
        for shuffles in SHUFFLES:
            taus[name, shuffles] = kendall_taus(simulated_scores(asked, SHOWN, settings, shuffles, mode), truth)
    rows = [
        {"way": name, "shuffles": shuffles, **grouped_interval(tau, asked.groups)}
        for (name, shuffles), tau in taus.items()
    ]
    means = [row["mean"] for row in rows if row["way"] == "listwise"]
    return {
        **{f"tau_{shuffles}": mean for shuffles, mean in zip(SHUFFLES, means, strict=True)},
        "intervals": {str(row["shuffles"]): [row["low"], row["high"]] for row in rows if row["way"] == "listwise"},
        "steps": {
            f"{more} - {fewer}": grouped_interval(taus["listwise", more] - taus["listwise", fewer], asked.groups)
            for fewer, more in itertools.pairwise(SHUFFLES)
        },
        "monotone": bool(np.all(np.diff(means) > 0)),
        "queries": len(asked.texts),
        "queries_of_one_grade": len(trials.texts) - len(asked.texts),
        "groups": len(set(asked.groups)),
        "rows": rows,
        "judge": complete.to_json(),
    }


def kendall_taus(scores: NDArray[np.float64], truth: NDArray[np.int8]) -> NDArray[np.float64]:
    """(Q,) Kendall's tau-b of each query's scores (Q, k) to its grades (Q, k), which must not all be equal."""
    from scipy.stats import kendalltau  # noqa: PLC0415  of the training environment

    return np.array([kendalltau(given, grades).statistic for given, grades in zip(scores, truth, strict=True)])
