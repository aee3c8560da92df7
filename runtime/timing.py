"""How long a stage of a search took, as `timings_ms` tells it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    """Sets `timings[stage]` to the milliseconds that the body took; an error in it sets nothing."""
    started = time.perf_counter()
    yield
    timings[stage] = (time.perf_counter() - started) * 1000
