"""The loopback judge's server: a process on 127.0.0.1 that speaks chat completions and generateContent.

`python -m benchmarks.judging.loopback_judge --truth FILE --log FILE` prints its address and serves until its
standard input ends. Every call is on the append-only log before it is answered, with a number that the reply's body
carries, so that what a client has on record can be counted against what the server was asked.
"""

import argparse
import base64
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

from .injections import read_attacks
from .loopback_answers import Call, Judge, Truth, sha256


class CallLog:
    """An append-only file of JSON lines: one when a call is taken, one when its answer is about to leave."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, **line: object) -> None:
        """Adds one line, in one write."""
        os.write(self._file, json.dumps(line, ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        """Closes the file."""
        os.close(self._file)


class Server(ThreadingHTTPServer):
    """Serves one judge."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, judge: Judge, log: CallLog, delay_s: float, port: int = 0) -> None:
        self.judge, self.log, self.delay_s = judge, log, delay_s
        self.numbers, self.lock, self.open = count(1), threading.Lock(), 0
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A killed client resets its connection, which is no error of the server's."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a kept-open connection waits 40 ms for the body's acknowledgement
    server: Server

    def setup(self) -> None:
        """Counts the connection in."""
        super().setup()
        with self.server.lock:
            self.server.open += 1

    def finish(self) -> None:
        """Counts it out."""
        try:
            super().finish()
        finally:
            with self.server.lock:
                self.server.open -= 1

    def do_GET(self) -> None:
        """`/open`: how many other connections are open."""
        self._send({"open": self.server.open - 1})

    def do_POST(self) -> None:
        """One call."""
        length = int(self.headers["Content-Length"])
        content = self.rfile.read(length)
        if len(content) < length:  # the client is gone: nothing was asked
            self.close_connection = True
            return
        wire = "gemini" if self.path.endswith(":generateContent") else "openai"
        call = (read_gemini if wire == "gemini" else read_openai)(json.loads(content), self.path)
        number = next(self.server.numbers)
        about = {"call": number, "key": sha256(content), "model": call.model, "mode": call.mode}
        self.server.log.write(event="start", finding=call.finding, again=call.again, **about)
        answer = self.server.judge.answer(call)
        time.sleep(self.server.delay_s)
        self.server.log.write(event="end", obeyed=answer.obeyed, place=answer.place, **about)
        self._send((write_gemini if wire == "gemini" else write_openai)(answer.text, number))

    def _send(self, value: Mapping[str, Any]) -> None:
        body = json.dumps(value, ensure_ascii=False).encode()
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # a killed client has hung up
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing: the call log is the log."""


def read_openai(body: Mapping[str, Any], _: str) -> Call:
    """A chat completion's request."""
    parts: list[str | bytes] = []
    for part in body["messages"][-1]["content"]:
        if part["type"] == "text":
            parts.append(part["text"])
        else:
            parts.append(base64.b64decode(part["image_url"]["url"].split(",", 1)[1]))
    return Call(body["model"], body["response_format"]["json_schema"]["name"], parts)


def read_gemini(body: Mapping[str, Any], path: str) -> Call:
    """A generateContent request; the model stands in the path, the mode in the schema asked for."""
    asked = body["generationConfig"]["responseSchema"]["properties"]
    mode = "listwise" if "judgements" in asked else "pairwise" if "better" in asked else "pointwise"
    parts: list[str | bytes] = [
        # the client writes the URL-safe alphabet
        part["text"] if "text" in part else base64.urlsafe_b64decode(part["inlineData"]["data"])
        for part in body["contents"][0]["parts"]
    ]
    return Call(path.rsplit("/", 1)[1].removesuffix(":generateContent"), mode, parts)


def write_openai(text: str, number: int) -> dict[str, Any]:
    """A chat completion's reply."""
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 700, "completion_tokens": 30, "total_tokens": 730}
    return {"id": call_id(number), "choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}


def write_gemini(text: str, number: int) -> dict[str, Any]:
    """A generateContent reply."""
    candidate = {"finishReason": "STOP", "content": {"role": "model", "parts": [{"text": text}]}}
    usage = {"promptTokenCount": 700, "candidatesTokenCount": 30}
    return {"responseId": call_id(number), "candidates": [candidate], "usageMetadata": usage}


def call_id(number: int) -> str:
    """What the reply to call `number` is called in its body."""
    return f"loopback-{number}"


def main() -> int:
    """Serves until standard input ends, which it does with the process that started this one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judging.loopback_judge", description=__doc__)
    parser.add_argument("--truth", type=Path, required=True, help="JSON of loopback_answers.Truth")
    parser.add_argument("--log", type=Path, required=True, help="file that every call is appended to")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="how long an answer takes")
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()
    truth = Truth.from_json(json.loads(args.truth.read_text("utf-8")))
    log = CallLog(args.log)
    with Server(Judge(truth, read_attacks()), log, args.delay_ms / 1000, args.port) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        print(f"http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201 - read by who started it
        sys.stdin.buffer.read()
        server.shutdown()
    log.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
