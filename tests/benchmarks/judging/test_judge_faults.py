"""The counts of a killed batch and of hostile replies find what is wrong, and say so."""

import json

import pytest

from benchmarks.judging.faults_section import judge_faults_section
from benchmarks.judging.fuzzed_replies import fuzz, outcome
from benchmarks.judging.judge_faults import phrases
from benchmarks.judging.killed_batch import Batch, counted
from benchmarks.judging.loopback_judge import call_id, write_openai
from runtime.judge.record import RecordedReply, ReplyRecord
from runtime.judge.request import ReplyKey


@pytest.fixture
def batch(tmp_path):
    """Two queries, answered by the calls 1 and 3."""
    record = ReplyRecord(tmp_path / "replies.sqlite")
    for call in (1, 3):
        key = ReplyKey("listwise", f"query {call}", None, ("sha",), "shape", "loopback", 0)
        body = json.dumps(write_openai("{}", call)).encode()
        record.append(RecordedReply(key, "prompt", "{}", "openai", "127.0.0.1", body))
    record.close()
    publish(tmp_path, {"one": 0.5, "two": 0.2})
    return Batch(tmp_path, tmp_path, tmp_path, ["one", "two"])


def publish(folder, scores):
    (folder / "out").mkdir(exist_ok=True)
    content = {text: [{"image_name": "a.png", "overall_score": score}] for text, score in scores.items()}
    (folder / "out" / "judge_scores.json").write_text(json.dumps(content), "utf-8")


def log(*keys: str) -> list[dict[str, object]]:
    return [{"event": "start", "call": call, "key": key} for call, key in enumerate(keys, start=1)]


def test_a_call_in_flight_at_a_kill_may_be_paid_again(batch):
    counts = counted(batch, log("one", "two", "two"), [{call_id(2)}], {call_id(1)})
    assert (counts["calls"], counts["keys"], counts["paid_twice"]) == (3, 2, 1)
    assert (counts["paid_twice_beyond_inflight"], counts["lost"]) == (0, 0)


def test_a_call_that_was_not_in_flight_may_not(batch):
    counts = counted(batch, log("one", "one", "two"), [set()], {call_id(1)})
    assert (counts["paid_twice"], counts["paid_twice_beyond_inflight"]) == (1, 1)


def test_one_call_in_flight_excuses_one_repeat(batch):
    counts = counted(batch, log("one", "two", "two", "two"), [{call_id(2)}], {call_id(1)})
    assert (counts["paid_twice"], counts["paid_twice_beyond_inflight"]) == (2, 1)


def test_what_is_nowhere_is_lost(batch, tmp_path):
    asked = log("one", "another", "two")
    assert counted(batch, asked, [set()], set())["unanswered"] == 1
    assert counted(batch, asked, [set()], {call_id(1), call_id(7)})["rows_gone"] == 1
    publish(tmp_path, {"one": None})
    counts = counted(batch, log("one", "two", "two"), [{call_id(2)}], set())
    assert (counts["queries_missing"], counts["lost"]) == (2, 2)


def test_hostile_replies_of_every_format_and_mode_are_counted():
    total, rows = fuzz(300)
    assert total == {"replies_fuzzed": 6 * 300, "crashes": 0, "out_of_range": 0, "dropped": 0}
    assert len(rows) == 6
    for row in rows:
        assert row["all_scored"] + row["some_scored"] + row["none_scored"] == row["replies"] == 300
        assert row["all_scored"] > 0
        assert row["none_scored"] > 0


def test_a_reply_is_counted_by_what_could_be_used_of_it():
    def said(judgements):
        return json.dumps(write_openai(json.dumps({"judgements": judgements}), 1)).encode()

    both = [{"id": "A", "score": 1}, {"id": "B", "score": 0.0}]
    assert outcome(said(both), "openai", "listwise", "AB") == ["all_scored"]
    assert outcome(said([both[0], {"id": "B", "score": 7}]), "openai", "listwise", "AB") == ["some_scored"]
    assert outcome(b"", "openai", "listwise", "AB") == ["none_scored"]
    assert outcome(said(both), "no such format", "listwise", "AB") == ["crashes"]


def test_two_hundred_distinct_captions_have_a_truth():
    assert len(phrases(400)) >= 200


def test_the_section_says_what_was_counted():
    figures = {
        "replies_fuzzed": 60_000, "crashes": 3, "out_of_range": 0, "dropped": 0, "queries": 200, "kills": 3,
        "calls": 208, "keys": 200, "paid_twice": 8, "paid_twice_beyond_inflight": 2, "lost": 1,
        "in_flight_at_kills": [1, 2, 3], "concurrency": 4, "same_as_never_killed": False,
    }  # fmt: skip
    text = judge_faults_section(figures)
    for words in (
        "60,000",
        "3 crashed",
        "208 calls for 200",
        "2 of them beyond",
        "(1, 2, 3; 4 at once)",
        "1 lost",
        "are NOT",
    ):
        assert words in text
