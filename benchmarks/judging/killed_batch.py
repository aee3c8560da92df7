"""A judged batch that is killed with SIGKILL again and again, then continued; counted in the server's own log.

A call is *in flight* at a kill when the server has logged its start and the record has no row of its reply. Paying
for it again cannot be avoided; paying for any other key twice, or losing one, is a fault.
"""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime.files import write_text
from runtime.judge.record import ReplyRecord
from runtime.publish import JUDGE_FILE

from ..pipeline import ROOT, CommandFailedError
from .loopback_answers import TRUTHFUL, Truth
from .loopback_judge import call_id
from .loopback_process import POLL_S, Loopback, loopback, no_proxy

KILLED_WITHIN_S = 300.0


@dataclass(frozen=True)
class Batch:
    """`texts`, judged listwise in one order over `gallery` by `bundle`; all that it writes lies in `work`."""

    work: Path
    bundle: Path
    gallery: Path
    texts: Sequence[str]
    concurrency: int = 4

    @property
    def record(self) -> Path:
        """The file of replies."""
        return self.work / "replies.sqlite"

    def command(self, url: str) -> list[str]:
        """As a user types it."""
        queries = self.work / "t2i.csv"
        write_text(queries, "".join(f"{text}\n" for text in self.texts))
        options = {
            "--queries": queries, "--out": self.work / "out", "--bundle": self.bundle, "--gallery": self.gallery,
            "--judge": "openai", "--judge-url": f"{url}/v1", "--judge-model": TRUTHFUL, "--judge-mode": "listwise",
            "--shuffles": 1, "--concurrency": self.concurrency, "--record": self.record, "--threads": 1,
        }  # fmt: skip
        pairs = [str(word) for pair in options.items() for word in pair]
        return [sys.executable, "-m", "runtime", "batch", *pairs]

    def recorded(self) -> set[str]:
        """The call ids of the replies on record, as their bodies have them."""
        if not self.record.is_file():
            return set()
        with closing(ReplyRecord(self.record)) as record:
            ids = {json.loads(reply.body or b"")["id"] for reply in record.all()}
            if record.damaged:
                raise CommandFailedError(f"{record.damaged} rows of {self.record.name} are damaged")
        return ids


@dataclass
class _Seen:
    """What was found after each kill."""

    calls_at_kills: list[int] = field(default_factory=list)
    in_flight: list[set[str]] = field(default_factory=list)
    recorded: set[str] = field(default_factory=set)


def killed_batch(batch: Batch, truth: Truth, kill_at: Sequence[int], *, delay_ms: float) -> dict[str, Any]:
    """Kills the batch once the server has taken each number of `kill_at` calls, lets it end, and counts.

    `lost` adds keys that were asked for and are on no row at the end, rows that a kill had left and that are gone,
    and queries that the published scores lack or have without a score. Raises CommandFailedError where the batch
    ends before it is killed, or fails.
    """
    seen = _Seen()
    with loopback(batch.work / "server", truth, delay_ms=delay_ms) as server:
        for calls in kill_at:
            kill(batch.command(server.url), server, calls)
            _look(batch, server, seen)
        done = subprocess.run(
            batch.command(server.url), cwd=ROOT, env=no_proxy(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise CommandFailedError(f"the continued batch ended with {done.returncode}:\n{done.stderr[-2000:]}")
        server.wait_until_quiet()
        return counted(batch, server.lines(), seen.in_flight, seen.recorded) | {
            "calls_at_kills": seen.calls_at_kills,
            "said": done.stderr.strip().splitlines()[-1],
        }


def kill(command: list[str], server: Loopback, calls: int) -> None:
    """Starts the command and kills it once the server has taken `calls` calls."""
    until = time.monotonic() + KILLED_WITHIN_S
    with subprocess.Popen(
        command, cwd=ROOT, env=no_proxy(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while server.calls() < calls and process.poll() is None and time.monotonic() < until:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=POLL_S)
        process.kill()
        if process.wait() != -signal.SIGKILL:
            raise CommandFailedError(f"the batch ended with {process.returncode} before it could be killed")
    server.wait_until_quiet()


def _look(batch: Batch, server: Loopback, seen: _Seen) -> None:
    started = {call_id(line["call"]) for line in server.lines() if line["event"] == "start"}
    recorded = batch.recorded()
    known = set().union(*seen.in_flight)  # calls of an earlier kill stay without a row for ever
    seen.calls_at_kills.append(len(started))
    seen.in_flight.append(started - recorded - known)
    seen.recorded |= recorded


def counted(
    batch: Batch, log: Sequence[dict[str, Any]], in_flight: Sequence[set[str]], recorded: set[str]
) -> dict[str, Any]:
    """The figures of one batch, from the server's log, the record and the published scores."""
    key_of = {call_id(line["call"]): line["key"] for line in log if line["event"] == "start"}
    calls, excused = Counter(key_of.values()), Counter(key_of[call] for flight in in_flight for call in flight)
    again = {key: n - 1 for key, n in calls.items() if n > 1}
    at_end = batch.recorded()
    scores = json.loads((batch.work / "out" / JUDGE_FILE).read_text("utf-8"))
    missing = [text for text in batch.texts if any(e.get("overall_score") is None for e in scores.get(text) or [{}])]
    unanswered = set(calls) - {key_of[call] for call in at_end}
    gone = recorded - at_end
    return {
        "queries": len(batch.texts),
        "concurrency": batch.concurrency,
        "kills": len(in_flight),
        "calls": len(key_of),
        "keys": len(calls),
        "recorded": len(at_end),
        "in_flight_at_kills": [len(flight) for flight in in_flight],
        "paid_twice": sum(again.values()),
        "paid_twice_beyond_inflight": sum(max(0, n - excused[key]) for key, n in again.items()),
        "unanswered": len(unanswered),
        "rows_gone": len(gone),
        "queries_missing": len(missing),
        "lost": len(unanswered) + len(gone) + len(missing),
    }
