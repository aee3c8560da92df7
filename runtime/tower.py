"""One graph of a bundle as a function: opened once, when it is first needed."""

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .binding import BoundRun, as_float32, needs_binding, pinned_memory

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Floats = NDArray[np.float32]
OUTPUT = "embeddings"


class Tower:
    """Maps a batch to (N, K, D) float32; several threads may call it.

    `open_session` is called once, by whoever needs the session first; after an error it is tried again.
    """

    def __init__(self, open_session: Callable[[], "InferenceSession"], *, folds: int, dims: int) -> None:
        self._open = open_session
        self._row = (folds, dims)
        self._lock = threading.Lock()
        self._session: InferenceSession | None = None
        self._bound: BoundRun | None = None

    @property
    def is_open(self) -> bool:
        """Whether the session has been made."""
        return self._session is not None

    def session(self) -> "InferenceSession":
        """The session, opened if it is not yet; waits where another thread is opening it.

        Opening is the longest step of a start (weights are unpacked, folded and packed for the processor). An
        optimised copy with mapped weights opens in a quarter of the time, but is four times the bundle's size and
        has to be hashed before it is trusted, which takes that gain back to a half: not worth a second truth on disk
        (`python -m benchmarks sessions`). Nor is a remembered check of the bundle: hashing 40 MB takes 25 ms.
        """
        with self._lock:
            if self._session is None:
                session = self._open()
                if needs_binding(session):
                    self._bound = BoundRun(session, pinned_memory(session))
                self._session = session
            return self._session

    def __call__(self, feeds: Mapping[str, NDArray[Any]]) -> Floats:
        """The graph's vectors for N rows of every input, (N, K, D) float32 as the graph gives them."""
        session = self.session()
        if self._bound is not None:
            rows = len(next(iter(feeds.values())))
            return self._bound(feeds, (rows, *self._row))
        return as_float32(session.run([OUTPUT], dict(feeds))[0])
