"""An exported record: the same judgements from a text file, with the words left out where asked."""

import json

import pytest

from runtime.errors import JudgeError
from runtime.judge.gemini import GeminiJudge
from runtime.judge.record import ReplyRecord
from runtime.judge.record_file import RecordFile, export_record
from runtime.judge.replay import open_replay
from runtime.results import Query

from .cases import ENVIRON, QUERY, candidate, image_file, recorded, settings
from .loopback import Loopback, Reply, body, scored

CANDIDATES = [candidate(i) for i in range(3)]
WORDS = "a-secret-rationale màng nhĩ"


@pytest.fixture
def live(tmp_path):
    """Judgements (one after a re-ask, one never usable), and their record."""

    def script(n, request):
        return [scored(0.2, WORDS), Reply(body("cut")), scored(0.7, WORDS), Reply(body("c")), Reply(body("d"))][n]

    with Loopback(script) as server:
        record = ReplyRecord(tmp_path / "replies.sqlite")
        chosen = settings(server.url, concurrency=1)
        with GeminiJudge(chosen, enabled=True, environ=ENVIRON, record=record) as judge:
            judged = judge.judge(QUERY, CANDIDATES, image_file)
    return judged, ReplyRecord(tmp_path / "replies.sqlite")


def test_an_export_replays_to_the_same_judgements(live, tmp_path):
    judged, record = live
    out = tmp_path / "replies.jsonl"
    assert export_record(record, out) == 5
    assert list(RecordFile(out).all()) == list(record.all())
    replayed = open_replay(out).judge(QUERY, CANDIDATES, image_file)
    assert [(j.score, j.reason, j.model) for j in replayed] == [(j.score, j.reason, j.model) for j in judged]
    assert [j.score for j in judged] == [0.2, 0.7, None]


def test_a_redacted_export_holds_no_words_and_replays_the_same_scores(live, tmp_path):
    judged, record = live
    out = tmp_path / "redacted.jsonl"
    export_record(record, out, redact=True)
    text = out.read_text("utf-8")
    for words in (QUERY.text, WORDS, "secret", 'candidates": [{', "finishReason", "imgs/"):
        assert words not in text
    rows = [json.loads(line) for line in text.splitlines()]
    assert all(row["reply"] is None and row["query_text"] is None and row["rationale"] == "" for row in rows)
    assert [row["input_tokens"] for row in rows] == [700] * 5
    replay = open_replay(out)
    replayed = replay.judge(QUERY, CANDIDATES, image_file)
    assert [(j.score, j.model) for j in replayed] == [(j.score, j.model) for j in judged]
    assert "redacted" in replayed[2].reason
    other = replay.judge(Query("another finding"), CANDIDATES, image_file)
    assert [j.score for j in other] == [None] * 3


@pytest.mark.parametrize("redact", [False, True])
def test_an_export_of_an_export_is_the_same_file(live, tmp_path, redact):
    _, record = live
    export_record(record, tmp_path / "one.jsonl", redact=redact)
    export_record(RecordFile(tmp_path / "one.jsonl"), tmp_path / "two.jsonl", redact=redact)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()


def exported(tmp_path, count=3):
    record = ReplyRecord(tmp_path / "r.sqlite")
    for run in range(count):
        record.append(recorded(run))
    export_record(record, tmp_path / "r.jsonl")
    return tmp_path / "r.jsonl"


@pytest.mark.parametrize("cut", [1, 20, -2, -1])
def test_a_torn_last_line_is_skipped_and_the_others_answer(tmp_path, cut, caplog):
    path = exported(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]) + lines[2][:cut])
    complete = cut == -1  # only the line's end is missing: the reply itself is whole
    torn = RecordFile(path)
    assert (len(list(torn.all())), torn.damaged) == ((3, 0) if complete else (2, 1))
    assert ("line 3 is damaged" in caplog.text) != complete
    assert torn.find(recorded(1).key) == recorded(1)


@pytest.mark.parametrize(
    ("old", "new"), [("127.0.0.1", "generativelanguage.googleapis.com"), ("[0.5]", "[0.9]"), ("words", "sword")]
)
def test_a_changed_line_is_never_believed(tmp_path, old, new, caplog):
    path = exported(tmp_path)
    lines = path.read_text("utf-8").split("\n")
    assert old in lines[1]
    path.write_text("\n".join([lines[0], lines[1].replace(old, new), *lines[2:]]), "utf-8")
    changed = RecordFile(path)
    assert [reply.key.run for reply in changed.all()] == [0, 2]
    assert "line 2 is damaged and skipped (the checksum differs)" in caplog.text


@pytest.mark.parametrize("line", ["[]", "null", "{}", '{"schema": 2}', '"text"', "\x00"])
def test_lines_of_another_kind_are_skipped(tmp_path, line):
    path = exported(tmp_path, 1)
    path.write_text(path.read_text("utf-8") + line + "\n", "utf-8")
    assert (len(list(RecordFile(path).all())), RecordFile(path).damaged) == (1, 1)


def test_an_unknown_schema_version_is_refused_with_the_command_that_mends_it(tmp_path):
    path = exported(tmp_path)
    path.write_text(path.read_text("utf-8").replace('"schema": 2', '"schema": 3'), "utf-8")
    with pytest.raises(JudgeError, match=r"line 1 has schema version 3.*python -m runtime record"):
        open_replay(path)
