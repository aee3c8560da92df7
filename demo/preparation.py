"""Work that a page waits for, in a thread of its own: how far it is, what came of it, and its end before the app's."""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

from runtime.errors import KgerError

Result = TypeVar("Result")

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, and how much of how much is done."""


class StoppedError(Exception):
    """Leaves the work between two steps."""


class Background(ABC, Generic[Result]):
    """One piece of work; `ready` or `error` is set once it ends, `stage`, `done` and `total` tell how far it is."""

    def __init__(self, stage: str, what: str) -> None:
        """`stage` is told before the first step; `what` is prepared, as errors name it: the gallery."""
        self.stage, self.done, self.total = stage, 0, 0
        self.ready: Result | None = None
        self.error: str | None = None
        self._what = what
        self._starting = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @abstractmethod
    def prepare(self) -> Result:
        """Does the work, calling `progress` between its steps."""

    def start(self) -> None:
        """Begins, or begins anew after a failure; returns at once."""
        with self._starting:
            if self.ready is None and (self._thread is None or not self._thread.is_alive()):
                self.error = None
                self._thread = threading.Thread(target=self._run, name=self._what, daemon=True)
                self._thread.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether `ready` or `error` is set, after at most `timeout_s`."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self.ready is not None or self.error is not None

    def stop(self) -> None:
        """Ends the work at its next step and waits for it: an interpreter that leaves a busy thread behind aborts."""
        self._stopping.set()
        self.wait()

    def progress(self, stage: str, done: int, total: int) -> None:
        """Tells how far the work is; raises StoppedError where it is to end."""
        if self._stopping.is_set():
            raise StoppedError
        self.stage, self.done, self.total = stage, done, total

    def told(self, sentence: str) -> str:
        """An error's sentence as visitors read it."""
        return sentence

    def _run(self) -> None:
        failed = f"{self._what} could not be prepared"
        try:
            self.ready = self.prepare()
        except StoppedError:
            self.error = "Stopped; the next start continues."
        except (KgerError, ValueError, OSError) as error:  # PhantomError is a ValueError
            log.error("%s: %s", failed, error)
            self.error = self.told(str(error))
        except Exception:  # a thread has nobody above it: without this the page would wait for ever
            log.exception(failed)
            self.error = f"{failed[:1].upper()}{failed[1:]}; the terminal of the server shows why."
