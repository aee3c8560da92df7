"""One graph of a bundle as a function: opened once, when it is first needed or ahead of that on a thread."""

import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .binding import BoundRun, as_float32, needs_binding, pinned_memory
from .errors import KgerError

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
        """The session, opened if it is not yet; waits where another thread is opening it."""
        with self._lock:
            if self._session is None:
                session = self._open()
                if needs_binding(session):
                    self._bound = BoundRun(session, pinned_memory(session))
                self._session = session
            return self._session

    def prepare(self) -> None:
        """Begins to open the session on another thread: onnxruntime lets Python run meanwhile."""
        threading.Thread(target=self._prepare, name="open-tower").start()

    def _prepare(self) -> None:
        with contextlib.suppress(KgerError):  # the first call meets the same error, and reports it
            self.session()

    def __call__(self, feeds: Mapping[str, NDArray[Any]]) -> Floats:
        """The graph's vectors for N rows of every input, (N, K, D) float32 as the graph gives them."""
        session = self.session()
        if self._bound is not None:
            rows = len(next(iter(feeds.values())))
            return self._bound(feeds, (rows, *self._row))
        return as_float32(session.run([OUTPUT], dict(feeds))[0])
