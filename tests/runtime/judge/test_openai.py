"""The chat-completions client against a loopback server with made-up replies."""

import json
import logging
import time
import traceback
from dataclasses import replace

import pytest

from runtime.errors import InvalidInputError, JudgeNotEnabledError
from runtime.images import decode_image, encode_image
from runtime.judge.openai import OpenAiJudge
from runtime.judge.openai_client import is_loopback
from runtime.judge.prompt import load_prompt
from runtime.judge.record import ReplyRecord
from runtime.judge.settings import JudgeSettings
from runtime.results import Query

from .cases import FAST, KEY, QUERY, candidate, image_file, picture
from .loopback import Loopback, Reply, completed, completion, failed

MODEL = "loopback-vl"


def _settings(url, **changes):
    return replace(FAST, base_url=url, model=MODEL, **changes)


def _judge(script, *, count=1, query=QUERY, images=image_file, environ=None, path="/v1", **changes):
    with Loopback(script) as server:
        with OpenAiJudge(_settings(server.url + path, **changes), environ=environ or {}) as judge:
            judged = judge.judge(query, [candidate(i) for i in range(count)], images)
        return judged, server


def test_a_good_reply_is_a_score_with_its_rationale_tokens_and_time():
    (judged,), server = _judge(lambda n, request: completed(0.85))
    assert (judged.item_id, judged.score, judged.reason) == (0, 0.85, "màng nhĩ đỏ")
    assert (judged.input_tokens, judged.output_tokens, judged.attempts, judged.replayed) == (600, 20, 1, False)
    assert judged.latency_ms > 0
    assert judged.price_usd is None, "the price of a model that is not listed is not known"
    assert judged.model == f"{MODEL} at 127.0.0.1 (not OpenAI's service)"
    assert server.requests[0].path == "/v1/chat/completions"


@pytest.mark.parametrize("path", ["", "/", "/v1/", "/a/b/v1"])
def test_the_path_of_the_endpoint_is_kept(path):
    _, server = _judge(lambda n, request: completed(0.5), path=path)
    assert server.requests[0].path == f"{path.rstrip('/')}/chat/completions"


@pytest.mark.parametrize(("environ", "sent"), [({}, None), ({"OPENAI_API_KEY": f" {KEY}\n"}, f"Bearer {KEY}")])
def test_a_key_is_sent_where_there_is_one(environ, sent):
    (judged,), server = _judge(lambda n, request: completed(0.5), environ=environ)
    assert (judged.score, server.requests[0].key) == (0.5, sent)


def test_the_request_is_a_chat_completion_with_prompt_query_schema_and_pictures_as_data():
    query = Query("polyp", picture(99, 600, 300), "query.png")
    _, server = _judge(
        lambda n, request: completed(0.5),
        query=query,
        temperature=0.0,
        images=lambda c: encode_image(picture(1, 480, 640)),
    )
    request = server.requests[0]
    assert (request.body["model"], request.body["temperature"]) == (MODEL, 0.0)
    system, user = request.body["messages"]
    assert system == {"role": "system", "content": load_prompt("kger_pointwise_v2").text}
    assert user["role"] == "user"
    assert request.texts[1:] == [
        '<finding>"polyp"</finding>', "Example image of the finding:", "Candidate image:",
    ]  # fmt: skip
    assert all(p["image_url"]["url"].startswith("data:image/jpeg;base64,") for p in user["content"] if "image_url" in p)
    assert [decode_image(image).shape for image in request.images] == [(384, 192, 3), (288, 384, 3)]
    form = request.body["response_format"]["json_schema"]
    assert (form["strict"], form["schema"]["required"]) == (True, ["rationale", "score"])
    assert "imgs/" not in json.dumps(request.body)


def test_a_refusal_is_unjudged_and_not_asked_again():
    for reply in (completion(None, refusal="I cannot help"), completion("x", finish="content_filter")):
        (judged,), server = _judge(lambda n, request, reply=reply: reply)
        assert (judged.score, judged.reason, len(server.requests)) == (None, "the model refused to answer", 1)


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (completion(""), "no text"),
        (completion(None), "no text"),
        (completion("0.7"), "not the JSON asked for"),
        (completed(1.5), "less than or equal to 1"),
        (Reply(b"{}"), "not a chat completion"),
        (Reply(b'{"choices": []}'), "no choice"),
        (Reply(b"\xff\xfe"), "not a chat completion"),
    ],
)
def test_a_reply_without_a_usable_score_is_asked_for_once_more_and_then_unjudged(reply, says):
    (judged,), server = _judge(lambda n, request: reply)
    assert judged.score is None
    assert says in judged.reason
    assert len(server.requests) == 2
    assert "Your last reply could not be used" in server.requests[1].texts[-1]


def test_a_retry_after_of_a_second_is_waited_once_and_then_good():
    limited = Reply(failed(429).body, 429, {"Retry-After": "1"})
    started = time.perf_counter()
    (judged,), server = _judge(lambda n, request: limited if n == 0 else completed(0.7))
    waited = time.perf_counter() - started
    assert (judged.score, judged.attempts, len(server.requests)) == (0.7, 2, 2)
    assert 1 <= waited < 2


@pytest.mark.parametrize(
    ("status", "attempts", "reason"),
    [(500, 3, "HTTP 500: overloaded"), (400, 1, "HTTP 400: overloaded"), (302, 1, "HTTP 302: overloaded")],
)
def test_what_may_pass_is_tried_again_and_what_may_not_is_not(status, attempts, reason):
    reply = Reply(failed(status, "overloaded").body, status, {"Location": "http://192.0.2.1/"})
    (judged,), server = _judge(lambda n, request: reply, attempts=3)
    assert (judged.score, judged.reason, judged.attempts) == (None, reason, attempts)
    assert len(server.requests) == attempts


@pytest.mark.parametrize("page", [b"<html>busy</html>", b'"busy"', b'{"error": "busy"}', b'{"error": null}'])
def test_an_error_page_of_any_form_is_unjudged(page):
    (judged,), _ = _judge(lambda n, request: Reply(page, 502), attempts=1)
    assert judged.reason.startswith("HTTP 502")


@pytest.mark.parametrize("before", [0, 240, 270, 280, 289])
def test_no_part_of_the_key_stands_in_an_error_wherever_it_is_cut(before, caplog):
    caplog.set_level(logging.DEBUG)
    page = Reply(b"x" * before + KEY.encode() + b" refused", 401)
    (judged,), _ = _judge(lambda n, request: page, environ={"OPENAI_API_KEY": KEY})
    assert judged.reason.startswith("HTTP 401")
    for part in (KEY, KEY[:8], KEY[-8:]):
        assert part not in judged.reason
        assert part not in caplog.text


def test_the_key_stands_in_no_record(tmp_path):
    record = ReplyRecord(tmp_path / "r.sqlite")
    with Loopback(lambda n, request: completed(0.5)) as server:
        environ = {"OPENAI_API_KEY": KEY}
        with OpenAiJudge(_settings(server.url), environ=environ, record=record) as judge:
            judge.judge(QUERY, [candidate(0)], image_file)
    assert KEY in server.requests[0].key
    assert KEY.encode() not in record.path.read_bytes()


def test_an_endpoint_off_this_machine_needs_consent_and_openais_own_a_key():
    away = JudgeSettings(model=MODEL, base_url="http://192.0.2.1:8000/v1")
    with pytest.raises(
        JudgeNotEnabledError, match=r"to 192\.0\.2\.1: medical images leave this machine; .*--allow-upload"
    ):
        OpenAiJudge(away, environ={})
    with OpenAiJudge(away, enabled=True, environ={}) as judge:
        assert judge.name == f"{MODEL} at 192.0.2.1 (not OpenAI's service)"
    official = JudgeSettings(model=MODEL)
    with pytest.raises(JudgeNotEnabledError, match=r"to api\.openai\.com: medical images leave"):
        OpenAiJudge(official, environ={"OPENAI_API_KEY": KEY})
    with pytest.raises(JudgeNotEnabledError, match="needs an API key and OPENAI_API_KEY is not set"):
        OpenAiJudge(official, enabled=True, environ={})
    with OpenAiJudge(official, enabled=True, environ={"OPENAI_API_KEY": KEY}) as judge:
        assert judge.name == MODEL


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_this_machine_is_known_by_name_and_number(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "localhost.example.org", "127.0.0.1.example.org", "10.0.0.1", "0.0.0.0", "2130706433", "0x7f.1"],  # noqa: S104
)
def test_what_only_looks_like_this_machine_is_not(host):
    assert not is_loopback(host)


def test_a_proxy_of_the_environment_gets_nothing_that_was_meant_for_this_machine(monkeypatch):
    with Loopback(lambda n, request: completed(0.1)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        (judged,), _ = _judge(lambda n, request: completed(0.9))
    assert (judged.score, proxy.requests) == (0.9, [])


def test_the_models_name_must_be_given():
    with pytest.raises(InvalidInputError, match="needs the name of the model that is served: --judge-model NAME"):
        OpenAiJudge(JudgeSettings(base_url="http://127.0.0.1:1/v1"))


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:80", "http://", "ftp://127.0.0.1", "http://[::1", "http://127.0.0.1:port", "http://127.0.0.1:99999",
        "http://127.0.0.1\\@192.0.2.1/", "http://127.0.0.1 .org", "http://user:hidden-word@127.0.0.1/",
        "http://127.0.0.1/v1?key=hidden-word", "http://127.0.0.1/#hidden-word",
    ],
)  # fmt: skip
def test_an_url_that_cannot_be_used_is_refused_in_a_sentence_that_holds_no_password(url):
    with pytest.raises(InvalidInputError) as caught:
        JudgeSettings(base_url=url)
    assert "expected http(s)://HOST[:PORT][/PATH]" in str(caught.value)
    assert "hidden-word" not in "".join(traceback.format_exception(caught.value)).split("JudgeSettings(")[-1]


def test_nobody_listens_is_unjudged_with_the_reason():
    with Loopback(lambda n, request: completed(0.5)) as server:
        url = server.url
    with OpenAiJudge(_settings(url, attempts=2), environ={}) as judge:
        (judged,) = judge.judge(QUERY, [candidate(0)], image_file)
    assert (judged.score, judged.attempts) == (None, 2)
    assert judged.reason.startswith("ConnectError")
