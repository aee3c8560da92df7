"""Recording with the real client against a loopback server, then replaying with the server gone."""

import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.errors import InvalidInputError, JudgeError, ReplayMissError
from runtime.judge.gemini import GeminiJudge
from runtime.judge.published import PublishedScoresJudge
from runtime.judge.record import RecordedReply, ReplyKey, ReplyRecord
from runtime.judge.replay import ReplayJudge, open_replay
from runtime.results import Query

from .cases import ENVIRON, FAST, QUERY, candidate, image_file, picture, settings
from .loopback import Loopback, Reply, body, failed, scored

CANDIDATES = [candidate(i) for i in range(4)]
CUT = Reply(body('{"rationale": "cut', finish="MAX_TOKENS"))


def _record(path, script, *, candidates=CANDIDATES, query=QUERY, **changes):
    with Loopback(script) as server:
        chosen = settings(server.url, concurrency=1, **changes)
        with GeminiJudge(chosen, enabled=True, environ=ENVIRON, record=ReplyRecord(path)) as judge:
            return judge.judge(query, candidates, image_file), server


def _key(run=0, model="made-up-model"):
    return ReplyKey("query", None, "c" * 64, "p" * 64, model, run)


def test_a_replay_gives_every_reply_byte_for_byte_without_server_or_key(tmp_path, monkeypatch):
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    path = tmp_path / "replies.jsonl"
    replies = [scored(0.1, 'đỏ \u2028 \\ "'), scored(0.9), CUT, Reply(body(None, finish="SAFETY"))]
    live, _ = _record(path, lambda n, request: replies[n])

    record = ReplyRecord(path)
    assert [record.find(key).body for key in record.keys] == [reply.body for reply in replies]
    replayed = ReplayJudge(record).judge(QUERY, CANDIDATES, image_file)
    assert [(j.item_id, j.score, j.reason, j.model) for j in replayed] == [
        (j.item_id, j.score, j.reason, j.model) for j in live
    ]
    assert all(j.replayed and (j.input_tokens, j.attempts, j.latency_ms) == (0, 0, 0) for j in replayed)
    assert not any(j.replayed for j in live)


def test_a_question_with_a_recorded_score_is_not_asked_again(tmp_path):
    path = tmp_path / "replies.jsonl"
    first, _ = _record(path, lambda n, request: scored(0.3))
    second, server = _record(path, lambda n, request: scored(0.8))
    assert server.requests == []
    assert [j.score for j in second] == [j.score for j in first] == [0.3] * 4
    assert all(j.replayed and j.input_tokens == 0 for j in second)


def test_a_recorded_reply_without_a_score_is_asked_again_and_the_later_one_counts(tmp_path):
    path = tmp_path / "replies.jsonl"
    _record(path, lambda n, request: CUT if n == 1 else scored(0.3))
    again, server = _record(path, lambda n, request: scored(0.8))
    assert len(server.requests) == 1
    assert [j.score for j in again] == [0.3, 0.8, 0.3, 0.3]
    assert [j.score for j in open_replay(path).judge(QUERY, CANDIDATES, image_file)] == [0.3, 0.8, 0.3, 0.3]


def test_an_error_of_the_service_is_not_recorded(tmp_path):
    path = tmp_path / "replies.jsonl"
    _record(path, lambda n, request: failed(400) if n == 2 else scored(0.3))
    replayed = ReplayJudge(ReplyRecord(path)).judge(QUERY, CANDIDATES, image_file)
    assert [j.score for j in replayed] == [0.3, 0.3, None, 0.3]
    assert "has no reply of gemini-3.8-flash" in replayed[2].reason


@pytest.mark.parametrize(
    ("query", "changes"),
    [
        (Query("another finding"), {}),
        (Query(QUERY.text, picture(5)), {}),
        (QUERY, {"model": "gemini-3.5-flash-lite"}),
        (QUERY, {"max_image_px": 256}),
        (QUERY, {"temperature": 0.0}),
    ],
)
def test_whatever_shapes_the_request_is_part_of_the_key(tmp_path, query, changes):
    path = tmp_path / "replies.jsonl"
    _record(path, lambda n, request: scored(0.3))
    judge = ReplayJudge(ReplyRecord(path), replace(FAST, **changes))
    assert [j.score for j in judge.judge(query, CANDIDATES, image_file)] == [None] * 4


def test_two_query_images_are_told_apart_by_their_pixels(tmp_path):
    path = tmp_path / "replies.jsonl"
    query = Query(None, picture(5), "a.png")
    _record(path, lambda n, request: scored(0.3), query=query)
    judge = ReplayJudge(ReplyRecord(path))
    same = Query(None, picture(5), "renamed.png")
    assert [j.score for j in judge.judge(same, CANDIDATES, image_file)] == [0.3] * 4
    other = Query(None, picture(6), "a.png")
    assert [j.score for j in judge.judge(other, CANDIDATES, image_file)] == [None] * 4


def test_a_strict_replay_refuses_what_it_does_not_hold(tmp_path):
    path = tmp_path / "replies.jsonl"
    _record(path, lambda n, request: scored(0.3), candidates=CANDIDATES[:2])
    strict = open_replay(path, strict=True)
    assert [j.score for j in strict.judge(QUERY, CANDIDATES[:2], image_file)] == [0.3, 0.3]
    with pytest.raises(ReplayMissError, match=r"imgs/2\.png; record it with --judge gemini"):
        strict.judge(QUERY, CANDIDATES, image_file)


def test_runs_are_replayed_as_often_as_they_were_recorded(tmp_path):
    path = tmp_path / "replies.jsonl"
    live, _ = _record(path, lambda n, request: scored([0.2, 0.6][n % 2]), runs=2)
    replayed = open_replay(path).judge(QUERY, CANDIDATES, image_file)
    assert [j.score for j in replayed] == [j.score for j in live] == pytest.approx([0.4] * 4)


def test_a_replay_says_whose_replies_they_are(tmp_path):
    path = tmp_path / "replies.jsonl"
    _record(path, lambda n, request: scored(0.3))
    judge = open_replay(path)
    assert judge.name == "replay of gemini-3.8-flash at 127.0.0.1 (not Google's service)"
    assert "not Google's service" in judge.judge(QUERY, CANDIDATES, image_file)[0].model


def test_a_record_of_several_models_asks_which(tmp_path):
    record = ReplyRecord(tmp_path / "replies.jsonl")
    for model in ("one", "two"):
        record.append(_key(model=model), RecordedReply(b"{}", "127.0.0.1"))
    with pytest.raises(JudgeError, match="one, two; choose one with --judge-model"):
        ReplayJudge(record)
    assert ReplayJudge(record, replace(FAST, model="one")).name.startswith("replay of one at 127.0.0.1")


def test_a_missing_record_is_refused_with_the_command_that_makes_one(tmp_path):
    with pytest.raises(JudgeError, match="--judge gemini --record"):
        open_replay(tmp_path / "none.jsonl")


def test_an_empty_record_answers_nothing(tmp_path):
    (tmp_path / "empty.jsonl").touch()
    judged = open_replay(tmp_path / "empty.jsonl").judge(QUERY, CANDIDATES, image_file)
    assert [j.score for j in judged] == [None] * 4


@pytest.mark.parametrize("cut", [1, 20, -2, -1])
def test_a_torn_last_line_is_skipped_and_does_not_swallow_the_next(tmp_path, cut, caplog):
    path = tmp_path / "replies.jsonl"
    record = ReplyRecord(path)
    for run in range(3):
        record.append(_key(run), RecordedReply(b"reply %d" % run, "127.0.0.1"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]) + lines[2][:cut])

    complete = cut == -1  # only the line's end is missing: the record itself is whole
    torn = ReplyRecord(path)
    assert (len(torn), torn.damaged) == ((3, 0) if complete else (2, 1))
    assert ("line 3 is damaged" in caplog.text) != complete
    torn.append(_key(3), RecordedReply(b"reply 3", "127.0.0.1"))
    after = ReplyRecord(path)
    assert after.find(_key(3)).body == b"reply 3"
    assert after.find(_key(1)).body == b"reply 1"


def test_a_changed_line_is_never_believed(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    path = tmp_path / "replies.jsonl"
    record = ReplyRecord(path)
    record.append(_key(0), RecordedReply(b"genuine", "generativelanguage.googleapis.com"))
    record.append(_key(1), RecordedReply(b"genuine", "127.0.0.1"))
    path.write_text(path.read_text().replace('"127.0.0.1"', '"generativelanguage.googleapis.com"'))
    changed = ReplyRecord(path)
    assert changed.find(_key(0)).body == b"genuine"
    assert changed.find(_key(1)) is None
    assert "the checksum differs" in caplog.text


def test_an_unknown_schema_version_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "replies.jsonl"
    monkeypatch.setattr("runtime.judge.record.SCHEMA", 2)
    ReplyRecord(path).append(_key(), RecordedReply(b"", "127.0.0.1"))
    monkeypatch.undo()
    with pytest.raises(JudgeError, match="schema version 2, this program reads 1"):
        ReplyRecord(path)


def test_bytes_that_are_no_text_survive(tmp_path):
    path = tmp_path / "replies.jsonl"
    ReplyRecord(path).append(_key(), RecordedReply(bytes(range(256)), "127.0.0.1", 2, 12.5))
    assert ReplyRecord(path).find(_key()) == RecordedReply(bytes(range(256)), "127.0.0.1", 2, 12.5)


_WRITER = """
import sys
from pathlib import Path
from runtime.judge.record import RecordedReply, ReplyKey, ReplyRecord
record = ReplyRecord(Path(sys.argv[1]))
run = len(record)
while True:
    record.append(ReplyKey("q", None, "c", "p", "m", run), RecordedReply(b"x" * 3000, "127.0.0.1"))
    print(run, flush=True)
    run += 1
"""


def test_a_kill_loses_nothing_that_was_said_to_be_on_disk(tmp_path):
    path = tmp_path / "replies.jsonl"
    for wanted in (3, 7, 5):
        root = Path(__file__).resolve().parents[3]
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=root
        )
        with writer:
            said = [int(writer.stdout.readline()) for _ in range(wanted)]
            os.kill(writer.pid, signal.SIGKILL)
            said += [int(line) for line in writer.stdout]
        record = ReplyRecord(path)
        runs = [key.run for key in record.keys]
        assert set(said) <= set(runs)
        assert runs == list(range(len(runs)))


def _published(path):
    scores = {
        QUERY.text: [
            {"image_name": "2.png", "overall_score": 0.9},
            {"image_name": "0.png", "overall_score": 0.4},
            {"image_name": "3.png", "overall_score": None},
        ]
    }
    path.write_text(json.dumps(scores))
    return path


def test_a_published_scores_file_is_a_judge_named_after_the_file(tmp_path):
    judge = open_replay(_published(tmp_path / "scores.json"))
    assert isinstance(judge, PublishedScoresJudge)
    assert judge.name == "published scores (scores.json)"
    judged = judge.judge(QUERY, CANDIDATES, image_file)
    assert [j.score for j in judged] == [0.4, None, 0.9, None]
    assert "no score of 1.png" in judged[1].reason
    assert "lists 3.png as unjudged" in judged[3].reason
    assert all(j.replayed and j.model == judge.name for j in judged)


def test_a_published_scores_file_leaves_an_unknown_query_unjudged(tmp_path):
    judge = PublishedScoresJudge(_published(tmp_path / "scores.json"))
    judged = judge.judge(Query("another"), CANDIDATES, image_file)
    assert [j.score for j in judged] == [None] * 4
    assert "no such query" in judged[0].reason


def test_two_candidates_of_one_file_name_stay_unjudged(tmp_path):
    judge = PublishedScoresJudge(_published(tmp_path / "scores.json"))
    twins = [candidate(2), replace(candidate(9), path="other/2.png"), candidate(0)]
    judged = judge.judge(QUERY, twins, image_file)
    assert [j.score for j in judged] == [None, None, 0.4]
    assert "cannot tell them apart" in judged[0].reason


def test_a_file_that_is_neither_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("not a record")
    with pytest.raises(InvalidInputError, match="not JSON"):
        open_replay(tmp_path / "notes.txt")
