"""Asking a service again: what is worth a second try, how long to wait, and never sooner than it asks."""

import logging
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_base, wait_random_exponential

from .settings import JudgeSettings

T = TypeVar("T")
logger = logging.getLogger(__name__)
TRANSIENT = {408, 429, 500, 502, 503, 504}


class RequestFailedError(Exception):
    """A request that brought no reply; the message never holds the key.

    `transient` marks what may work a moment later, `retry_after_s` how long the service asks to wait.
    """

    def __init__(self, reason: str, *, transient: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.transient = transient
        self.retry_after_s = retry_after_s
        self.attempts = 1


class RetryPolicy:
    """Retries for one judge: exponential with jitter, or what Retry-After says; then every thread waits."""

    def __init__(
        self,
        settings: JudgeSettings,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._sleep, self._clock = settings, sleep, clock
        self._backoff: wait_base = wait_random_exponential(settings.retry_delay_s, settings.max_retry_delay_s)
        self._lock = threading.Lock()
        self._closed_until = 0.0

    def call(self, send: Callable[[], T]) -> tuple[T, int]:
        """What `send` returns, and the attempts it took; raises the last RequestFailedError with its attempts."""
        attempts = 0

        def once() -> T:
            nonlocal attempts
            self._wait_for_gate()
            attempts += 1
            try:
                return send()
            except RequestFailedError as error:
                self._shut_gate(error.retry_after_s)
                raise

        retrying = Retrying(
            stop=stop_after_attempt(self._settings.attempts),
            wait=self._wait,
            retry=retry_if_exception(self._worth_it),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(once), attempts
        except RequestFailedError as error:
            error.attempts = attempts
            raise

    def _worth_it(self, error: BaseException) -> bool:
        if not (isinstance(error, RequestFailedError) and error.transient):
            return False
        return (error.retry_after_s or 0.0) <= self._settings.max_retry_after_s

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_s if isinstance(error, RequestFailedError) else None
        return self._backoff(state) if asked is None else 0.0  # the gate is shut for as long

    def _shut_gate(self, asked: float | None) -> None:
        if asked is not None:
            with self._lock:  # the limit is the account's, not the thread's
                self._closed_until = max(self._closed_until, self._clock() + asked)

    def _wait_for_gate(self) -> None:
        # again after each wait: another thread may have been told to wait longer
        while (wait := self._closed_until - self._clock()) > 0:
            if wait > self._settings.max_retry_after_s:
                raise RequestFailedError(f"not asked: the service asks to wait {wait:.0f} s", retry_after_s=wait)
            logger.info("the judge's service asks to wait %.1f s", wait)
            self._sleep(wait)


def retry_after_s(headers: Any, details: Any = None) -> float | None:
    """Seconds that a reply asks to wait: its Retry-After header (seconds or a date), or Google's RetryInfo."""
    said = (headers or {}).get("retry-after") if hasattr(headers or {}, "get") else None
    if said:
        try:
            return max(0.0, float(said))
        except ValueError:
            try:
                when = parsedate_to_datetime(said)
                return max(0.0, (when - datetime.now(when.tzinfo or UTC)).total_seconds())
            except (ValueError, TypeError):
                return None
    found = re.search(r"retryDelay'?\"?: ?'?\"?([0-9]+(?:\.[0-9]+)?)s", str(details or ""))
    return float(found.group(1)) if found else None
