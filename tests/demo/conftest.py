import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .serving import CHROMIUM, find_bundle


@pytest.fixture(scope="session")
def bundle() -> Path:
    found = find_bundle()
    if found is None:
        pytest.skip("no bundle: assets/bundles/kger is not there and KGER_TEST_BUNDLE names none")
    return found


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from assets.phantoms import generate

    folder = tmp_path_factory.mktemp("phantoms") / "set"
    generate(folder, images=42, seed=7)
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    if not Path(CHROMIUM).exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"no {CHROMIUM}: in CI the page must be tested; apt-get install chromium fonts-dejavu-core")
        pytest.skip(f"no {CHROMIUM}")
    from .serving import chromium

    with chromium() as started:
        yield started
