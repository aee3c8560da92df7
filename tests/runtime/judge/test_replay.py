"""Recording with the real client against a loopback server, then replaying with the server gone."""

import json
from dataclasses import replace

import pytest

from runtime.errors import InvalidInputError, JudgeError, ReplayMissError
from runtime.judge.gemini import GeminiJudge
from runtime.judge.published import PublishedScoresJudge
from runtime.judge.record import ReplyRecord
from runtime.judge.replay import ReplayJudge, open_replay
from runtime.results import Query

from .cases import ENVIRON, FAST, QUERY, candidate, image_file, picture, recorded, settings
from .loopback import Loopback, Reply, body, failed, scored

CANDIDATES = [candidate(i) for i in range(4)]
CUT = Reply(body('{"rationale": "cut', finish="MAX_TOKENS"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "replies.sqlite"


def _record(path, script, *, candidates=CANDIDATES, query=QUERY, **changes):
    with Loopback(script) as server:
        chosen = settings(server.url, concurrency=1, **changes)
        with GeminiJudge(chosen, enabled=True, environ=ENVIRON, record=ReplyRecord(path)) as judge:
            return judge.judge(query, candidates, image_file), server


def _told(judgements):
    return [(j.item_id, j.score, j.reason, j.model) for j in judgements]


def _scores(judgements):
    return [j.score for j in judgements]


def test_a_replay_gives_every_reply_byte_for_byte_without_server_or_key(path, monkeypatch):
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    replies = [scored(0.1, 'đỏ \u2028 \\ "'), scored(0.9), CUT, CUT, Reply(body(None, finish="SAFETY"))]
    live, server = _record(path, lambda n, request: replies[n])
    assert len(server.requests) == 5, "what cannot be read is asked once more, a refusal is not"

    record = ReplyRecord(path)
    assert [reply.body for reply in record.all()] == [reply.body for reply in replies]
    assert [reply.key.attempt for reply in record.all()] == [0, 0, 0, 1, 0]
    replayed = ReplayJudge(record).judge(QUERY, CANDIDATES, image_file)
    assert _told(replayed) == _told(live)
    assert _scores(live) == [0.1, 0.9, None, None]
    assert all(j.replayed and (j.input_tokens, j.attempts, j.latency_ms, j.price_usd) == (0,) * 4 for j in replayed)
    assert not any(j.replayed for j in live)


@pytest.mark.parametrize("mode", ["pointwise", "listwise"])
def test_a_question_with_a_recorded_score_is_not_asked_again(path, mode):
    def script(n, request):
        entries = [{"id": "ABCD"[i], "rationale": f"call {n}", "score": i / 4} for i in range(len(request.images))]
        return Reply(body(json.dumps({"judgements": entries}))) if mode == "listwise" else scored(0.3)

    first, _ = _record(path, script, mode=mode)
    second, server = _record(path, script, mode=mode)
    assert server.requests == []
    assert _told(second) == _told(first)
    assert None not in _scores(first)
    assert all(j.replayed and (j.input_tokens, j.price_usd) == (0, 0) for j in second)


def test_a_malformed_first_reply_is_asked_for_once_more_and_a_replay_answers_from_both(path):
    live, server = _record(path, lambda n, request: CUT if n == 1 else scored(0.1 + n / 10))
    assert len(server.requests) == 5
    assert _scores(live) == pytest.approx([0.1, 0.3, 0.4, 0.5])
    assert "Your last reply could not be used" in server.requests[2].texts[-1]
    assert (live[1].attempts, live[1].input_tokens) == (2, 1400), "both calls are paid"
    assert _told(open_replay(path).judge(QUERY, CANDIDATES, image_file)) == _told(live)


def test_what_stayed_without_a_score_costs_nothing_again_unless_it_is_asked_for(path):
    _record(path, lambda n, request: CUT if n in {1, 2} else scored(0.3))
    same, server = _record(path, lambda n, request: scored(0.8))
    assert (server.requests, _scores(same)) == ([], [0.3, None, 0.3, 0.3])
    again, server = _record(path, lambda n, request: scored(0.8), ask_again=True)
    assert len(server.requests) == 1
    assert _scores(again) == [0.3, 0.8, 0.3, 0.3]
    assert _scores(open_replay(path).judge(QUERY, CANDIDATES, image_file)) == [0.3, 0.8, 0.3, 0.3]


def test_what_a_re_ask_has_mended_is_not_asked_again(path):
    _record(path, lambda n, request: CUT if n == 1 else scored(0.3))
    again, server = _record(path, lambda n, request: scored(0.8), ask_again=True)
    assert (server.requests, _scores(again)) == ([], [0.3] * 4)


def test_a_run_that_ended_before_its_re_ask_makes_it_the_next_time(path):
    _record(path, lambda n, request: CUT if n == 0 else failed(400), candidates=CANDIDATES[:1])
    (judged,), server = _record(path, lambda n, request: scored(0.6), candidates=CANDIDATES[:1])
    assert (judged.score, len(server.requests)) == (0.6, 1)
    assert "Your last reply could not be used" in server.requests[0].texts[-1]


def test_a_re_ask_that_fails_leaves_the_first_reply_and_its_attempts_are_told(path):
    (judged,), server = _record(path, lambda n, request: CUT if n == 0 else failed(400), candidates=CANDIDATES[:1])
    assert (judged.score, judged.attempts, len(server.requests)) == (None, 2, 2)
    assert "not the JSON asked for" in judged.reason


def test_an_error_of_the_service_is_not_recorded(path):
    _record(path, lambda n, request: failed(400) if n == 2 else scored(0.3))
    replayed = ReplayJudge(ReplyRecord(path)).judge(QUERY, CANDIDATES, image_file)
    assert _scores(replayed) == [0.3, 0.3, None, 0.3]
    assert "has no reply of gemini-3.8-flash" in replayed[2].reason


@pytest.mark.parametrize(
    ("query", "changes"),
    [
        (Query("another finding"), {}),
        (Query(QUERY.text, picture(5)), {}),
        (QUERY, {"model": "gemini-3.5-flash-lite"}),
        (QUERY, {"max_image_px": 256}),
        (QUERY, {"temperature": 0.0}),
        (QUERY, {"prompt": "kger_pointwise_v1"}),
        (QUERY, {"knowledge": False}),
        (QUERY, {"mode": "listwise"}),
    ],
)
def test_whatever_shapes_the_request_is_part_of_the_key(path, query, changes):
    _record(path, lambda n, request: scored(0.3))
    judge = ReplayJudge(ReplyRecord(path), replace(FAST, **changes))
    assert _scores(judge.judge(query, CANDIDATES, image_file)) == [None] * 4


def test_two_query_images_are_told_apart_by_their_pixels(path):
    _record(path, lambda n, request: scored(0.3), query=Query(None, picture(5), "a.png"))
    judge = ReplayJudge(ReplyRecord(path))
    same, other = Query(None, picture(5), "renamed.png"), Query(None, picture(6), "a.png")
    assert _scores(judge.judge(same, CANDIDATES, image_file)) == [0.3] * 4
    assert _scores(judge.judge(other, CANDIDATES, image_file)) == [None] * 4


def test_a_strict_replay_refuses_what_it_does_not_hold(path):
    _record(path, lambda n, request: scored(0.3), candidates=CANDIDATES[:2])
    strict = open_replay(path, strict=True)
    assert _scores(strict.judge(QUERY, CANDIDATES[:2], image_file)) == [0.3, 0.3]
    with pytest.raises(ReplayMissError, match=r"imgs/2\.png; record it with --judge gemini"):
        strict.judge(QUERY, CANDIDATES, image_file)


def test_runs_are_replayed_as_often_as_they_were_recorded(path):
    live, _ = _record(path, lambda n, request: scored([0.2, 0.6][n % 2]), runs=2)
    replayed = open_replay(path).judge(QUERY, CANDIDATES, image_file)
    assert _scores(replayed) == _scores(live) == pytest.approx([0.4] * 4)


def test_a_replay_asks_alike_what_was_recorded_with_other_settings_than_the_usual(path):
    changes = {"max_image_px": 32, "temperature": 0.0, "knowledge": False, "prompt": "kger_pointwise_v1"}
    live, _ = _record(path, lambda n, request: scored(0.3), **changes)
    judge = open_replay(path)
    assert _told(judge.judge(QUERY, CANDIDATES, image_file)) == _told(live)
    assert {name: getattr(judge.settings, name) for name in changes} == changes


def test_a_replay_says_whose_replies_they_are(path):
    _record(path, lambda n, request: scored(0.3))
    judge = open_replay(path)
    assert judge.name == "replay of gemini-3.8-flash at 127.0.0.1 (not Google's service)"
    assert "not Google's service" in judge.judge(QUERY, CANDIDATES, image_file)[0].model


def test_a_record_of_several_models_or_modes_asks_which(path):
    record = ReplyRecord(path)
    for model, mode in (("one", "pointwise"), ("two", "pointwise"), ("two", "listwise"), ("two", "pairwise")):
        record.append(recorded(model=model, mode=mode))
    with pytest.raises(JudgeError, match="one, two; choose one with --judge-model"):
        ReplayJudge(record)
    with pytest.raises(JudgeError, match="listwise, pointwise; choose one with --judge-mode"):
        open_replay(path, model="two")
    with pytest.raises(InvalidInputError, match="no reply of three in mode any"):
        open_replay(path, model="three")
    assert open_replay(path, model="two", mode="listwise").name.startswith("replay of two at 127.0.0.1")
    assert open_replay(path, model="one").settings.mode == "pointwise"


def test_a_missing_record_is_refused_with_the_command_that_makes_one(tmp_path):
    with pytest.raises(JudgeError, match="--judge gemini --record"):
        open_replay(tmp_path / "none.sqlite")


def test_an_empty_record_answers_nothing(path):
    path.touch()
    judged = open_replay(path).judge(QUERY, CANDIDATES, image_file)
    assert _scores(judged) == [None] * 4


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
