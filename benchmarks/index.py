"""Search from a thousand to a million synthetic vectors: time, recall and memory, beside other libraries.

One thread throughout. Graphs and measurements of building are kept in `--work`: a second run repeats the timings.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.gallery.matrix import Matrix
from runtime.index import ExactIndex, VectorIndex
from runtime.index.choose import FOLDS_UP_TO, index_over
from runtime.index.folds import FoldsIndex, open_folds
from runtime.index.hnsw import HnswIndex, cached_graph, open_hnsw
from runtime.index.tune import Tuning, measure

from . import mixture
from .floors import copy_gbs
from .kept import kept_cost
from .results import command_line, print_table, save_result
from .search_peers import GRAPHS, SCANS, Tunable
from .timing import machine_load, paired, summary

SIZES = (1_000, 10_000, 50_000, 100_000, 1_000_000)
K = 10
SCAN_QUERIES = 100  # enough to see that a scan misses nothing
FOLDS = 10  # a row is ten vectors of 64 numbers to the runtime, though these are not alike as real folds are
OURS = "ours graph"
SERVES = {ExactIndex: "ours exact", FoldsIndex: "ours folds", HnswIndex: OURS}
NOTE = "synthetic: mixture of 10 000 Gaussians on the sphere, 640 dimensions"
Find = Callable[[NDArray[np.float32]], NDArray[np.int64]]
COLUMNS = ("items", "system", "index_cpu_s", "median_ms", "p95_ms", "recall", "expansion", "index_mb", "peak_rss_mb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--work", type=Path, default=Path("runs/index"), help="finished sizes are kept here (6 GB)")
    parser.add_argument("--max-items", type=int, default=SIZES[-1], help="cut the ladder (default: 1 000 000)")
    parser.add_argument("--peers-up-to", type=int, default=100_000, help="largest size for other libraries")
    parser.add_argument("--queries", type=int, default=1000, help="queries for recall (default: 1000)")
    parser.add_argument("--rounds", type=int, default=300, help="timed queries a system (default: 300)")
    parser.add_argument("--recall", type=float, default=0.98, help="recall@10 that graphs are tuned to (default: .98)")


def run(args: argparse.Namespace) -> int:
    """Builds what is missing, measures, and writes `index_scale.json`."""
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  of the training environment

    rows: list[dict[str, Any]] = []
    with threadpool_limits(1), machine_load() as load:
        rate = copy_gbs()
        for items in [size for size in SIZES if size <= args.max_items]:
            rows += _one_size(args, items, rate)
    print_table([{key: row.get(key, "") for key in COLUMNS} for row in rows])
    save_result("index_scale", command_line(), {**_headline(rows), "copy_gbs": rate, "load": load, "rows": rows})
    return 0


def _one_size(args: argparse.Namespace, items: int, rate: float) -> list[dict[str, Any]]:
    folder = args.work / str(items)
    folder.mkdir(parents=True, exist_ok=True)
    vectors = mixture.rows(folder / "rows.npy", items)
    queries = mixture.queries(args.queries)
    truth = _truth(folder / "truth.npy", vectors, queries)
    finders, rows = _ours(args.recall, folder, vectors)
    if items <= args.peers_up_to:
        more, peer_rows = _peers(args.recall, folder, vectors)
        finders, rows = finders | more, rows + peer_rows
    streams = {name: cycle(queries) for name in finders}
    cpu: dict[str, list[float]] = {}
    calls = {name: _next_query(find, streams[name]) for name, find in finders.items()}
    seconds = paired(calls, rounds=args.rounds, warmup=20, cpu=cpu)
    for row in rows:
        find = finders[row["system"]]
        asked = SCAN_QUERIES if row["system"] in ("ours exact", *SCANS) else len(queries)
        found = [np.isin(find(query), best).mean() for query, best in zip(queries[:asked], truth, strict=False)]
        row |= {"items": items, **summary(seconds[row["system"]]), "recall": float(np.mean(found))}
        row["cpu_ms"] = float(np.median(cpu[row["system"]])) * 1000
    by_name = {row["system"]: row for row in rows}
    graph, scan = by_name[OURS], by_name["ours exact"]
    scan["floor_ms"] = vectors.nbytes / rate / 1e6
    graph["floor_ms"] = graph["distances"] * 2 * vectors.shape[1] / rate / 1e6
    served = by_name[_served(args.recall, folder, vectors)]
    return [{**served, "system": "ours auto", "serves": served["system"]}, *rows]


def _served(recall: float, folder: Path, vectors: NDArray[np.float32]) -> str:
    index = index_over(_matrix(vectors), folder, folds=FOLDS, recall=recall, sample=mixture.sample)
    return SERVES[type(index)]


def _matrix(vectors: NDArray[np.float32]) -> Matrix:
    return Matrix(1, f"mixture {mixture.SEED} {len(vectors)}", np.arange(len(vectors)), vectors)


def _next_query(find: Find, stream: Iterator[NDArray[np.float32]]) -> Callable[[], object]:
    return lambda: find(next(stream))


def _ours(recall: float, folder: Path, vectors: NDArray[np.float32]) -> tuple[dict[str, Find], list[dict[str, Any]]]:
    matrix = _matrix(vectors)
    with kept_cost(folder / "graph.json") as record:
        cached_graph(matrix, folder)
    with kept_cost(folder / f"tuning-{recall}.json") as tuning:
        open_hnsw(matrix, folder, recall, mixture.sample)
    started = time.perf_counter()
    graph = open_hnsw(matrix, folder, recall, mixture.sample)
    open_s = time.perf_counter() - started
    scan = ExactIndex(matrix.ids, vectors)
    rows = [
        {"system": "ours exact", "index_cpu_s": 0.0, "index_mb": vectors.nbytes / 1e6},
        {
            "system": OURS,
            **record,
            "tune_cpu_s": tuning["index_cpu_s"],
            "open_s": open_s,
            "index_mb": (graph.graph_bytes + vectors.nbytes) / 1e6,
            "graph_mb": graph.graph_bytes / 1e6,
            "distances": graph.distances_a_query(mixture.sample()),
            **_tuned(graph.tuning),
        },
    ]
    finders = {"ours exact": _find(scan), OURS: _find(graph)}
    if len(vectors) <= FOLDS_UP_TO:
        with kept_cost(folder / f"folds-{recall}.json") as tuning:
            folds = open_folds(matrix, folder, FOLDS, recall, mixture.sample)
        first_mb = folds.first_bytes / 1e6
        row = {"system": "ours folds", "index_cpu_s": 0.0, "tune_cpu_s": tuning["index_cpu_s"], **_tuned(folds.tuning)}
        rows.append({**row, "index_mb": vectors.nbytes / 1e6 + first_mb})
        finders["ours folds"] = _find(folds)
    return finders, rows


def _find(index: VectorIndex) -> Find:
    return lambda query: index.search(query[None], K).ids[0]


def _tuned(tuning: Tuning) -> dict[str, Any]:
    return {"expansion": tuning.expansion, "reached": tuning.reached, "sample_recall": tuning.recall}


def _peers(recall: float, folder: Path, vectors: NDArray[np.float32]) -> tuple[dict[str, Find], list[dict[str, Any]]]:
    finders: dict[str, Find] = {}
    rows: list[dict[str, Any]] = []
    exact = ExactIndex(np.arange(len(vectors)), vectors).search
    for name, kind in {**SCANS, **GRAPHS}.items():
        path = folder / f"{name.replace(' ', '-')}.index"
        with kept_cost(path.with_suffix(".json")) as record:
            kind.made(vectors, path)
        peer = kind.made(vectors, path)
        row = {"system": name, **record}
        if name in GRAPHS:
            tuning = measure(Tunable(peer), exact, recall, mixture.sample())
            peer.expansion = tuning.expansion
            row |= _tuned(tuning)
        row["index_mb"] = (path.stat().st_size if path.is_file() else vectors.nbytes) / 1e6
        finders[name] = lambda query, peer=peer: peer.nearest(query, K)
        rows.append(row)
    return finders, rows


def _truth(path: Path, vectors: NDArray[np.float32], queries: NDArray[np.float32]) -> NDArray[np.int64]:
    """Rows (Q, 10) of the ten best by NumPy products over blocks: nothing of runtime/."""
    if path.is_file() and len(kept := np.load(path, allow_pickle=False)) == len(queries):
        return kept
    best = np.empty((len(queries), 0), np.float32)
    ids = np.empty((len(queries), 0), np.int64)
    for start in range(0, len(vectors), mixture.BLOCK):
        block = vectors[start : start + mixture.BLOCK]
        best = np.hstack([best, queries @ block.T])
        ids = np.hstack([ids, np.tile(np.arange(start, start + len(block)), (len(queries), 1))])
        order = np.argsort(-best, axis=1)[:, :K]
        best, ids = np.take_along_axis(best, order, 1), np.take_along_axis(ids, order, 1)
    np.save(path, ids)
    return ids


def _headline(rows: list[dict[str, Any]]) -> dict[str, Any]:
    auto = [row for row in rows if row["system"] == "ours auto"]
    built = [row for row in rows if row["system"] == OURS]
    largest = auto[-1]
    million = largest if largest["items"] == SIZES[-1] else None
    n_log_n = [{"items": row["items"], "v": row["items"] * np.log(row["items"])} for row in built]
    return {
        "search_1m_ms": million["median_ms"] if million else None,
        "search_1m_recall": million["recall"] if million else None,
        "query_exponent": _exponent(auto, "median_ms"),
        "index_exponent": _exponent(built, "index_cpu_s"),
        "n_log_n_exponent": _exponent(n_log_n, "v"),
        "data": NOTE,
        "sigma": mixture.SIGMA,
        "cosine_in_cluster": mixture.COSINE,
        "threads": 1,
    }


def _exponent(rows: list[dict[str, Any]], key: str) -> float | None:
    """Slope of log(key) over log(items), least squares: 1 is linear."""
    if len(rows) < 2:
        return None
    return float(np.polyfit(np.log([r["items"] for r in rows]), np.log([r[key] for r in rows]), 1)[0])


def plot(figures: dict[str, Any], folder: Path) -> list[Path]:
    """Query time, recall and index time by N, logarithmic axes: `index_scale.png`."""
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    panels = (
        ("median_ms", "ms a query", "log"),
        ("recall", "recall@10", "linear"),
        ("index_cpu_s", "s to build", "log"),
    )
    names = list(dict.fromkeys(row["system"] for row in figures["rows"]))
    colours = {name: f"C{i}" for i, name in enumerate(names)}
    figure, axes = plt.subplots(1, len(panels), figsize=(13, 4), layout="constrained")
    for axis, (key, label, scale) in zip(axes, panels, strict=True):
        for name in names:
            mine = [row for row in figures["rows"] if row["system"] == name]
            points = [(row["items"], row[key]) for row in mine if key != "index_cpu_s" or name in (OURS, *GRAPHS)]
            if points:
                axis.plot(
                    *zip(*points, strict=True),
                    "o-",
                    label=name,
                    color=colours[name],
                    lw=3 if name == "ours auto" else 1,
                )
        axis.set(xscale="log", yscale=scale, xlabel="items (synthetic)", ylabel=label)
    axes[0].legend(fontsize="small")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index_scale.png"
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return [path]
