"""Fusion settings from queries with known answers: grids and fits that maximise MRR, and what they give out of fold."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.errors import InvalidInputError
from runtime.fusion import FusionSettings, PosFuseSettings

from .calibrate import convex_settings
from .fused_orders import Orders, Rows, Scores, Shown, orders_of
from .group_folds import group_folds
from .trials import Trials

FAMILIES = ("pos_fuse", "convex", "rrf")
DECAYS = (
    ("exponential", 0.8),
    ("exponential", 0.5),
    ("exponential", 0.65),
    ("exponential", 0.9),
    ("linear", 0.8),
    ("logarithmic", 0.8),
    ("reciprocal", 0.8),
)
JUDGE_WEIGHTS = tuple(i / 10 for i in range(1, 11))
POSITION_WEIGHTS = (0.6, 0.0, 0.3, 1.0)
PRIORS = (0.5, 0.3)
RRF_KS = (60.0, 1.0, 3.0, 10.0, 30.0, 100.0)

Chooser = Callable[[Rows], FusionSettings]


@dataclass(frozen=True, eq=False)
class Split:
    """Settings, and per trial set the queries (Q,) bool that had no part in choosing them."""

    settings: FusionSettings
    held_out: list[Rows]


def tune(
    trials: Sequence[Trials],
    scores: Sequence[Scores],
    family: str,
    rows: Sequence[NDArray[np.generic]] | None = None,
) -> FusionSettings:
    """The settings of `family` with the highest MRR over the queries in `rows` of all trial sets together.

    `scores` are a judge's (Q, k), one array a trial set; `rows` one boolean mask or index array each, None for all.
    Of equal settings the one nearest the published values wins, which stand first in the grid.
    pos_fuse: decay and rate, weights, position against score, the prior (.5, .3, the mean judged score), agreement.
    rrf: k and the prior. convex: Platt or isotonic calibrations and their weight, both chosen by folds within the
    same queries.
    Raises InvalidInputError for an unknown family or no query.
    """
    return _chooser(family, Shown.joined(trials, scores))(joined_rows(trials, rows))


def tuned_splits(
    trials: Sequence[Trials], scores: Sequence[Scores], family: str, splits: int = 5, *, shown: Shown | None = None
) -> list[Split]:
    """Settings tuned `splits` times, each on the other groups' queries (`group_folds` over all trial sets joined)."""
    shown = shown or Shown.joined(trials, scores)
    choose = _chooser(family, shown)
    ends = np.cumsum([len(one.texts) for one in trials])[:-1]
    return [Split(choose(~out), np.split(out, ends)) for out in group_folds(shown.groups, splits)]


def out_of_fold(trials: Sequence[Trials], scores: Sequence[Scores], family: str, splits: int = 5) -> list[Orders]:
    """(Q, k) final orders, one array a trial set: each query fused by settings that its group had no part in."""
    shown = Shown.joined(trials, scores)
    return orders_by(trials, shown, tuned_splits(trials, scores, family, splits, shown=shown))


def orders_by(trials: Sequence[Trials], shown: Shown, splits: Sequence[Split]) -> list[Orders]:
    """Final orders, each query's by the split that held it out."""
    orders = np.empty(shown.scores.shape, np.int64)
    for split in splits:
        out = np.concatenate(split.held_out)
        orders[out] = orders_of(shown.at(out), split.settings)
    return np.split(orders, np.cumsum([len(one.texts) for one in trials])[:-1])


def joined_rows(trials: Sequence[Trials], rows: Sequence[NDArray[np.generic]] | None) -> Rows:
    """One mask over all trial sets' queries from a mask or indices for each, or None for all queries."""
    masks = []
    for one, chosen in zip(trials, [None] * len(trials) if rows is None else rows, strict=True):
        mask = np.full(len(one.texts), chosen is None)
        if chosen is not None:
            mask[chosen] = True
        masks.append(mask)
    return np.concatenate(masks)


def pos_fuse_grid(prior: float) -> Iterator[PosFuseSettings]:
    """Every Pos-Fuse setting that is tried with one prior; the default comes first.

    Retrieval alone, the judge's weight 0, comes last: nothing else about it matters. With 1 agreement does not.
    """
    weights = sorted(JUDGE_WEIGHTS, key=lambda weight: (weight == 1, abs(weight - PosFuseSettings.judge_weight)))
    for agreement, position, (decay, rate) in itertools.product((False, True), POSITION_WEIGHTS, DECAYS):
        for weight in weights[:-1] if agreement else weights:
            yield PosFuseSettings(
                decay=decay,
                decay_rate=rate,
                retrieval_weight=round(1 - weight, 1),
                judge_weight=weight,
                position_weight=position,
                score_weight=round(1 - position, 1),
                prior=prior,
                agreement=agreement,
            )
    yield PosFuseSettings(retrieval_weight=1.0, judge_weight=0.0, prior=prior)


def rrf_grid(prior: float) -> Iterator[PosFuseSettings]:
    """Every reciprocal-rank setting that is tried with one prior; Cormack's k = 60 comes first."""
    return (PosFuseSettings(strategy="rrf", rrf_k=k, prior=prior) for k in RRF_KS)


def _chooser(family: str, shown: Shown) -> Chooser:
    if family == "convex":
        return lambda rows: convex_settings(shown.at(_some(rows)))
    if family not in FAMILIES:
        raise InvalidInputError(f"fusion family {family!r}; choose one of {', '.join(FAMILIES)}")
    return _grid_chooser(pos_fuse_grid if family == "pos_fuse" else rrf_grid, shown)


def _grid_chooser(grid: Callable[[float], Iterator[PosFuseSettings]], shown: Shown) -> Chooser:
    missing = bool(np.isnan(shown.scores).any())  # with complete lists no prior is ever used
    fixed = [settings for prior in (PRIORS if missing else PRIORS[:1]) for settings in grid(prior)]
    known = _gains(shown, fixed)

    def choose(rows: Rows) -> FusionSettings:
        rows = _some(rows)
        gains = known[:, rows].mean(1)
        best = int(gains.argmax())
        chosen, gain = fixed[best], gains[best]
        if missing and not np.isnan(shown.scores[rows]).all():
            part = shown.at(rows)
            mean = [*grid(round(float(np.nanmean(part.scores)), 3))]  # of these queries only: out of fold
            more = _gains(part, mean).mean(1)
            if more.max() > gain:
                chosen = mean[int(more.argmax())]
        return chosen

    return choose


def _gains(shown: Shown, grid: Sequence[FusionSettings]) -> Scores:
    # (S, Q) reciprocal ranks; queries whose k are all relevant, or none, are the same in any order
    open_rows = np.flatnonzero(shown.relevant.any(1) & ~shown.relevant.all(1) & ~np.isnan(shown.scores).all(1))
    part = shown.at(open_rows)
    plain = shown.reciprocal_ranks(np.broadcast_to(np.arange(shown.scores.shape[1]), shown.scores.shape))
    gains = np.repeat(plain[None], len(grid), 0)
    for row, settings in zip(gains, grid, strict=True):
        row[open_rows] = part.reciprocal_ranks(orders_of(part, settings))
    return gains


def _some(rows: Rows) -> Rows:
    if not rows.any():
        raise InvalidInputError("no query to tune on; give rows that choose at least one")
    return rows
