"""The Space folder runs by itself: nothing of the checkout is needed."""

import re
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path

import pytest

from .serving import ROOT, free_port, open_page, running


def demo(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "demo", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def space(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("space") / "kger"
    done = demo("--bundle", str(bundle), "space", str(out))
    assert done.returncode == 0, done.stderr
    return out


def test_the_front_matter_names_what_a_space_needs_and_the_pinned_gradio(space: Path) -> None:
    _, front, _ = (space / "README.md").read_text("utf-8").split("---\n", 2)
    keys = dict(line.split(": ", 1) for line in front.splitlines())
    assert keys.keys() == {
        "title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file", "pinned",
        "license", "suggested_hardware",
    }  # fmt: skip
    assert f"gradio=={keys['sdk_version']}" in (space / "requirements.txt").read_text("utf-8").splitlines()
    assert (space / keys["app_file"]).is_file()


def test_only_what_the_app_needs_is_in_it(space: Path) -> None:
    assert {path.name for path in space.iterdir()} == {
        ".gitattributes", "README.md", "app.py", "assets", "demo", "requirements.txt", "runtime",
    }  # fmt: skip
    assert not [path for path in space.rglob("*") if path.suffix in {".pyc", ".pyi"}]
    text = "".join(path.read_text("utf-8") for path in space.rglob("*.py"))
    assert not re.search(r"^\s*(?:from|import) (?:torch|onnx|train|export)\b", text, re.MULTILINE)


def test_the_folder_alone_answers(space: Path, tmp_path: Path) -> None:
    port = str(free_port())
    with running(
        ["app.py", "--cache", str(tmp_path / "cache")], space, tmp_path / "log", GRADIO_SERVER_PORT=port
    ) as address:
        assert address.startswith(f"http://127.0.0.1:{port}")
        with urllib.request.urlopen(address, timeout=30) as page:  # noqa: S310 - our own loopback address
            assert b"KGER" in page.read()


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(1200)
def test_a_clean_environment_made_of_the_folder_shows_the_first_start_and_the_answer(
    space: Path, tmp_path: Path, browser: object
) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", space / "requirements.txt"], check=True, timeout=900)
    command = ["app.py", "--cache", str(tmp_path / "cache")]
    port = str(free_port())
    with running(command, space, tmp_path / "log", python=str(python), GRADIO_SERVER_PORT=port) as address:
        page = open_page(browser, address)
        assert page.locator("#stage-3 .card img").count() == 5
        page.close()
    assert "Traceback" not in (tmp_path / "log").read_text("utf-8")


def test_a_folder_that_is_not_empty_and_a_bundle_that_is_not_there_are_sentences(tmp_path: Path, bundle: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    full = demo("--bundle", str(bundle), "space", str(tmp_path))
    none = demo("--bundle", str(tmp_path / "nowhere"), "space", str(tmp_path / "new"))
    start = demo("--bundle", str(tmp_path / "nowhere"))
    assert (tmp_path / "mine.txt").read_text() == "keep me"
    for done, sentence in ((full, "not an empty folder"), (none, "no bundle here"), (start, "no bundle here")):
        assert done.returncode == 2
        assert done.stderr.startswith("error: ")
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
