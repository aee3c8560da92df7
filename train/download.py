"""One file over http(s): resumed where it broke off, bounded in size, time and attempts."""

import html
import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from runtime.errors import FetchError
from runtime.files import write_json

DRIVE_URL = "https://drive.usercontent.google.com/download"

_BLOCK = 1 << 18
_DRIVE_HOSTS = frozenset({"drive.google.com", "docs.google.com", "drive.usercontent.google.com"})
_FILE_ID = re.compile(r"[\w-]{10,}")
_HIDDEN_INPUT = re.compile(r'<input[^>]*\bname="(?P<name>[\w-]+)"[^>]*\bvalue="(?P<value>[^"]*)"')


@dataclass(frozen=True)
class DownloadSettings:
    """`attempts` counts failures in a row without a new byte; `wait_s` doubles after each of them."""

    max_bytes: int
    timeout_s: float = 30.0
    attempts: int = 5
    wait_s: float = 1.0
    drive_url: str = DRIVE_URL


def drive_file_id(url: str) -> str | None:
    """The file id of a Google Drive share link (`/file/d/ID/…`, `open?id=ID`, `uc?id=ID`), None elsewhere.

    Raises FetchError for a Drive link that names no single file.
    """
    parts = urlsplit(url)
    if parts.hostname not in _DRIVE_HOSTS:
        return None
    by_path = re.search(r"/file/(?:u/\d+/)?d/([^/]+)", parts.path)
    found = by_path.group(1) if by_path else parse_qs(parts.query).get("id", [""])[0]
    if not _FILE_ID.fullmatch(found) or "/folders/" in parts.path:
        raise FetchError(f"{url}: names no single Drive file; share one archive and give its link (…/file/d/ID/view)")
    return found


def direct_url(url: str, drive_url: str = DRIVE_URL) -> str:
    """The address of the content: a Drive share link's download address, any other http(s) link itself."""
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise FetchError(f"{url}: expected an http(s) link or a local file")
    file_id = drive_file_id(url)
    if file_id is None:
        return url
    query = {"id": file_id, "export": "download", "confirm": "t"}
    if key := parse_qs(urlsplit(url).query).get("resourcekey"):
        query["resourcekey"] = key[0]
    return f"{drive_url}?{urlencode(query)}"


def download(
    url: str,
    target: Path,
    settings: DownloadSettings,
    *,
    progress: Callable[[int, int | None], object] | None = None,
) -> None:
    """Downloads `url` to `target`; a part of an earlier call beside it is continued.

    The part is trusted only where the server names the same version (ETag or Last-Modified) and
    honours the range; otherwise it starts afresh. `progress` gets bytes so far and in all, if known.
    Raises FetchError with one sentence.
    """
    transfer = _Transfer(url, target, settings, progress or (lambda done, total: None))
    furthest = failures = 0
    while True:
        try:
            transfer.attempt()
        except _BrokenOffError as error:
            have = transfer.size()
            failures = failures + 1 if have <= furthest else 1
            furthest = max(furthest, have)
            if failures >= settings.attempts:
                raise FetchError(
                    f"{url}: {error}; gave up after {failures} attempts with {have:,} bytes. "
                    "Run the same command again to continue"
                ) from error
            time.sleep(settings.wait_s * 2 ** (failures - 1))
        else:
            return


class _BrokenOffError(Exception):
    """A failure after which another attempt makes sense."""


class _Transfer:
    def __init__(
        self, url: str, target: Path, settings: DownloadSettings, progress: Callable[[int, int | None], object]
    ) -> None:
        self.name = url
        self.url = direct_url(url, settings.drive_url)
        self.is_drive = self.url != url
        self.target = target
        self.part = target.with_name(target.name + ".part")
        self.note = target.with_name(target.name + ".part.json")
        self.settings = settings
        self.progress = progress

    def size(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def attempt(self) -> None:
        have, version = self._resumable()
        headers = {"Accept-Encoding": "identity", "User-Agent": "kger-fetch"}
        if have and version:
            headers |= {"Range": f"bytes={have}-", "If-Range": version}
        try:
            request = urllib.request.Request(self.url, headers=headers)  # noqa: S310 - direct_url checked the scheme
            with _opener().open(request, timeout=self.settings.timeout_s) as response:
                if self._is_page(response):
                    self._confirm(response)
                self._receive(response, have if response.status == http.client.PARTIAL_CONTENT else 0)
        except urllib.error.HTTPError as error:
            self._refused(error, have)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, FetchError):
                raise
            reason = getattr(error, "reason", None) or error
            raise _BrokenOffError(f"the connection failed ({reason})") from error

    def _resumable(self) -> tuple[int, str]:
        try:
            note = json.loads(self.note.read_text("utf-8"))
            return (self.size(), str(note["version"])) if note["source"] == self.name else (0, "")
        except (OSError, ValueError, KeyError, TypeError):
            return 0, ""

    def _receive(self, response: Any, start: int) -> None:
        total = self._total(response, start)
        headers = response.headers
        version = headers.get("ETag", "")
        # a weak ETag promises the same meaning, not the same bytes
        version = version if version and not version.startswith("W/") else headers.get("Last-Modified", "")
        write_json(self.note, {"source": self.name, "version": version})
        done = start
        with self.part.open("r+b" if start else "wb") as part:
            part.seek(start)
            part.truncate()
            while block := response.read(_BLOCK):
                done += len(block)
                self._bounded(done)
                self._write(part, block)
                self.progress(done, total)
        if total is not None and done != total:
            raise _BrokenOffError(f"the connection broke off at {done:,} of {total:,} bytes")
        self._finish()

    def _write(self, part: IO[bytes], block: bytes) -> None:
        try:
            part.write(block)
        except OSError as error:  # a full disk is no broken connection
            raise FetchError(f"{self.part}: cannot be written ({error.strerror or error})") from error

    def _total(self, response: Any, start: int) -> int | None:
        length = response.headers.get("Content-Length")
        total = start + int(length) if length and length.isdecimal() else None
        if start:
            told = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
            if told is None or int(told[1]) != start:
                self._discard()
                raise _BrokenOffError("the server sent another range than the one asked for")
            total = int(told[2])
        if total is not None:
            self._bounded(total)
        return total

    def _bounded(self, size: int) -> None:
        if size > self.settings.max_bytes:
            self._discard()
            raise FetchError(
                f"{self.name}: {size:,} bytes or more, over the limit of {self.settings.max_bytes:,}; "
                "raise it with --max-gb"
            )

    def _refused(self, error: urllib.error.HTTPError, have: int) -> None:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            if error.headers.get("Content-Range", "") == f"bytes */{have}":
                return self._finish()
            self._discard()
            raise _BrokenOffError("the server has another version of the file") from error
        if error.code in {408, 425, 429} or error.code >= 500:
            raise _BrokenOffError(f"the server answered {error.code} {error.reason}") from error
        raise FetchError(f"{self.name}: the server answered {error.code} {error.reason}; check the link") from error

    def _is_page(self, response: Any) -> bool:
        return self.is_drive and response.headers.get_content_type() == "text/html"

    def _confirm(self, response: Any) -> None:
        # Drive asks about files that it did not scan: its form's hidden fields are the answer
        page = response.read(1 << 20).decode("utf-8", "replace")
        fields = {m["name"]: html.unescape(m["value"]) for m in _HIDDEN_INPUT.finditer(page)}
        confirmed = f"{self.settings.drive_url}?{urlencode(fields)}"
        if not {"id", "confirm"} <= fields.keys() or confirmed == self.url:
            raise FetchError(
                f"{self.name}: Drive sent a page, not the file; share it with “anyone with the link”, "
                "or download it in a browser and give the local file"
            )
        self.url = confirmed
        raise _BrokenOffError("Drive asks for a confirmation")

    def _finish(self) -> None:
        self.part.replace(self.target)
        self.note.unlink(missing_ok=True)

    def _discard(self) -> None:
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def _opener() -> urllib.request.OpenerDirector:
    # http and https alone: the default opener would follow file: and ftp: too
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener
