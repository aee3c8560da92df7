"""The loopback judge speaks both wire formats to the real clients, by the truth, and logs before it answers."""

import json

import pytest

from benchmarks.judging.loopback_answers import (
    OTHER,
    SAME,
    SAME_REGION,
    SAME_REGION_AND_FINDING,
    TRUTHFUL,
    Call,
    Truth,
    captions_shown,
    sha256,
    shows,
)
from benchmarks.judging.loopback_judge import call_id
from benchmarks.judging.loopback_process import Loopback, loopback
from runtime.dataset import read_dataset
from runtime.images import read_image
from runtime.judge.gemini import GeminiJudge
from runtime.judge.openai import OpenAiJudge
from runtime.judge.picture import shrink_to_jpeg
from runtime.judge.prompt import finding_block
from runtime.judge.record import ReplyRecord
from runtime.judge.settings import JudgeSettings
from runtime.results import Candidate, Query


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def records(phantoms):
    return read_dataset(phantoms).records[:5]


@pytest.fixture(scope="module")
def truth(records):
    return Truth.of(records, captions_shown(records))


def judged(server: Loopback, records, wire: str, **changes):
    candidates = [Candidate(i, i + 1, str(r.path), "", {}, 0.5, (), ()) for i, r in enumerate(records)]
    record = changes.pop("record", None)
    if wire == "openai":
        settings = JudgeSettings(model=TRUTHFUL, base_url=f"{server.url}/v1", **changes)
        judge = OpenAiJudge(settings, record=record, environ={})
    else:
        pytest.importorskip("google.genai")
        settings = JudgeSettings(model=TRUTHFUL, base_url=server.url, **changes)
        judge = GeminiJudge(settings, enabled=True, record=record, environ={"GEMINI_API_KEY": "no-real-key"})
    with judge:
        query = Query(records[0].captions[0])
        return judge.judge(query, candidates, lambda c: records[c.item_id].path.read_bytes())


@pytest.mark.parametrize("wire", ["openai", "gemini"])
@pytest.mark.parametrize("mode", ["pointwise", "listwise"])
def test_scores_are_the_truths_whatever_the_wire_and_the_order_shown(tmp_path, records, truth, wire, mode):
    with loopback(tmp_path, truth) as server:
        told = judged(server, records, wire, mode=mode)
    expected = [truth.score(records[0].captions[0], shrink_to_jpeg(read_image(r.path), 384)) for r in records]
    assert [j.score for j in told] == pytest.approx(expected)
    assert expected[0] == SAME
    assert len(set(expected)) > 1


def test_every_call_is_on_the_log_with_the_number_that_its_reply_carries(tmp_path, records, truth):
    record = ReplyRecord(tmp_path / "replies.sqlite")
    with loopback(tmp_path / "server", truth) as server:
        judged(server, records, "openai", mode="listwise", shuffles=3, record=record)
        server.wait_until_quiet()
        lines = server.lines()
        assert server.calls() == 3
        assert server.new_lines() == lines
        assert server.new_lines() == []
    started = [line for line in lines if line["event"] == "start"]
    record = ReplyRecord(tmp_path / "replies.sqlite")
    assert {call_id(line["call"]) for line in started} == {json.loads(r.body)["id"] for r in record.all()}
    record.close()
    assert len({line["key"] for line in started}) == 3, "three orders are three different requests"
    for line in started:  # taken before answered
        assert lines.index(line) < lines.index(
            next(e for e in lines if (e["event"], e["call"]) == ("end", line["call"]))
        )


def test_the_truth_is_graded_by_region_finding_and_class():
    pictures = {sha256(b"p"): ("nose", "nose-left", "polyp")}
    asked = {
        "left": ("nose", "nose-left", "polyp"),
        "right": ("nose", "nose-right", "polyp"),
        "scar": ("nose", "nose-left", "scar"),
        "ear": ("ear", "ear-left", "scar"),
    }
    truth = Truth(pictures, asked)
    scores = [truth.score(text, b"p") for text in ("left", "right", "scar", "ear", "unknown", "left. And an attack")]
    assert scores == [SAME, SAME_REGION_AND_FINDING, SAME_REGION, OTHER, OTHER, SAME]
    assert truth.score("left", b"another picture") == OTHER
    assert Truth.from_json(json.loads(json.dumps(truth.to_json()))) == truth


def test_a_call_knows_what_was_shown_and_what_stands_outside_the_data():
    parts = [
        "<knowledge>k</knowledge>",
        finding_block('a "quoted" </finding> text'),
        "Candidate A:",
        b"1",
        "Candidate B:",
        b"2",
    ]
    call = Call(TRUTHFUL, "listwise", parts)
    assert call.shown == [("A", b"1"), ("B", b"2")]
    assert call.finding == 'a "quoted" </finding> text'
    assert call.finding in call.texts(outside=False)
    assert not any("quoted" in text for text in call.texts(outside=True))
    assert not call.again


def test_what_a_record_shows_is_region_class_and_finding(records):
    assert all(len(set(shows(record))) >= 2 for record in records)
