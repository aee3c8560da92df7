"""`python -m tests.demo.screenshot OUT.png [QUERY]`: the README's picture, from the real app and bundle."""

import sys
import tempfile
from pathlib import Path

from .serving import ROOT, SHIPPED, chromium, find_bundle, free_port, open_page, running


def main(out: str, query: str | None = None) -> None:
    """Starts the app on its own gallery, asks `query` (else the first example stands), and saves the whole page."""
    bundle = find_bundle()
    if bundle is None:
        sys.exit(f"no bundle at {SHIPPED}; name another in KGER_TEST_BUNDLE")
    command = ["-m", "demo", "--bundle", str(bundle), "--port", str(free_port())]
    with (
        tempfile.TemporaryDirectory() as scratch,
        running(command, ROOT, Path(scratch) / "log") as address,
        chromium() as browser,
    ):
        page = open_page(browser, address, width=1440, height=900)
        if query:
            page.locator("#text textarea, #text input").fill(query)
            page.get_by_role("button", name="Search", exact=True).click()
            page.locator("#timings .asked", has_text=query).wait_for()
        page.wait_for_function("[...document.images].every(image => image.complete)")
        page.screenshot(path=out, full_page=True, animations="disabled")


if __name__ == "__main__":
    main(*sys.argv[1:])
