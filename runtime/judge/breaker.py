"""A circuit breaker: after repeated failures nobody is asked for a while, so that a search still answers."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


class CircuitOpenError(Exception):
    """Nobody is asked now; the message says why and until when."""


@dataclass
class CircuitBreaker:
    """Opens after `failures` failed requests in a row, for `cool_down_s`; then one request may try."""

    failures: int
    cool_down_s: float
    clock: Callable[[], float] = time.monotonic
    _failed: int = 0
    _open_until: float | None = None
    _reason: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def check(self) -> None:
        """Raises CircuitOpenError while open; after the cool-down lets one through and stays shut for others."""
        with self._lock:
            if self._open_until is None:
                return
            now = self.clock()
            if now >= self._open_until:
                self._open_until = now + self.cool_down_s  # the one that tries; its success closes
                return
            raise CircuitOpenError(
                f"not asked: the judge is switched off for {self._open_until - now:.0f} s after {self._failed} "
                f"failures in a row (last: {self._reason})"
            )

    def succeeded(self) -> None:
        """A request was answered."""
        with self._lock:
            self._failed, self._open_until = 0, None

    def failed(self, reason: str) -> None:
        """A request brought no reply, after all attempts."""
        with self._lock:
            self._failed, self._reason = self._failed + 1, reason
            if self._failed >= self.failures:
                self._open_until = self.clock() + self.cool_down_s

    @property
    def open_reason(self) -> str:
        """Why it is open, "" where it is not."""
        with self._lock:
            if self._open_until is None:
                return ""
            return f"switched off after {self._failed} failures in a row (last: {self._reason})"
