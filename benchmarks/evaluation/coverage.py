"""The coverage-risk curve: how often the first hit is wrong among the queries that are answered."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.errors import InvalidInputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CoverageRisk:
    """`coverage` (Q,) share of the queries answered, the surest first; `risk` (Q,) share of wrong first hits in them.

    `area` is the mean risk over all coverages (AURC); `best` what an oracle that knows every wrong hit would have.
    """

    coverage: Floats
    risk: Floats
    area: float
    best: float


def coverage_risk(confidence: Floats, correct: NDArray[np.bool_]) -> CoverageRisk:
    """The curve of answering only above a threshold, from each query's confidence (Q,) and first hit's truth (Q,).

    Equally sure queries are answered together: where they tie the risk is that of the whole tie. Raises
    InvalidInputError for no queries, unequal lengths or a confidence that is NaN.

    Source: El-Yaniv and Wiener, Journal of Machine Learning Research, 2010.
    """
    if not len(confidence) or len(confidence) != len(correct) or np.isnan(confidence).any():
        raise InvalidInputError(
            f"{len(confidence)} confidences for {len(correct)} queries; expected one number for each of at least one"
        )
    risk = _risk(np.asarray(confidence, np.float64), correct)
    coverage = np.arange(1, len(risk) + 1) / len(risk)
    best = _risk(np.asarray(correct, np.float64) - np.arange(len(correct)) * 1e-9, correct)
    return CoverageRisk(coverage, risk, float(risk.mean()), float(best.mean()))


def _risk(confidence: Floats, correct: NDArray[np.bool_]) -> Floats:
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(~correct[order])
    risk = wrong / np.arange(1, len(order) + 1)
    sure = confidence[order]
    last = np.searchsorted(-sure, -sure, side="right") - 1  # the end of each tie
    tied: Floats = risk[last]
    return tied
