"""The carim bundle that the tests of this folder run."""

import os
from pathlib import Path

import pytest

from runtime.bundle import MANIFEST
from runtime.carim.cli import BUNDLE


@pytest.fixture(scope="session")
def carim_bundle() -> Path:
    """The shipped bundle, or that of KGER_TEST_CARIM_BUNDLE."""
    folder = Path(os.environ.get("KGER_TEST_CARIM_BUNDLE", BUNDLE))
    if not (folder / MANIFEST).is_file():
        pytest.skip("no carim bundle is shipped")
    return folder
