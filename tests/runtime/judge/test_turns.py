"""What two want at once is asked once; what differs does not wait."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from runtime.judge.openai import OpenAiJudge
from runtime.judge.record import ReplyRecord
from runtime.judge.turns import Turns

from .cases import FAST, QUERY, candidate, image_file
from .loopback import Loopback, Reply, completed


def test_one_key_is_held_by_one_and_other_keys_do_not_wait():
    turns, inside, most = Turns(), [], []
    meet = threading.Barrier(2)

    def work(key):
        with turns.of(key):
            inside.append(key)
            most.append(inside.count(key))
            meet.wait(timeout=10)  # never met if the keys waited for one another
            inside.remove(key)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, ["a", "b", "a", "b"]))
    assert most == [1] * 4
    assert turns._turns == {}


def test_equal_queries_under_way_together_are_paid_once(tmp_path):
    started, go = threading.Event(), threading.Event()

    def script(n, request):
        started.set()
        return Reply(completed(0.4).body, hold=go)

    with Loopback(script) as server:
        chosen = replace(FAST, base_url=server.url, model="loopback", concurrency=4)
        with (
            OpenAiJudge(chosen, environ={}, record=ReplyRecord(tmp_path / "r.sqlite")) as judge,
            ThreadPoolExecutor(4) as pool,
        ):
            pending = [pool.submit(judge.judge, QUERY, [candidate(0)], image_file) for _ in range(4)]
            assert started.wait(timeout=10)
            go.set()
            judged = [p.result()[0] for p in pending]
    assert [j.score for j in judged] == [0.4] * 4
    assert len(server.requests) == 1
    assert sum(j.attempts for j in judged) == 1
