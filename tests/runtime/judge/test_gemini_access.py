"""Who may ask Gemini, where, and with what settings; a key that stands nowhere."""

import logging
import re
import traceback

import pytest

from runtime.errors import InvalidInputError, JudgeNotEnabledError
from runtime.judge.gemini import GeminiJudge
from runtime.judge.prompt import load_prompt
from runtime.judge.record import ReplyRecord
from runtime.judge.settings import JudgeSettings

from .cases import ENVIRON, KEY, QUERY, candidate, image_file, settings
from .loopback import Loopback, failed, scored


def test_another_endpoint_than_googles_is_named_in_every_result():
    with (
        Loopback(lambda n, request: scored(0.5)) as server,
        GeminiJudge(settings(server.url), enabled=True, environ=ENVIRON) as judge,
    ):
        (judged,) = judge.judge(QUERY, [candidate(0)], image_file)
        assert judge.name == judged.model == "gemini-3.8-flash at 127.0.0.1 (not Google's service)"
    with GeminiJudge(enabled=True, environ=ENVIRON) as judge:
        assert judge.name == "gemini-3.8-flash"


def test_the_environment_cannot_send_the_images_elsewhere(monkeypatch):
    with Loopback(lambda n, request: scored(0.5)) as server:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
        monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
        with GeminiJudge(enabled=True, environ=ENVIRON) as judge:
            # nothing may be sent to the real service here, so the client's own address is read
            address = judge._asker.client._client._api_client.get_read_only_http_options()["base_url"]
    assert address == "https://generativelanguage.googleapis.com/"


@pytest.mark.parametrize(
    ("enabled", "environ", "says"),
    [
        (False, ENVIRON, "medical images leave this machine; switch it on with --allow-upload"),
        (True, {}, "neither GEMINI_API_KEY nor GOOGLE_API_KEY is set"),
        (True, {"GEMINI_API_KEY": "  "}, "neither GEMINI_API_KEY nor GOOGLE_API_KEY is set"),
    ],
)
def test_without_consent_or_key_there_is_no_judge(enabled, environ, says):
    with pytest.raises(JudgeNotEnabledError, match=says):
        GeminiJudge(enabled=enabled, environ=environ)


def test_either_variable_gives_the_key():
    with Loopback(lambda n, request: scored(0.5)) as server:
        for variable in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
            with GeminiJudge(settings(server.url), enabled=True, environ={variable: f" {KEY}\n"}) as judge:
                judge.judge(QUERY, [candidate(0)], image_file)
    assert [request.key for request in server.requests] == [KEY, KEY]


@pytest.mark.parametrize("key", ["AIza-made up", "AIza-made\nup", "AIza-chìa-khoá"])
def test_a_key_that_cannot_be_sent_is_refused_without_being_quoted(key):
    with pytest.raises(JudgeNotEnabledError) as caught:
        GeminiJudge(enabled=True, environ={"GEMINI_API_KEY": key})
    assert "AIza" not in "".join(traceback.format_exception(caught.value))


def test_the_key_stands_in_no_log_no_record_and_no_reason(caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    record = ReplyRecord(tmp_path / "replies.sqlite")

    def script(n, request):
        return [scored(0.5), failed(429), scored(0.5), failed(403, f"key {KEY} is not allowed")][n]

    with Loopback(script) as server:
        chosen = settings(server.url, concurrency=1)
        with GeminiJudge(chosen, enabled=True, environ=ENVIRON, record=record) as judge:
            judged = judge.judge(QUERY, [candidate(i) for i in range(3)], image_file)
    with GeminiJudge(settings(server.url, attempts=1), enabled=True, environ=ENVIRON) as judge:
        judged += judge.judge(QUERY, [candidate(0)], image_file)  # refused: the server is gone

    assert judged[2].reason == "HTTP 403: key [key] is not allowed"
    assert caplog.records
    assert KEY not in caplog.text
    assert KEY.encode() not in record.path.read_bytes()
    assert not any(KEY in repr(j) for j in judged)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model": " "}, "model name is empty"),
        ({"runs": 0}, "runs is 0; expected at least 1"),
        ({"concurrency": 0}, "concurrency is 0"),
        ({"timeout_ms": 0}, "timeout_ms is 0"),
        ({"retry_delay_s": -1.0}, "at least 0"),
        ({"base_url": "127.0.0.1:80"}, re.escape("http(s)://HOST")),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_a_sentence(changes, says):
    with pytest.raises(InvalidInputError, match=says):
        JudgeSettings(**changes)


def test_an_unknown_prompt_is_refused_with_those_that_exist():
    with pytest.raises(InvalidInputError, match="kger_pointwise_v1"):
        load_prompt("kger_pointwise_v0")
