"""Starts the loopback judge in a process of its own, and reads its log."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runtime.files import write_json

from ..pipeline import ROOT, CommandFailedError
from .loopback_answers import Truth

POLL_S = 0.005
QUIET_WITHIN_S = 60.0


class Loopback:
    """A running loopback judge: its address and what it was asked."""

    def __init__(self, url: str, log: Path) -> None:
        self.url, self.log = url, log
        self._read_to = 0

    def calls(self) -> int:
        """How many calls were taken so far."""
        return self.log.read_bytes().count(b'{"event": "start"') if self.log.is_file() else 0

    def lines(self) -> list[dict[str, Any]]:
        """The whole log."""
        return [json.loads(line) for line in self.log.read_bytes().splitlines()]

    def new_lines(self) -> list[dict[str, Any]]:
        """What was logged since the last call of this method."""
        content = self.log.read_bytes()[self._read_to :] if self.log.is_file() else b""
        whole = content[: content.rfind(b"\n") + 1]
        self._read_to += len(whole)
        return [json.loads(line) for line in whole.splitlines()]

    def wait_until_quiet(self) -> None:
        """Returns once no client is connected: what a killed one had sent is then on the log, or was never sent."""
        until = time.monotonic() + QUIET_WITHIN_S
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while time.monotonic() < until:
            with opener.open(f"{self.url}/open", timeout=QUIET_WITHIN_S) as reply:
                if json.load(reply)["open"] == 0:
                    return
            time.sleep(POLL_S)
        raise CommandFailedError(f"the loopback judge still has connections {QUIET_WITHIN_S:.0f} s after its client")


@contextmanager
def loopback(folder: Path, truth: Truth, *, delay_ms: float = 0.0) -> Iterator[Loopback]:
    """The judge, serving until the block ends; its truth and its log lie in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "truth.json", truth.to_json())
    log = folder / "calls.jsonl"
    command = [
        sys.executable,
        "-m",
        "benchmarks.judging.loopback_judge",
        "--truth",
        folder / "truth.json",
        "--log",
        log,
    ]
    command += ["--delay-ms", delay_ms]
    with subprocess.Popen(
        [*map(str, command)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=no_proxy()
    ) as process:
        assert process.stdin is not None  # noqa: S101 - for the type checker
        assert process.stdout is not None  # noqa: S101
        try:
            url = process.stdout.readline().strip()
            if not url:
                raise CommandFailedError("the loopback judge did not start; its error stands above")
            yield Loopback(url, log)
        finally:
            process.stdin.close()  # it ends with its input


def no_proxy() -> dict[str, str]:
    """This environment, in which no proxy of the machine carries the loopback's traffic away."""
    plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return plain | {"NO_PROXY": "127.0.0.1"}
