"""The Space folder runs by itself: nothing of the checkout is needed."""

import re
import subprocess
import sys
import urllib.request
import venv
from importlib import metadata
from pathlib import Path

import pytest

pytest.importorskip("gradio")

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from demo.ent_panel import TITLE as ENT_TITLE
from demo.nodule_panel import TITLE as NODULE_TITLE
from demo.space import BUNDLES, PANELS, assemble
from runtime.bundle import FILES, IMAGE_MODEL, MANIFEST, Bundle

from .serving import ROOT, SHIPPED, free_port, open_page, running


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


def test_the_siblings_bundles_travel_along_and_share_the_tower(space: Path, bundle: Path) -> None:
    there = {name for name in PANELS if (ROOT / BUNDLES / name / MANIFEST).is_file()}
    if bundle != SHIPPED:
        there.discard("ent")  # it moves the shipped tower's vectors
    carried = {name: Bundle.open(space / BUNDLES / name) for name in there}
    assert {path.name for path in (space / BUNDLES).iterdir()} == there | {"kger"}
    readme = (space / "README.md").read_text("utf-8")
    for name, opened in carried.items():
        assert opened.manifest.fingerprint == Bundle.open(ROOT / BUNDLES / name).manifest.fingerprint
        assert PANELS[name] in readme
    if "ent" in carried:
        assert not (space / BUNDLES / "ent" / "image.onnx").exists()
    if "nodule" in carried:
        assert (space / BUNDLES / "nodule" / "LICENSE.txt").is_file()
        assert list((space / "assets" / "nodule" / "phantoms").rglob("*.dcm"))


def test_a_bundle_of_another_image_tower_leaves_the_field_out_and_carries_what_does_not_need_it(
    bundle: Path, tmp_path: Path
) -> None:
    own, out = Bundle.open(bundle), tmp_path / "out"
    (tmp_path / "other.onnx").write_bytes(own.path(IMAGE_MODEL).read_bytes() + b"\x00")
    sources = {name: own.path(name) for name in FILES} | {IMAGE_MODEL: tmp_path / "other.onnx"}
    Bundle.write(tmp_path / "other", own.manifest, sources)
    assemble(out, tmp_path / "other")
    carried = {name for name in ("nodule", "carim") if (ROOT / BUNDLES / name / MANIFEST).is_file()}
    assert {path.name for path in (out / BUNDLES).iterdir()} == {"kger", *carried}
    assert PANELS["ent"] not in (out / "README.md").read_text("utf-8")


def test_the_folder_alone_answers(space: Path, tmp_path: Path) -> None:
    port = str(free_port())
    with running(
        ["app.py", "--cache", str(tmp_path / "cache")], space, tmp_path / "log", GRADIO_SERVER_PORT=port
    ) as address:
        assert address.startswith(f"http://127.0.0.1:{port}")
        with urllib.request.urlopen(address, timeout=30) as page:  # noqa: S310 - our own loopback address
            told = page.read().decode("utf-8")
    assert "KGER" in told
    for name, title in (("ent", ENT_TITLE), ("nodule", NODULE_TITLE)):
        assert (title in told) == (space / BUNDLES / name).is_dir()


def needed(requirements: Path) -> dict[str, metadata.Distribution]:
    """The pinned packages and all that they require, as this environment has them; an unequal version fails."""
    lines = [line for line in requirements.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    open_, found = [Requirement(line) for line in lines], dict[str, metadata.Distribution]()
    seen: set[tuple[str, str]] = set()
    while open_:
        asked = open_.pop()
        held = metadata.distribution(asked.name)
        assert asked.specifier.contains(held.version, prereleases=True), f"{asked}, but {held.version} is installed"
        found[canonicalize_name(asked.name)] = held
        for extra in {"", *asked.extras} - {e for name, e in seen if name == asked.name}:
            seen.add((asked.name, extra))
            some = (Requirement(line) for line in held.requires or ())
            open_ += [r for r in some if r.marker is None or r.marker.evaluate({"extra": extra})]
    return found


def link(distribution: metadata.Distribution, target: Path) -> None:
    """Every file of an installed package as a link in another environment's site-packages."""
    for file in distribution.files or ():
        if file.parts[0] != ".." and "__pycache__" not in file.parts:
            place = target / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(distribution.locate_file(file))


@pytest.mark.slow
@pytest.mark.browser
def test_an_environment_of_the_pins_alone_draws_phantoms_and_shows_the_answer(
    space: Path, tmp_path: Path, browser: object
) -> None:
    # linked, not downloaded: that pip can install the pins is shown by the environment that runs this test
    venv.create(tmp_path / "venv")
    packages = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    closure = needed(space / "requirements.txt")
    assert not {"pytest", "playwright", "torch"} & closure.keys()
    for distribution in closure.values():
        link(distribution, packages)
    python, data = str(tmp_path / "venv" / "bin" / "python"), str(tmp_path / "data")
    draw = [python, "-m", "assets.phantoms", data, "--images", "14"]
    done = subprocess.run(draw, cwd=space, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    command = ["app.py", "--data", data, "--cache", str(tmp_path / "cache")]
    port = str(free_port())
    with running(command, space, tmp_path / "log", python=python, GRADIO_SERVER_PORT=port) as address:
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
