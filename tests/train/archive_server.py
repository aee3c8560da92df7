"""A real HTTP server on loopback that can keep ranges, ignore them, and break connections off."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass
class Behaviour:
    """What the server does; `requests` records (path, Range) of each request."""

    content: bytes
    etag: str = '"v1"'
    keeps_ranges: bool = True
    break_after: list[int] = field(default_factory=list)  # bytes of each answer, then the connection closes
    statuses: list[int] = field(default_factory=list)  # answered first, one a request
    wrong_range: bool = False
    says_length: bool = True
    drive_page: str = ""  # sent until the query has a uuid
    requests: list[tuple[str, str | None]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    behaviour: Behaviour

    def do_GET(self) -> None:
        b = self.behaviour
        asked = self.headers.get("Range")
        b.requests.append((self.path, asked))
        if b.statuses:
            self.send_response(b.statuses.pop(0))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif b.drive_page and "uuid" not in parse_qs(urlsplit(self.path).query):
            self._send(200, b.drive_page.encode(), {"Content-Type": "text/html; charset=utf-8"})
        elif urlsplit(self.path).path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
        elif asked and b.keeps_ranges and self.headers.get("If-Range") == b.etag:
            self._range(int(asked.removeprefix("bytes=").removesuffix("-")))
        else:
            self._send(200, b.content, {})

    def _range(self, start: int) -> None:
        total = len(self.behaviour.content)
        if start >= total:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{total}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        told = start + 1 if self.behaviour.wrong_range else start
        self._send(206, self.behaviour.content[start:], {"Content-Range": f"bytes {told}-{total - 1}/{total}"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        b = self.behaviour
        self.send_response(status)
        if b.says_length:
            self.send_header("Content-Length", str(len(body)))
        if b.etag:
            self.send_header("ETag", b.etag)
        for name, value in ({"Content-Type": "application/octet-stream"} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: b.break_after.pop(0)] if b.break_after else body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Keeps the test output quiet."""


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    """Serves on a free loopback port; yields the base URL."""
    handler = type("Handler", (_Handler,), {"behaviour": behaviour})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
