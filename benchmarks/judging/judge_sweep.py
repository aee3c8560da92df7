"""From which accuracy on a judge helps, and below which it harms, by fusion."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ..evaluation.fused_orders import Shown, orders_of
from ..evaluation.grouped_interval import grouped_interval
from ..evaluation.ladder_systems import FIXED, JUDGE, TUNED, judge_alone
from ..evaluation.trials import Trials
from ..evaluation.tuning import out_of_fold
from .fusion_missing import first
from .judge_order import SHOWN
from .simulated import SimulatedJudge, simulated_scores

Orders = NDArray[np.int64]
ACCURACIES = (0.35, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)  # closer together where the ensemble is hard to better


def sweep_figures(
    trials: Trials, judge: SimulatedJudge, accuracies: Sequence[float] = ACCURACIES, shuffles: int = 1
) -> dict[str, Any]:
    """The results of `judge_sweep`: each fusion's MRR minus the ensemble's, at each accuracy of the simulated judge.

    The systems are the ladder's, from the judge on. Everything but its accuracy is as committed, also what is
    missing. `pair_accuracy` is what came of it, bias included: the share of shown pairs of grades 2 and 0, both
    judged, that it ordered rightly. The tuned fusions are tuned at that accuracy on other patients. `helps_from`:
    the lowest swept accuracy from which on every interval lies above 0, None where there is none. `harms_below`:
    all swept accuracies below it have intervals below 0; None where the lowest already has not.
    """
    rows = []
    for accuracy in tqdm(accuracies, desc="accuracy"):
        scores = simulated_scores(trials, SHOWN, judge.replace(accuracy=accuracy), shuffles)
        shown = Shown.of(trials, scores)
        plain = shown.reciprocal_ranks(np.broadcast_to(np.arange(SHOWN), scores.shape))
        common = {"accuracy": accuracy, "pair_accuracy": pair_accuracy(trials, scores)}
        for fusion, orders in _orders(trials, scores, shown):
            mrr = shown.reciprocal_ranks(orders)
            rows.append(
                {
                    **common,
                    "fusion": fusion,
                    "mrr": float(mrr.mean()),
                    "r1": float(first(mrr).mean()),
                    "mrr_minus_ensemble": grouped_interval(mrr - plain, trials.groups),
                    "r1_minus_ensemble": grouped_interval(first(mrr) - first(plain), trials.groups),
                }
            )
    by_fusion = {name: [r for r in rows if r["fusion"] == name] for name in (JUDGE, *FIXED, *TUNED)}
    return {
        "helps_from": {name: helps_from(points) for name, points in by_fusion.items()},
        "harms_below": {name: harms_below(points) for name, points in by_fusion.items()},
        "ensemble": {"mrr": float(plain.mean()), "r1": float(first(plain).mean())},
        "missing": float(np.isnan(scores).mean()),
        "shuffles": shuffles,
        "queries": len(trials.texts),
        "groups": len(set(trials.groups)),
        "rows": rows,
        "judge": judge.to_json(),
    }


def _orders(trials: Trials, scores: NDArray[np.float64], shown: Shown) -> Iterator[tuple[str, Orders]]:
    yield JUDGE, judge_alone(scores)
    yield from ((name, orders_of(shown, settings)) for name, settings in FIXED.items())
    for name, family in TUNED.items():
        yield name, out_of_fold([trials], [scores], family)[0]


def pair_accuracy(trials: Trials, scores: NDArray[np.float64]) -> float:
    """Share of the shown pairs of grades 2 and 0, both judged, in which the first scored higher; NaN without pairs."""
    grades = np.take_along_axis(trials.grades, trials.top(scores.shape[1]), axis=1)
    ahead = scores[:, :, None] - scores[:, None, :]
    pairs = (grades[:, :, None] == 2) & (grades[:, None, :] == 0) & ~np.isnan(ahead)
    return float((ahead[pairs] > 0).mean()) if pairs.any() else float("nan")


def helps_from(points: Sequence[dict[str, Any]]) -> float | None:
    """The lowest accuracy such that its interval and those of all higher ones lie above 0; points by accuracy."""
    found = None
    for point in reversed(points):
        if point["mrr_minus_ensemble"]["low"] <= 0:
            break
        found = point["accuracy"]
    return found


def harms_below(points: Sequence[dict[str, Any]]) -> float | None:
    """The lowest accuracy whose interval does not lie below 0 (the highest where all do); None if it is the first."""
    harmless = next((p for p in points if p["mrr_minus_ensemble"]["high"] >= 0), points[-1])
    return None if harmless is points[0] else float(harmless["accuracy"])
