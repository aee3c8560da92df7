"""The real app in a process of its own, and a real Chromium: what the page's tests and the screenshot share."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "assets" / "bundles" / "kger"
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SECRETS = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "PYTHONPATH")


def find_bundle() -> Path | None:
    """The shipped bundle, else the one that KGER_TEST_BUNDLE names."""
    for folder in (SHIPPED, Path(os.environ.get("KGER_TEST_BUNDLE") or "/nonexistent")):
        if (folder / "manifest.json").is_file():
            return folder
    return None


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: list[str], folder: Path, log: Path, *, python: str = sys.executable, **environment: str
) -> Iterator[str]:
    """Runs the app's `command` in `folder` without any key; gives its address once it answers."""
    kept = {name: value for name, value in os.environ.items() if name not in SECRETS}
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [python, *command],
            cwd=folder,
            env=kept | environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else ""  # written when the server listens
            if not line.startswith("KGER on http"):
                raise RuntimeError(f"the app did not start: {line}{log.read_text('utf-8', 'replace')[-2000:]}")
            yield line.split()[2]
        finally:
            process.terminate()
            process.communicate(timeout=30)


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Debian's Chromium, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


def open_page(
    browser: "Browser", address: str, *, width: int = 1280, height: int = 800, scheme: str = "light"
) -> "Page":
    """The page with its first answer drawn; `outside` on it lists requests that left the loopback address."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(address)
    page.wait_for_selector("#stage-3 .card img", timeout=180_000)
    return page
