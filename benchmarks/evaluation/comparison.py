"""Systems over the same queries as a table: means, intervals, and the paired test against a reference."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from .measures import Values, means
from .statistics import RESAMPLES, every_pair, holm, interval, paired_p

PRIMARY = "mrr"  # the measure that is compared


def compared(
    data: str,
    systems: Mapping[str, Values],
    reference: str,
    groups: Sequence[Hashable] | None = None,
    *,
    primary: str = PRIMARY,
    resamples: int = RESAMPLES,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A row a system, and every pair of them, JSON-ready.

    A row: data, system, queries, the mean of every measure, `mean` and `interval` [low, high] of `primary`, its
    `difference` to the reference with `difference_interval`, and `p` of that difference, Holm-corrected over the
    rows; None in the reference's own. A pair: data, first, second, difference (second minus first), p, p_holm.
    """
    others = [name for name in systems if name != reference]
    changes = {name: systems[name][primary] - systems[reference][primary] for name in others}
    p_of = dict(
        zip(others, holm([paired_p(changes[name], groups, resamples=resamples) for name in others]), strict=True)
    )
    rows = []
    for name, values in systems.items():
        found = interval(values[primary], groups)
        row: dict[str, Any] = {"data": data, "system": name, "queries": len(values[primary]), **means(values)}
        row |= {"mean": found.mean, "interval": [found.low, found.high]}
        row |= {"difference": None, "difference_interval": None, "p": None}
        if name in changes:
            change = interval(changes[name], groups)
            row |= {"difference": change.mean, "difference_interval": [change.low, change.high], "p": p_of[name]}
        rows.append(row)
    tested = every_pair({name: values[primary] for name, values in systems.items()}, groups, resamples=resamples)
    return rows, [{"data": data, **vars(pair)} for pair in tested]
