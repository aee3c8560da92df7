"""An ensemble served as K models, run well: one session after another, and no pool that works while another does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from runtime.sessions import open_session

from .graph_work import Feeds

Opener = Callable[[Path], ort.InferenceSession]
NAMES = ["embeddings"]


def own_pools(threads: int) -> Opener:
    """Sessions as the runtime opens them: idle threads of a pool sleep, so that ten pools do not contend."""
    return lambda path: open_session(path, threads=threads, provider="cpu")


def one_pool(threads: int) -> Opener:
    """Sessions that all share the process's one thread pool; every session of the process must then do so."""
    ort.set_global_thread_pool_sizes(threads, 1)

    def open_in_pool(path: Path) -> ort.InferenceSession:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.use_per_session_threads = False
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    return open_in_pool


def one_graph(opener: Opener, path: Path, feeds: Feeds) -> Callable[[], NDArray[np.float32]]:
    """One pass of one graph: (N, K, D) unit vectors."""
    session, given = opener(path), dict(feeds)
    return lambda: session.run(NAMES, given)[0]


def many_sessions(opener: Opener, path: Path, feeds: Feeds, folds: int) -> Callable[[], NDArray[np.float32]]:
    """The one-fold graph at `path` opened `folds` times, run in turn: (N, K, D). Each session holds its own weights.

    The file is the same, the work and the memory are those of `folds` different files.
    """
    sessions, given = [opener(path) for _ in range(folds)], dict(feeds)

    def run() -> Any:
        return np.concatenate([session.run(NAMES, given)[0] for session in sessions], axis=1)

    return run
