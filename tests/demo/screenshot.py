"""`python -m tests.demo.screenshot OUT.png [BUNDLE] [WIDTH]`: the README's picture, from the real app."""

import sys
import tempfile
from pathlib import Path

from .serving import ROOT, chromium, find_bundle, free_port, open_page, running


def main(out: str, bundle: str | None = None, width: str = "1440") -> None:
    """Starts the app on its own gallery, waits for the first answer, and saves the whole page."""
    folder = Path(bundle) if bundle else find_bundle()
    if folder is None:
        sys.exit("no bundle: give one, as in `python -m tests.demo.screenshot OUT.png BUNDLE`")
    command = ["-m", "demo", "--bundle", str(folder), "--port", str(free_port())]
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log"
        with running(command, ROOT, log) as address, chromium() as browser:
            page = open_page(browser, address, width=int(width), height=900)
            page.evaluate("document.fonts.ready")
            page.wait_for_function("[...document.images].every(image => image.complete)")
            page.screenshot(path=out, full_page=True, animations="disabled")


if __name__ == "__main__":
    main(*sys.argv[1:])
