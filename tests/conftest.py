"""What several folders of tests share: a small phantom set, a run trained on it, a bundle, a gallery."""

import importlib.util
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from assets.phantoms.layout import generate
from runtime.bundle import MANIFEST
from runtime.dataset import read_dataset
from runtime.encoder import open_encoder
from runtime.gallery import Gallery
from runtime.indexing import index_dataset
from runtime.options import DEFAULT_BUNDLE

if TYPE_CHECKING:
    from export.parts import Parts
    from train.minilm import MiniLm

# as the command lines do: pools that spin starve one another on few cores
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

ROOT = Path(__file__).resolve().parents[1]
IMAGES, GALLERY_IMAGES = 40, 24


def run_module(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """`python -m arguments` in the checkout, as a user types it."""
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 synthetic phantoms in the ENTRep layout. Tests must not write into it."""
    folder = tmp_path_factory.mktemp("phantoms") / "set"
    generate(folder, images=IMAGES, seed=7)
    return folder


@pytest.fixture(scope="session")
def tiny_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs of one session keep their frozen image features."""
    return tmp_path_factory.mktemp("features")


@pytest.fixture(scope="session")
def tiny_run(phantoms: Path, tiny_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three folds of two epochs on the phantoms, by the command line."""
    pytest.importorskip("torch")
    run = tmp_path_factory.mktemp("tiny") / "run"
    done = run_module("train", "kger", "--out", run, *tiny_options(phantoms, tiny_cache))
    assert done.returncode == 0, done.stderr
    assert "mean" in done.stdout
    return run


def tiny_options(data: Path, cache: Path, *, folds: int = 3, epochs: int = 2) -> list[object]:
    """The options of a run that takes seconds."""
    settings = {"--data": data, "--cache": cache, "--folds": folds, "--epochs": epochs}
    return [*(part for pair in settings.items() for part in pair), "--image-trunk", "lite0", "--threads", 2]


@pytest.fixture(scope="session")
def tiny_bundle(tiny_run: Path) -> Path:
    """The tiny run as an fp32 bundle, by the command line."""
    bundle = tiny_run.parent / "bundle"
    done = run_module("export", "kger", tiny_run, "--out", bundle)
    assert done.returncode == 0, done.stderr
    assert "fp32: largest difference" in done.stdout
    return bundle


@pytest.fixture(scope="session")
def bundle_folder(request: pytest.FixtureRequest) -> Path:
    """A bundle to run: the shipped one, that of KGER_TEST_BUNDLE, or one trained here where torch is installed."""
    given = os.environ.get("KGER_TEST_BUNDLE")
    for folder in (DEFAULT_BUNDLE, Path(given) if given else None):
        if folder is not None and (folder / MANIFEST).is_file():
            return folder
    if importlib.util.find_spec("torch") is not None:
        return request.getfixturevalue("tiny_bundle")
    reason = f"no bundle at {DEFAULT_BUNDLE.relative_to(ROOT)}, none named by KGER_TEST_BUNDLE, no torch to train one"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def small_gallery(bundle_folder: Path, phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery of the first 24 phantoms by `bundle_folder`. Tests must not write into it."""
    folder = tmp_path_factory.mktemp("small") / "gallery"
    encoder = open_encoder(bundle_folder, threads=2)
    dataset = read_dataset(phantoms)
    dataset = replace(dataset, records=dataset.records[:GALLERY_IMAGES])
    settings = {"fingerprint": encoder.fingerprint, "folds": encoder.folds, "dims": encoder.dims}
    with Gallery.create(folder, **settings, precision=encoder.bundle.manifest.precision) as gallery:
        assert index_dataset(dataset, gallery, encoder).added == GALLERY_IMAGES
    return folder


@pytest.fixture(scope="session")
def minilm() -> "MiniLm":
    """The frozen text trunk with its real weights. Tests must not change it."""
    pytest.importorskip("torch")
    from train.minilm import MiniLm, package_folder

    return MiniLm.load(package_folder())


@pytest.fixture(scope="session")
def tiny_parts(tiny_run: Path) -> "Parts":
    """The tiny run's graphs and references, ready for export. Tests must not change them."""
    from export.compact import compact_parts
    from train.runs import Run

    return compact_parts(Run(tiny_run))
