"""The SQLite record: append-only, on disk before it is used, never believed where it was changed."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from runtime.errors import JudgeError
from runtime.judge.record import SCHEMA, ReplyRecord

from .cases import recorded

ROOT = Path(__file__).resolve().parents[3]
WRITER = """
import sys
from pathlib import Path
from runtime.judge.record import RecordedReply, ReplyKey, ReplyRecord
record, run, last = ReplyRecord(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
while run != last:
    key = ReplyKey("pointwise", "q", None, ("c",), "s", "m", run)
    record.append(RecordedReply(key, "p", "{}", "gemini", "127.0.0.1", b"x" * 3000, (0.5,)))
    print(run, flush=True)
    run += 1
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "replies.sqlite"


def writer(path, first=0, last=-1):
    command = [sys.executable, "-c", WRITER, str(path), str(first), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def changed(path, statement, *values):
    """Runs `statement` as somebody would who has the file and none of our code."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


def test_what_was_appended_is_found_whole_after_opening_again(path):
    reply = recorded(3, body=bytes(range(256)), price_usd=0.25, latency_ms=12.5, rationale="a\x00b", problem='"')
    ReplyRecord(path).append(reply)
    record = ReplyRecord(path)
    assert record.find(reply.key) == reply
    assert record.find(recorded(4).key) is None
    assert (len(record), record.damaged) == (1, 0)


def test_an_empty_body_is_not_a_redacted_one(path):
    record = ReplyRecord(path)
    for run, body in enumerate((b"", None)):
        record.append(recorded(run, body=body))
    assert [reply.body for reply in ReplyRecord(path).all()] == [b"", None]
    changed(path, "DROP TRIGGER no_update")
    changed(path, "UPDATE replies SET reply = NULL")
    assert [reply.key.run for reply in ReplyRecord(path).all()] == [1], "an empty body cannot pass for a redacted one"


def test_the_latest_reply_of_a_key_counts(path):
    record = ReplyRecord(path)
    for body in (b"one", b"two"):
        record.append(recorded(body=body))
    assert record.find(recorded().key).body == b"two"
    assert ([reply.body for reply in record.all()], len(record)) == ([b"one", b"two"], 1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE replies SET scores = '[1.0]'",
        "DELETE FROM replies",
        "INSERT OR REPLACE INTO replies SELECT * FROM replies",
    ],
)
def test_the_file_itself_refuses_to_change_or_drop_a_row(path, statement):
    ReplyRecord(path).append(recorded())
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        changed(path, statement)
    assert ReplyRecord(path).find(recorded().key) == recorded()


@pytest.mark.parametrize(
    "change",
    [
        "endpoint = 'generativelanguage.googleapis.com'",
        "scores = '[1.0]'",
        "price_usd = 0",
        "reply = x'7b7d'",
        "reply = NULL",
        "query_text = 'another'",
        "row_sha256 = ''",
    ],
)
def test_a_changed_row_is_never_believed(path, change, caplog):
    record = ReplyRecord(path)
    for run in range(2):
        record.append(recorded(run))
    record.close()
    changed(path, "DROP TRIGGER no_update")
    changed(path, f"UPDATE replies SET {change} WHERE run = 1")  # noqa: S608 - a test's constants
    opened = ReplyRecord(path)
    assert opened.find(recorded(0).key) == recorded(0)
    assert opened.find(recorded(1).key) is None
    assert [reply.key.run for reply in opened.all()] == [0]
    assert opened.damaged
    assert "row 2 is damaged and skipped (the checksum differs)" in caplog.text


def test_an_earlier_sound_reply_stands_where_the_latest_is_damaged(path):
    record = ReplyRecord(path)
    for body in (b"one", b"two"):
        record.append(recorded(body=body))
    changed(path, "DROP TRIGGER no_update")
    changed(path, "UPDATE replies SET reply = x'00' WHERE id = 2")
    assert ReplyRecord(path).find(recorded().key).body == b"one"


def test_a_score_outside_the_scale_is_damage(path, caplog):
    ReplyRecord(path).append(recorded(scores=(7.0,)))
    assert ReplyRecord(path).find(recorded().key) is None
    assert "a score outside 0 to 1" in caplog.text


def test_an_unknown_schema_version_is_refused(path):
    ReplyRecord(path).close()
    changed(path, "PRAGMA user_version = 1")
    with pytest.raises(JudgeError, match=f"schema version 1, this program reads {SCHEMA}; give another --record FILE"):
        ReplyRecord(path)


def test_what_is_no_record_is_refused_in_a_sentence_and_left_alone(tmp_path):
    text, folder, below = tmp_path / "notes.txt", tmp_path / "folder", tmp_path / "notes.txt" / "r.sqlite"
    text.write_text("not a database, but longer than the header of one: " + "x" * 100)
    folder.mkdir()
    before = text.read_bytes()
    for path in (text, folder, below):
        with pytest.raises(JudgeError, match=r"cannot be used .*give another --record FILE"):
            ReplyRecord(path)
    assert text.read_bytes() == before
    with pytest.raises(JudgeError, match=r"no record of replies at .*; make one with --judge gemini --record"):
        ReplyRecord(tmp_path / "none.sqlite", must_exist=True)
    assert not (tmp_path / "none.sqlite").exists()


def test_a_kill_loses_nothing_that_was_said_to_be_on_disk(path):
    known = 0
    for wanted in (3, 7, 5):
        with writer(path, known) as process:
            said = [int(process.stdout.readline()) for _ in range(wanted)]
            os.kill(process.pid, signal.SIGKILL)
            said += [int(line) for line in process.stdout]
        record = ReplyRecord(path)
        runs = [reply.key.run for reply in record.all()]
        assert set(said) <= set(runs)
        assert runs == list(range(len(runs)))
        assert record.damaged == 0
        known = len(runs)


def test_two_processes_append_at_once_from_the_first_row_on(path):
    processes = [writer(path, first, first + 60) for first in (0, 100)]
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0]
    record = ReplyRecord(path)
    assert sorted(reply.key.run for reply in record.all()) == [*range(60), *range(100, 160)]
    assert record.damaged == 0


def test_several_threads_append_and_find_at_once(path):
    record, together = ReplyRecord(path), threading.Barrier(4)

    def work(first):
        together.wait(timeout=10)
        for run in range(first, first + 10):
            record.append(recorded(run))
            assert record.find(recorded(run).key) == recorded(run)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(0, 40, 10)))
    assert sorted(reply.key.run for reply in ReplyRecord(path).all()) == list(range(40))
