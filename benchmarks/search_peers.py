"""Other libraries behind one face: built from rows, saved, loaded, asked for the rows nearest to one query.

Graphs get what ours has: 16 links a node (32 on the ground level), 128 candidates while building, one thread.
"""

from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from runtime.index.graph import CONNECTIVITY, EXPANSION_ADD
from runtime.index.hits import Hits, ranked

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


class Peer(Protocol):
    """A library's index over `vectors`; `expansion` counts only for graphs."""

    vectors: Floats
    expansion: int

    @classmethod
    def made(cls, vectors: Floats, path: Path) -> Self:
        """From its file, else built, saved and loaded."""

    def nearest(self, query: Floats, k: int) -> Rows:
        """Numbers of the k rows nearest to one query (D,), as the library finds them."""


class NumpyScan:
    """One product with the whole matrix, then a partial sort."""

    expansion = 0

    def __init__(self, vectors: Floats) -> None:
        self.vectors = np.array(vectors)

    @classmethod
    def made(cls, vectors: Floats, path: Path) -> Self:
        """See `Peer`."""
        return cls(vectors)

    def nearest(self, query: Floats, k: int) -> Rows:
        """See `Peer`."""
        scores = self.vectors @ query
        best = np.argpartition(-scores, k)[:k]
        return best[np.argsort(-scores[best])]


class FaissFlat:
    """faiss IndexFlatIP: exact."""

    expansion = 0

    def __init__(self, vectors: Floats, index: Any) -> None:
        self.vectors, self._index = vectors, index

    @classmethod
    def made(cls, vectors: Floats, path: Path) -> Self:
        """See `Peer`."""
        return cls(vectors, _faiss_index(vectors, path, lambda faiss: faiss.IndexFlatIP(vectors.shape[1])))

    def nearest(self, query: Floats, k: int) -> Rows:
        """See `Peer`."""
        return self._index.search(query[None], k)[1][0]


class FaissHnsw(FaissFlat):
    """faiss IndexHNSWFlat, inner product."""

    @classmethod
    def made(cls, vectors: Floats, path: Path) -> Self:
        """See `Peer`."""

        def empty(faiss: Any) -> Any:
            index = faiss.IndexHNSWFlat(vectors.shape[1], CONNECTIVITY, faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction = EXPANSION_ADD
            return index

        return cls(vectors, _faiss_index(vectors, path, empty))

    @property
    def expansion(self) -> int:
        """efSearch."""
        return int(self._index.hnsw.efSearch)

    @expansion.setter
    def expansion(self, nodes: int) -> None:
        self._index.hnsw.efSearch = nodes


class Hnswlib:
    """hnswlib, inner product."""

    def __init__(self, vectors: Floats, index: Any) -> None:
        self.vectors, self._index = vectors, index

    @classmethod
    def made(cls, vectors: Floats, path: Path) -> Self:
        """See `Peer`."""
        import hnswlib  # noqa: PLC0415

        index = hnswlib.Index(space="ip", dim=vectors.shape[1])
        if path.is_file():
            index.load_index(str(path))
        else:
            index.init_index(len(vectors), M=CONNECTIVITY, ef_construction=EXPANSION_ADD, random_seed=0)
            index.add_items(vectors, num_threads=1)
            index.save_index(str(path))
        index.set_num_threads(1)
        return cls(vectors, index)

    @property
    def expansion(self) -> int:
        """Ef."""
        return int(self._index.ef)

    @expansion.setter
    def expansion(self, nodes: int) -> None:
        self._index.set_ef(nodes)

    def nearest(self, query: Floats, k: int) -> Rows:
        """See `Peer`."""
        return self._index.knn_query(query[None], k)[0][0].astype(np.int64)


class Tunable:
    """A peer as `runtime.index.tune` wants it: many queries, similarities by the rows' own float32 numbers."""

    def __init__(self, peer: Peer) -> None:
        self.vectors, self._peer = peer.vectors, peer

    @property
    def expansion(self) -> int:
        """The peer's."""
        return self._peer.expansion

    @expansion.setter
    def expansion(self, nodes: int) -> None:
        self._peer.expansion = nodes

    def search(self, queries: Floats, k: int) -> Hits:
        """See `VectorIndex.search`."""
        found = [self._peer.nearest(query, k) for query in queries]
        return ranked(np.arange(len(self.vectors)), self.vectors, queries, found, k)


def _faiss_index(vectors: Floats, path: Path, empty: Any) -> Any:
    import faiss  # noqa: PLC0415

    faiss.omp_set_num_threads(1)
    if path.is_file():
        return faiss.read_index(str(path))
    index = empty(faiss)
    index.add(np.ascontiguousarray(vectors))
    faiss.write_index(index, str(path))
    return index


GRAPHS: dict[str, type[Peer]] = {"faiss HNSWFlat": FaissHnsw, "hnswlib": Hnswlib}
SCANS: dict[str, type[Peer]] = {"numpy": NumpyScan, "faiss IndexFlatIP": FaissFlat}
