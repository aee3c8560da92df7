"""Vectors of recent queries: a text is encoded once, however often and from however many threads it is asked."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from .errors import InvalidInputError

Floats = NDArray[np.float32]

SIZE = 1024  # texts; 2.6 MB at ten folds of 64 dimensions


class QueryCache:
    """`encode` behind a memory of the `size` texts used last (0 keeps none); safe to call from several threads.

    Whoever asks for a text that is being encoded waits for that one computation (single flight). An error goes to
    all who waited and is not kept: the next call tries again. Vectors are read-only, since callers share them.
    """

    def __init__(self, encode: Callable[[str], Floats], *, size: int = SIZE) -> None:
        if size < 0:
            raise InvalidInputError(f"query cache of {size} texts; expected 0 or more")
        self._encode = encode
        self._size = size
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Floats] = OrderedDict()  # least recently used first
        self._flying: dict[str, Future[Floats]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def __call__(self, text: str) -> Floats:
        """The vector of `text`, as `encode` gives it; raises what `encode` raises."""
        with self._lock:
            if text in self._kept:
                self._kept.move_to_end(text)
                return self._kept[text]
            flight = self._flying.get(text)
            if flight is None:
                mine = self._flying[text] = Future()
        if flight is not None:
            return flight.result()
        return self._compute(text, mine)

    def _compute(self, text: str, flight: "Future[Floats]") -> Floats:
        try:
            vector = self._encode(text)
            vector.flags.writeable = False
        except BaseException as error:  # Ctrl+C, too: those who wait must not wait forever
            with self._lock:
                del self._flying[text]
            flight.set_exception(error)
            raise
        with self._lock:
            del self._flying[text]
            self._kept[text] = vector
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        flight.set_result(vector)
        return vector
