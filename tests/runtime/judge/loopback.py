"""A server on the loopback that speaks generateContent's wire format or chat completions', for the real clients.

Its replies are made up by the tests: nothing here is Gemini's or OpenAI's.
"""

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None  # the reply waits for it
    meet: threading.Barrier | None = None  # the reply waits for others under way


@dataclass(frozen=True)
class Request:
    path: str
    key: str | None
    body: dict[str, Any]

    @property
    def _parts(self) -> list[dict[str, Any]]:
        if "contents" in self.body:
            return self.body["contents"][0]["parts"]
        return self.body["messages"][1]["content"]

    @property
    def texts(self) -> list[str]:
        return [part["text"] for part in self._parts if "text" in part]

    @property
    def images(self) -> list[bytes]:
        # google-genai writes the URL-safe alphabet
        encoded = [base64.urlsafe_b64decode(p["inlineData"]["data"]) for p in self._parts if "inlineData" in p]
        urls = [p["image_url"]["url"] for p in self._parts if "image_url" in p]
        return encoded + [base64.b64decode(url.removeprefix("data:image/jpeg;base64,"), validate=True) for url in urls]


@dataclass
class Loopback:
    """Answers request n (from 0) with `script(n, request)`; keeps every request."""

    script: Callable[[int, Request], Reply]
    requests: list[Request] = field(default_factory=list)
    most_at_once: int = 0

    def __enter__(self):
        loopback, lock, under_way = self, threading.Lock(), [0]

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                content = self.rfile.read(int(self.headers["Content-Length"]))
                key = self.headers["x-goog-api-key"] or self.headers["Authorization"]
                request = Request(self.path, key, json.loads(content))
                with lock:
                    number = len(loopback.requests)
                    loopback.requests.append(request)
                    under_way[0] += 1
                    loopback.most_at_once = max(loopback.most_at_once, under_way[0])
                reply = loopback.script(number, request)
                if reply.meet:
                    reply.meet.wait(timeout=30)
                if reply.hold:
                    reply.hold.wait(timeout=30)
                with lock:
                    under_way[0] -= 1
                try:
                    self.send_response(reply.status)
                    self.send_header("Content-Type", "application/json; charset=UTF-8")
                    self.send_header("Content-Length", str(len(reply.body)))
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(reply.body)
                except OSError:
                    pass  # a client that timed out has hung up

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"


def body(text: str | None, *, finish: str = "STOP", **rest: Any) -> bytes:
    """A generateContent reply whose text is `text`."""
    candidate: dict[str, Any] = {"finishReason": finish}
    if text is not None:
        candidate["content"] = {"role": "model", "parts": [{"text": text}]}
    usage = {"promptTokenCount": 700, "candidatesTokenCount": 30, "thoughtsTokenCount": 5}
    return json.dumps({"candidates": [candidate], "usageMetadata": usage} | rest, ensure_ascii=False).encode()


def scored(score: Any, rationale: str = "màng nhĩ đỏ") -> Reply:
    return Reply(body(json.dumps({"rationale": rationale, "score": score}, ensure_ascii=False)))


def failed(status: int, message: str = "made up") -> Reply:
    error = {"error": {"code": status, "message": message, "status": "MADE_UP"}}
    return Reply(json.dumps(error).encode(), status)


def completion(text: str | None, *, finish: str = "stop", refusal: str | None = None) -> Reply:
    """A chat completion whose text is `text`."""
    message = {"role": "assistant", "content": text, "refusal": refusal}
    usage = {"prompt_tokens": 600, "completion_tokens": 20}
    content = {"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage}
    return Reply(json.dumps(content, ensure_ascii=False).encode())


def completed(score: Any, rationale: str = "màng nhĩ đỏ") -> Reply:
    return completion(json.dumps({"rationale": rationale, "score": score}, ensure_ascii=False))


def entries(scores: dict[str, Any]) -> str:
    """A listwise answer's text."""
    judgements = [{"id": name, "rationale": f"saw {name}", "score": score} for name, score in scores.items()]
    return json.dumps({"judgements": judgements})
