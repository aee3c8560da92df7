"""Rows of the cost table: variants of one group timed in turn, each beside its floor."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .floors import Work
from .timing import paired, ratio, summary


@dataclass(frozen=True, eq=False)
class Variant:
    """One way to get the vectors; `work` is what a call must do, None where it is not counted."""

    call: Callable[[], object]
    work: Work | None = None
    folds: int = 10
    precision: str = "fp32"


@dataclass(frozen=True, eq=False)
class Timed:
    """`rows` of one group and each variant's seconds by round."""

    rows: list[dict[str, Any]]
    seconds: Mapping[str, list[float]]

    def ratio(self, above: str, below: str) -> dict[str, Any]:
        """{"group", "above", "below", "ratio", "low", "high"} of two variants of this group.

        Where both were counted, {"counted"}, too: how many times as many operations `above` does.
        """
        named = {row["name"]: row for row in self.rows}
        counts = [operations(named[name]) for name in (above, below)]
        counted = {"counted": counts[0] / counts[1]} if all(counts) else {}
        group = self.rows[0]["group"]
        return {
            "group": group,
            "above": above,
            "below": below,
            **ratio(self.seconds[above], self.seconds[below]),
            **counted,
        }


def operations(row: Mapping[str, Any]) -> int:
    """Counted operations of a row, 0 where none were counted."""
    return int(row.get("float_operations", 0) + row.get("int8_operations", 0))


def times(work: Work, n: int) -> Work:
    """The work of `n` such passes."""
    return Work(*(n * value for value in asdict(work).values()))


def time_group(
    group: str, variants: Mapping[str, Variant], rates: Mapping[str, float], *, rounds: int, warmup: int = 3, prime: int
) -> Timed:
    """Times `variants` in turn (`timing.paired`); a row each, with its floor at the machine's `rates`."""
    cpu: dict[str, list[float]] = {}
    calls = {name: variant.call for name, variant in variants.items()}
    seconds = paired(calls, rounds=rounds, warmup=warmup, prime=prime, cpu=cpu)
    rows = []
    for name, variant in variants.items():
        row: dict[str, Any] = {
            "group": group,
            "name": name,
            "threads": int(rates["threads"]),
            "folds": variant.folds,
            "precision": variant.precision,
            **summary(seconds[name]),
            "cpu_ms": float(np.median(cpu[name])) * 1000,
        }
        if variant.work is not None:
            floor = variant.work.floor_ms(rates)
            row |= {**variant.work.as_dict(), **floor, "over_floor": row["median_ms"] / floor["floor_ms"]}
        rows.append(row)
    return Timed(rows, seconds)
