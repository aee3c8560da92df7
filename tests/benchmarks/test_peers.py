"""A peer answers from a process of its own, and one that cannot says why."""

import sys
from pathlib import Path

import pytest

from benchmarks import peers
from benchmarks.peer_worker import KINDS
from benchmarks.peers import ABSENT, Peer, PeerFailedError, open_peers


def test_a_peer_that_cannot_start_says_its_last_words(tmp_path: Path):
    with pytest.raises(PeerFailedError, match=r"fastembed: its process ended:[\s\S]*ModuleNotFoundError"):
        Peer("fastembed", Path(sys.executable), 1, tmp_path)


@pytest.mark.slow
def test_sentence_transformers_answers_in_turn_with_its_own_times(tmp_path: Path, monkeypatch):
    pytest.importorskip("sentence_transformers")
    monkeypatch.setattr(peers, "PEERS_PYTHON", tmp_path / "no-such-python")
    with open_peers(1, tmp_path) as (running, absent):
        assert absent == dict.fromkeys(KINDS[1:], ABSENT)
        (peer,) = running
        assert peer.version.startswith("sentence-transformers ")
        assert peer.encode(["polyp"]) == (1, 384)
        assert peer.encode(["polyp", "normal ear"]) == (2, 384)
        assert len(peer.seconds) == 2
        assert all(0 < seconds < 60 for seconds in peer.seconds)
