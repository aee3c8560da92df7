"""What a query over driving scenes costs: exact MaxSim, the two-stage path, a plain loop; memory; two-stage recall.

Each set of scenes is measured in a process of its own, so that what its memory grows by is the set's.
"""

import argparse
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

from runtime.entry import quiet_threads

from ..results import FOLDER, command_line, print_table, save_result
from .generated import COSINE
from .measured_set import ENCODE, EXACT, TWO_STAGE, WHOLE_EXACT, WHOLE_TWO_STAGE, measure_set, prepare_set
from .prepared import SetSettings

DRAWN, DISTINCT, MILLION_DRAWN, MILLION = "drawn", "distinct", "million, drawn", "million, distinct"
KIND = (
    "synthetic: elements that the phantom drive's grammar draws, joined by chance; “distinct” turns every element's "
    f"vector by noise to a cosine of {COSINE} with itself, so that none repeats"
)
COLUMNS = ("set", "path", "median_ms", "p95_ms", "recall5", "index_mb", "own_mb", "mapped_mb", "build_s")


def run(args: argparse.Namespace) -> None:
    """Measures every set; writes `carim_latency.json`, with --quick to the work folder."""
    found = {}
    for one in sets(args):
        folder = in_own_process(prepare_set, one)
        found[one.name] = in_own_process(measure_set, one, folder)
    rows = [row for one in found.values() for row in one["rows"]]
    print_table([{key: "" if row[key] is None else row[key] for key in COLUMNS} for row in rows])
    settings = sets(args)[0]
    figures = {
        **headline(found),
        "kind": KIND,
        "threads": settings.threads,
        "tokens": settings.tokens,
        "elements_a_scene": settings.elements,
        "max_difference": max(one["max_difference"] for one in found.values()),
        "recall_queries": found[MILLION]["recall_queries"],
        "rows": rows,
        "load": {name: one["load"] for name, one in found.items()},
    }
    folder = args.work / "quick" if args.quick else FOLDER
    save_result("carim_latency", command_line(), figures, folder=folder)


def sets(args: argparse.Namespace) -> list[SetSettings]:
    """The measured sets, small first; with --quick a few hundred scenes each."""
    many, million = (300, 600) if args.quick else (14_500, 31_250)
    drawn = SetSettings(
        DRAWN,
        many,
        distinct=False,
        loop=True,
        bundle=args.bundle,
        work=args.work / ("quick" if args.quick else "latency"),
        threads=args.threads,
        rounds=args.rounds,
    )
    if args.quick:
        drawn = replace(drawn, rounds=3, queries=6, pool=200)
    return [
        drawn,
        replace(drawn, name=DISTINCT, distinct=True, peer=True),
        replace(drawn, name=MILLION_DRAWN, scenes=million, loop=False),
        replace(drawn, name=MILLION, scenes=million, distinct=True, loop=False),
    ]


def headline(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The figures by the issue's names, of elements that repeat as they are drawn; `…_distinct` of none that do."""
    flat: dict[str, Any] = {}
    for name, ending in ((DRAWN, ""), (DISTINCT, "_distinct"), (MILLION_DRAWN, "_1m"), (MILLION, "_1m_distinct")):
        rows = {row["path"]: row for row in found[name]["rows"]}
        flat |= {
            f"query_p50_ms{ending}": rows[EXACT]["median_ms"],
            f"query_p95_ms{ending}": rows[EXACT]["p95_ms"],
            f"two_stage_p50_ms{ending}": rows[TWO_STAGE]["median_ms"],
            f"two_stage_p95_ms{ending}": rows[TWO_STAGE]["p95_ms"],
            f"text_to_hits_p50_ms{ending}": rows[WHOLE_EXACT]["median_ms"],
            f"text_to_hits_two_stage_p50_ms{ending}": rows[WHOLE_TWO_STAGE]["median_ms"],
            f"memory_mb{ending}": rows[EXACT]["index_mb"],
            f"two_stage_memory_mb{ending}": rows[TWO_STAGE]["index_mb"],
            f"two_stage_recall{ending}": rows[TWO_STAGE]["recall5"],
            f"two_stage_build_s{ending}": rows[TWO_STAGE]["build_s"],
        }
        if found[name]["loop_over_exact"]:
            flat[f"loop_over_exact{ending}"] = found[name]["loop_over_exact"]
        if not ending:
            flat["encode_p50_ms"] = rows[ENCODE]["median_ms"]
    # the least over both sets of a million elements: what the path may be relied on for
    flat["two_stage_recall"] = min(flat["two_stage_recall_1m"], flat["two_stage_recall_1m_distinct"])
    return flat


def in_own_process(task: Callable[..., Any], *arguments: Any) -> Any:
    """The result of `task(*arguments)` in a fresh process: no pool, cache or heap of an earlier set."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=quiet_threads) as pool:
        return pool.submit(task, *arguments).result()
