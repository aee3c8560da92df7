"""Peers of the text tower through their public APIs, each in a process that is asked in turn with ours."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from runtime.errors import KgerError

from .peer_worker import KINDS
from .pipeline import ROOT

PEERS_PYTHON = ROOT / ".venv-peers/bin/python"
ABSENT = "not installed: make .venv-peers/peers.stamp"


class PeerFailedError(KgerError, RuntimeError):
    """A peer's process ended; the message holds its last lines."""


class Peer:
    """One running peer; `seconds` holds the time of every call as the peer's own process took it."""

    def __init__(self, kind: str, python: Path, threads: int, folder: Path) -> None:
        command = [str(python), str(Path(__file__).with_name("peer_worker.py")), kind, str(threads), str(folder)]
        self.kind = kind
        self.seconds: list[float] = []
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115  closed by close
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, text=True, encoding="utf-8"
        )
        self.version = str(self._answer()["version"])

    def encode(self, texts: list[str]) -> tuple[int, ...]:
        """Encodes there, notes the seconds, and returns the shape of what came out."""
        if self._process.stdin is None or self._process.poll() is not None:
            raise PeerFailedError(f"{self.kind}: its process has ended")
        self._process.stdin.write(json.dumps(texts) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        self.seconds.append(float(answer["seconds"]))
        return tuple(answer["shape"])

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()
        self._said.close()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            self._process.communicate()
            self._said.seek(0)
            tail = "\n".join(self._said.read().splitlines()[-8:])
            self._said.close()
            raise PeerFailedError(f"{self.kind}: its process ended:\n{tail}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def open_peers(threads: int, folder: Path) -> Iterator[tuple[list[Peer], dict[str, str]]]:
    """The peers that can run here, and {name: reason} of those that cannot.

    sentence-transformers on torch runs in this environment, the two others in `.venv-peers` (requirements-peers.txt).
    """
    absent: dict[str, str] = {}
    peers = []
    with ExitStack() as stack:
        for kind in KINDS:
            python = Path(sys.executable) if kind == KINDS[0] else PEERS_PYTHON
            if not python.is_file():
                absent[kind] = ABSENT
                continue
            try:
                peer = Peer(kind, python, threads, folder)
            except PeerFailedError as error:
                absent[kind] = str(error)
                continue
            stack.callback(peer.close)
            peers.append(peer)
        yield peers, absent
