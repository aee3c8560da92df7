"""How probable it is that the top hit is relevant: signals of one answer, and a calibrated model over them.

A model is calibrated for one bundle, one judge and one kind of data, which `fusion.tuned.Tuned` names: asked of
another bundle it is refused there, and elsewhere its probabilities mean nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .errors import InvalidInputError
from .fusion.calibration import sigmoid
from .fusion.retrieved import Retrieved

SIGNALS = ("similarity", "margin", "fold_agreement", "fold_spread", "judge_score", "judged")


def signals(retrieved: Retrieved, judged: Mapping[int, float | None], top_id: int) -> dict[str, float]:
    """What speaks for and against the item `top_id`, the first of the final order, by the names in `SIGNALS`.

    - similarity: its mean cosine over the folds.
    - margin: its similarity minus the highest of the others; below 0 where retrieval preferred another, 0 alone.
    - fold_agreement: share of folds whose own best among the retrieved it is; 1 where no fold cosines are known.
    - fold_spread: standard deviation of its cosine over the folds; 0 where no fold cosines are known.
    - judge_score, judged: its score and 1; both 0 where it is unjudged or nobody judged.

    Raises InvalidInputError where `top_id` was not retrieved.
    """
    if top_id not in retrieved.ids:
        raise InvalidInputError(f"item {top_id} is not among the retrieved {list(retrieved.ids)}; give one that is")
    row = list(retrieved.ids).index(top_id)
    similarity = float(retrieved.similarities[row])
    others = np.delete(retrieved.similarities, row)
    agreement = retrieved.agreement(row)
    folds = retrieved.fold_cosines
    score = judged.get(top_id)
    return {
        "similarity": similarity,
        "margin": similarity - float(others.max()) if others.size else 0.0,
        "fold_agreement": 1.0 if agreement is None else agreement,
        "fold_spread": 0.0 if folds is None else float(np.std(folds[row], dtype=np.float64)),
        "judge_score": 0.0 if score is None else float(score),
        "judged": 0.0 if score is None else 1.0,
    }


@dataclass(frozen=True)
class ConfidenceModel:
    """A logistic regression: sigmoid(Σ weight · (signal − mean) / scale + intercept).

    `names` are signals; `mean`, `scale` (more than 0) and `weights` stand in their order. Fitted out of fold by
    `python -m benchmarks tune`. Raises InvalidInputError where the lengths differ or a number cannot be used.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def __post_init__(self) -> None:
        lengths = {len(self.names), len(self.mean), len(self.scale), len(self.weights)}
        if len(lengths) != 1 or not self.names:
            raise InvalidInputError("a confidence model needs as many means, scales and weights as names; fit it again")
        unknown = sorted(set(self.names) - set(SIGNALS))
        if unknown:
            raise InvalidInputError(f"a confidence model has no signals {unknown}; choose of {', '.join(SIGNALS)}")
        if not all(map(math.isfinite, (*self.mean, *self.scale, *self.weights, self.intercept))):
            raise InvalidInputError("a confidence model's numbers must be finite; fit it again")
        if min(self.scale) <= 0:
            raise InvalidInputError(f"a confidence model's scales are {self.scale}; expected more than 0")

    def probability(self, values: Mapping[str, float]) -> float:
        """The probability, in (0, 1), that the top hit is relevant.

        `values` are its `signals`; raises InvalidInputError where one is missing or not a finite number.
        """
        missing = [name for name in self.names if name not in values or not math.isfinite(values[name])]
        if missing:
            raise InvalidInputError(f"the signals {missing} are missing or no numbers; give those of `signals`")
        given = np.array([values[name] for name in self.names])
        logit = np.dot(np.array(self.weights), (given - np.array(self.mean)) / np.array(self.scale))
        return float(sigmoid(logit + self.intercept))
