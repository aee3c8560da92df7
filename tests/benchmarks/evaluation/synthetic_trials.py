"""Small trials of random numbers: synthetic, for tests of methods over them."""

from pathlib import Path

import numpy as np

from benchmarks.evaluation.trials import Trials
from runtime.dataset import Record


def synthetic_trials(queries=120, items=12, folds=4, groups=10, seed=0, signal=0.15):
    """Random cosines to which a relevant item adds `signal`; two items of grade 2 and two of grade 1 a query."""
    rng = np.random.default_rng(seed)
    places = np.argsort(rng.random((queries, items)), axis=1)
    grades = np.zeros((queries, items), np.int8)
    np.put_along_axis(grades, places[:, :2], 2, 1)
    np.put_along_axis(grades, places[:, 2:4], 1, 1)
    shared, own = rng.normal(0, 0.1, (queries, items, 1)), rng.normal(0, 0.1, (queries, items, folds))
    cosines = 0.3 + shared + own + signal * (grades == 2)[:, :, None]
    return Trials(
        name=f"synthetic {seed}",
        texts=[f"query {q}" for q in range(queries)],
        groups=[f"group {q % groups}" for q in range(queries)],
        strata={},
        items=[Record(f"{i}.png", Path(f"{i}.png")) for i in range(items)],
        cosines=cosines.astype(np.float32),
        grades=grades,
    )


def noisy_scores(trials, k=5, seed=0, missing=0.0, tenths=False, skill=1.0):
    """(Q, k) float64 scores that rise with the truth's grade; `tenths` makes ties, `missing` is the share of NaN."""
    rng = np.random.default_rng(seed)
    grades = np.take_along_axis(trials.grades, trials.top(k), 1)
    scores = 1 / (1 + np.exp(-(skill * (grades - 1) + rng.normal(0, 0.7, grades.shape))))
    scores = np.round(scores, 1) if tenths else scores
    return np.where(rng.random(scores.shape) < missing, np.nan, scores)
