"""One set of scenes in a process of its own: times of a query by path, memory, and what the two-stage path misses."""

import json
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.bundle import Bundle
from runtime.carim.encoder import CarimEncoder
from runtime.carim.index import ElementIndex
from runtime.carim.maxsim import maxsim
from runtime.carim.two_stage import TwoStage, best_of_groups
from runtime.errors import KgerError

from ..timing import machine_load, paired, ratio, summary
from .graph_peer import GraphPeer, GraphSettings
from .prepared import BUILD, QUERIES, TEXTS, SetSettings, open_two_stage, prepare
from .resident import Resident, resident

Floats = NDArray[np.float32]
Find = Callable[[Floats], object]
Searcher = TwoStage | GraphPeer
K = 5
EXACT, TWO_STAGE, LOOP = "exact MaxSim", "two-stage", "loop over scenes"
GRAPH = "peer: HNSW chooses the scenes"
ENCODE, WHOLE_EXACT, WHOLE_TWO_STAGE = "encode", "text to hits, exact", "text to hits, two-stage"
CHECKED, TOLERANCE = 8, 1e-5  # queries whose scores are compared with the reference's
TIED = 1e-6  # scenes whose scores differ by less are the same answer


class UnequalScoresError(KgerError, ArithmeticError):
    """The index gave other scores than the reference."""


def prepare_set(one: SetSettings) -> Path:
    """The folder of the set; what it costs in memory is another process's than the measured one's."""
    return prepare(one, _encoder(one))


def measure_set(one: SetSettings, folder: Path) -> dict[str, Any]:
    """{"rows", "loop_over_exact", "max_difference", "recall_queries", "load"} of the prepared set.

    Raises UnequalScoresError where the index does not score as the reference does.
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  of the training environment

    queries: Floats = np.load(folder / QUERIES, allow_pickle=False)
    texts = json.loads((folder / TEXTS).read_text("utf-8"))
    _load_libraries(one)
    with threadpool_limits(one.threads), machine_load() as load:
        index, exact_memory = _grown(lambda: ElementIndex.open(folder, threads=one.threads), _exact, queries)
        two_stage, two_memory = _grown(lambda: open_two_stage(index, folder), _two_stage, queries)
        difference = largest_difference(index, queries[:CHECKED])
        if difference > TOLERANCE:
            raise UnequalScoresError(f"{one.name}: scores differ from maxsim's by {difference:.1e}; expected 1e-5")
        variants = _variants(one, index, two_stage, queries, texts)
        peer = GraphPeer(index, GraphSettings(), threads=one.threads) if one.peer else None
        if peer:
            variants[GRAPH] = _next(lambda tokens: peer.search(tokens, K), queries)
        seconds = paired(variants, rounds=one.rounds, warmup=2)
    memory = {
        EXACT: (index.memory_mb, exact_memory, None),
        TWO_STAGE: (two_stage.memory_mb, two_memory, _built(folder)),
    }
    paths: dict[str, Searcher] = {TWO_STAGE: two_stage}
    if peer:
        memory[GRAPH], paths[GRAPH] = (index.memory_mb + peer.memory_mb, None, peer.build_s), peer
    shared = {"set": one.name, "scenes": len(index), "distinct_elements": len(index.vectors)}
    rows = []
    for name, spent in seconds.items():
        index_mb, grown, build_s = memory.get(name, (None, None, None))
        kept = {"own_mb": None, "mapped_mb": None} if grown is None else vars(grown)
        recall5 = recall(index, paths[name], queries) if name in paths else None
        row = {**shared, "path": name, **summary(spent), "recall5": recall5, "index_mb": index_mb, **kept}
        rows.append({**row, "build_s": build_s})
    slower = ratio(seconds[LOOP], seconds[EXACT]) if one.loop else None
    return {
        "rows": rows,
        "loop_over_exact": slower,
        "max_difference": difference,
        "recall_queries": len(queries),
        "load": load,
    }


def recall(index: ElementIndex, path: Searcher, queries: Floats, k: int = K) -> float:
    """Recall@k of scenes: the share of the path's k that exact MaxSim ranks no lower than its own k-th.

    A scene that ties with the k-th is as good an answer.
    """
    shares = []
    for tokens in queries:
        scores = index.scores(tokens)
        least = np.sort(scores)[-min(k, len(scores))]
        shares.append(float((scores[path.search(tokens, k).rows] >= least - TIED).sum()) / min(k, len(scores)))
    return float(np.mean(shares))


def largest_difference(index: ElementIndex, queries: Floats) -> float:
    """Between the index's scores and `runtime.carim.maxsim.maxsim` over all elements one after another."""
    rows = index.vectors[index.ids]
    return float(max(np.abs(index.scores(q) - maxsim(q, rows, index.offsets)).max() for q in queries))


def loop_scores(tokens: Floats, scenes: list[Floats]) -> Floats:
    """What a program does that holds each scene's elements (E, D) by itself: (N,) float32, one product a scene."""
    return np.array([(tokens @ elements.T).max(axis=1).mean() for elements in scenes], np.float32)


def _variants(
    one: SetSettings, index: ElementIndex, two_stage: TwoStage, queries: Floats, texts: list[str]
) -> dict[str, Callable[[], object]]:
    encoder = _encoder(one)
    encode = lambda text: encoder.encode_query(text).tokens  # noqa: E731
    exact, two = _exact(index), _two_stage(two_stage)
    variants = {
        EXACT: _next(exact, queries),
        TWO_STAGE: _next(two, queries),
        ENCODE: _next(encode, texts),
        WHOLE_EXACT: _next(lambda text: exact(encode(text)), texts),
        WHOLE_TWO_STAGE: _next(lambda text: two(encode(text)), texts),
    }
    if one.loop:
        rows = index.vectors[index.ids]
        scenes = np.split(rows, index.offsets[1:-1])
        variants[LOOP] = _next(lambda tokens: loop_scores(tokens, scenes), queries)
    return variants


def _exact(index: ElementIndex) -> Find:
    everyone = np.arange(len(index))
    return lambda tokens: best_of_groups(index, everyone, index.scores(tokens), K)


def _two_stage(two_stage: TwoStage) -> Find:
    return lambda tokens: two_stage.search(tokens, K)


def _next(find: Callable[[Any], object], values: Any) -> Callable[[], object]:
    stream = cycle(values)
    return lambda: find(next(stream))


def _grown(opener: Callable[[], Any], finder: Callable[[Any], Find], queries: Floats) -> tuple[Any, Resident | None]:
    """What `opener` gives, and by how much the process grew until it had answered three queries."""
    before = resident()
    opened = opener()
    find = finder(opened)
    for tokens in queries[:3]:
        find(tokens)
    after = resident()
    return opened, None if before is None or after is None else after - before


def _load_libraries(one: SetSettings) -> None:
    """Both paths over two scenes: what onnxruntime takes for itself is no set's memory."""
    vectors = np.eye(4, dtype=np.float32)
    index = ElementIndex.build(vectors, np.arange(4), np.array([0, 2, 4]), threads=one.threads)
    _exact(index)(vectors)
    _two_stage(TwoStage.build(index))(vectors)


def _built(folder: Path) -> float:
    return float(json.loads((folder / BUILD).read_text("utf-8"))["index_s"])


def _encoder(one: SetSettings) -> CarimEncoder:
    return CarimEncoder(Bundle.open(one.bundle), threads=one.threads, provider="cpu", query_cache=0)
