"""kill -9 in the middle of captioning: what was answered is on record, and only the call in flight is made again."""

import contextlib
import hashlib
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

from benchmarks.judging.loopback_process import no_proxy
from runtime.carim.rows import read_rows
from tests.conftest import ROOT
from tests.runtime.judge.loopback import Loopback, Reply, Request

from .building import mode_of, told
from .drives import write_picture

PICTURES, KILL_AT, POLL_S = 5, 5, 0.01


def asked_for(request: Request) -> str:
    sent = "".join(request.texts).encode() + b"".join(request.images)
    return f"{mode_of(request)} {hashlib.sha256(sent).hexdigest()}"


def test_a_killed_build_goes_on_and_asks_again_for_nothing_but_what_was_in_flight(tmp_path: Path) -> None:
    for number in range(PICTURES):
        write_picture(tmp_path / "drive" / "a" / f"{number}.jpg", number)
    release = threading.Event()

    def script(n: int, request: Request) -> Reply:
        reply = told(request, n)
        return Reply(reply.body, hold=release) if n == KILL_AT else reply

    with Loopback(script) as server:
        options = ["--source", "folder", "--out", tmp_path / "out", "--concurrency", 1, "--strict"]
        for kind in ("captioner", "extractor"):
            options += [f"--{kind}", "openai", f"--{kind}-model", "made-up", f"--{kind}-url", server.url]
        command = [*map(str, (sys.executable, "-m", "train", "carim-build", tmp_path / "drive", *options))]
        with subprocess.Popen(command, cwd=ROOT, env=no_proxy(), stderr=subprocess.PIPE, text=True) as process:
            try:
                while len(server.requests) <= KILL_AT:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(timeout=POLL_S)
                    assert process.returncode is None, process.stderr.read()
            finally:
                process.kill()
                release.set()
            assert process.wait() == -signal.SIGKILL
        assert not (tmp_path / "out" / "carim.json").exists(), "a killed build does not look finished"
        done = subprocess.run(command, cwd=ROOT, env=no_proxy(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    counts = Counter(map(asked_for, server.requests))
    in_flight = asked_for(server.requests[KILL_AT])
    assert counts[in_flight] == 2
    assert {name for name, count in counts.items() if count > 1} == {in_flight}
    assert len(counts) == 2 * PICTURES
    assert len(read_rows(tmp_path / "out").rows) == PICTURES
