"""How many nodes an HNSW query must keep in view to reach a recall, measured on the gallery itself.

Recall@10 of a sample of queries against exact search, in which an item as near as the tenth counts as found
(copies are interchangeable). The sample should be queries of the kind that will be asked: the caller's own
(captions, encoded as texts), else stand-ins made from stored rows.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..gallery.cache import read_cache, write_cache
from .hits import Hits

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Sample = Callable[[], Floats | None]  # (Q, D) float32 unit rows, or None where there are too few

RULE = "recall@10 v1"
K = 10
STAND_INS = 300
# with .8 a graph over phantoms finds a little less than with their captions (recall .963 against .990 with ten
# nodes in view), with .9 as much, with .6 far less (.872)
NEARNESS = 0.8
LEAST = 48  # nodes in view: a search for ten takes 42 candidates anyway
STEP = 0.08  # the smallest expansion is found to within this share of itself
# a walk meets some 20 to 30 new rows a node in view, in no order: with more than N/32 in view it costs a scan
SCAN_SHARE = 32


class Adjustable(Protocol):
    """An index whose number of nodes in view can be set."""

    vectors: Floats
    expansion: int

    def search(self, queries: Floats, k: int) -> Hits:
        """The k best for queries (Q, D)."""


@dataclass(frozen=True)
class Tuning:
    """What was measured for one recall target."""

    target: float
    expansion: int
    recall: float  # recall@10 of the sample with this expansion
    error: float  # its standard error
    queries: int
    kind: str  # "given", or "rows" for stand-ins

    @property
    def reached(self) -> bool:
        """Whether the sample's recall, less its standard error, is the target: others then do, five in six times."""
        return self.recall - self.error >= self.target


def tuned(
    path: Path,
    identity: str,
    index: Adjustable,
    exact: Callable[[Floats, int], Hits],
    target: float,
    sample: Sample | None,
) -> Tuning:
    """The tuning for `target` from the cache at `path`, else measured and added to it; sets `index.expansion`."""
    payload = read_cache(path, identity)
    known = [Tuning(**entry) for entry in json.loads(bytes(payload))] if payload is not None else []
    found = next((entry for entry in known if entry.target == target), None)
    if found is None:
        found = measure(index, exact, target, sample() if sample else None)
        entries = [asdict(entry) for entry in (*known, found)]
        write_cache(path, identity, [json.dumps(entries).encode()])
    index.expansion = found.expansion
    return found


def measure(index: Adjustable, exact: Callable[[Floats, int], Hits], target: float, queries: Floats | None) -> Tuning:
    """The smallest expansion that reaches `target`, by doubling, then halving the last step.

    Where none below the cost of a scan does, the largest is returned; see `Tuning.reached`.
    """
    kind = "rows" if queries is None else "given"
    if queries is None:
        queries = stand_in_queries(index.vectors, STAND_INS)
    least_of_best = exact(queries, K).similarities[:, -1:]
    limit = max(LEAST, len(index.vectors) // SCAN_SHARE)

    def at(expansion: int) -> Tuning:
        index.expansion = expansion
        found = (index.search(queries, K).similarities >= least_of_best).mean(axis=1)  # (Q,)
        error = float(found.std(ddof=1) / np.sqrt(len(found))) if len(found) > 1 else 0.0
        log.info("%d nodes in view: recall@%d %.4f ± %.4f", expansion, K, found.mean(), error)
        return Tuning(target, expansion, float(found.mean()), error, len(found), kind)

    low, best = 0, at(LEAST)
    while not best.reached and best.expansion < limit:
        low, best = best.expansion, at(min(2 * best.expansion, limit))
    while best.reached and low and best.expansion - low > STEP * best.expansion:
        middle = at((low + best.expansion) // 2)
        low, best = (low, middle) if middle.reached else (middle.expansion, best)
    return best


def stand_in_queries(vectors: Floats, count: int, *, seed: int = 0) -> Floats:
    """(count, D) float32 unit rows: stored rows pulled away until only a cosine of `NEARNESS` is left.

    A stored row, or one a little off, is too easy: its neighbours are links of its own node. What pulls is
    Gaussian with the covariance of the stored rows, so that it changes ranks as a query's other content does.
    """
    rng = np.random.default_rng(seed)
    drawn = vectors[np.sort(rng.choice(len(vectors), min(len(vectors), 4 * count), replace=False))]
    centred = drawn - drawn.mean(axis=0)
    pull = rng.standard_normal((count, len(drawn)), dtype=np.float32) @ centred
    rows = drawn[rng.integers(0, len(drawn), count)]
    pull -= (pull * rows).sum(axis=1, keepdims=True) * rows  # (count, D), orthogonal to the rows
    length = np.linalg.norm(pull, axis=1, keepdims=True)
    queries = NEARNESS * rows + np.sqrt(1 - NEARNESS**2) * pull / np.maximum(length, np.finfo(np.float32).tiny)
    return np.asarray(queries / np.linalg.norm(queries, axis=1, keepdims=True), np.float32)
