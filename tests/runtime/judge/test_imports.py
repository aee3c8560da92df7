import subprocess
import sys
from pathlib import Path

import pytest

_IMPORT = "import sys, {module}; print(*(n for n in {heavy} if n in sys.modules))"


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("runtime.judge", ("google.genai", "pydantic")),
        ("runtime.fusion", ("google.genai", "pydantic")),
        ("runtime.judge.gemini", ("google.genai", "httpx2")),
        ("runtime.judge.replay", ("google.genai", "httpx2", "httpx")),
        ("runtime.judge.openai", ("google.genai", "httpx2")),
        ("runtime.cli", ("google.genai", "httpx", "pydantic", "dotenv", "tenacity")),
        ("runtime.batch", ("google.genai", "httpx", "pydantic", "dotenv", "tenacity")),
    ],
)
def test_the_service_client_is_imported_only_by_a_judge_that_is_made(module, heavy):
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT.format(module=module, heavy=heavy)],
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
