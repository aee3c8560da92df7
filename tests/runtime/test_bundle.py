"""A bundle is opened only where every byte is the one that was exported."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runtime.bundle import FILES, IMAGE_MODEL, MANIFEST, SCHEMA_VERSION, TEXT_MODEL, Bundle, Manifest
from runtime.errors import BundleError, BundleNotFoundError
from runtime.files import sha256_file
from runtime.preprocess import Preprocessing

PREPROCESSING = Preprocessing(224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
MANIFEST_OF_TEST = Manifest("kger", "compact", "fp32", 3, 8, 128, PREPROCESSING, licences={"weights": "Apache-2.0"})


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """A bundle whose models are a few bytes: nothing here runs them."""
    sources = {}
    for name in FILES:
        sources[name] = tmp_path / "sources" / name
        sources[name].parent.mkdir(exist_ok=True)
        sources[name].write_bytes(name.encode() * 10)
    return Bundle.write(tmp_path / "bundles" / "a", MANIFEST_OF_TEST, sources)


def edit(folder: Path, **changes: Any) -> dict[str, Any]:
    value = json.loads((folder / MANIFEST).read_text("utf-8")) | changes
    (folder / MANIFEST).write_text(json.dumps(value), "utf-8")
    return value


def refusal(folder: Path, kind: type[Exception] = BundleError) -> str:
    with pytest.raises(kind) as caught:
        Bundle.open(folder)
    message = str(caught.value)
    assert "python -m export kger RUN --out BUNDLE" in message, "the message does not say what mends it"
    return message


def test_what_was_written_is_what_is_read(bundle):
    again = Bundle.open(bundle.folder)
    assert again.manifest == bundle.manifest
    assert again.manifest.fingerprint == bundle.manifest.fingerprint
    for name in FILES:
        assert again.path(name).read_bytes() == name.encode() * 10
        assert again.manifest.files[name].sha256 == sha256_file(again.path(name))
    assert sorted(path.name for path in bundle.folder.iterdir()) == sorted([*FILES, MANIFEST])


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found_in_every_file(bundle, name):
    content = bytearray(bundle.path(name).read_bytes())
    content[-1] ^= 1
    bundle.path(name).write_bytes(content)
    assert name in refusal(bundle.folder)
    assert "SHA-256" in refusal(bundle.folder)


def test_another_size_and_a_missing_file_are_told_apart(bundle):
    bundle.path(IMAGE_MODEL).write_bytes(b"short")
    message = refusal(bundle.folder)
    assert "5 bytes, the manifest says 100" in message
    bundle.path(IMAGE_MODEL).unlink()
    assert f"{IMAGE_MODEL}: missing" in refusal(bundle.folder)
    assert len(bundle.problems()) == 1


def test_no_manifest_is_no_bundle(bundle, tmp_path):
    assert "no bundle here" in refusal(tmp_path / "nowhere", BundleNotFoundError)
    (bundle.folder / MANIFEST).unlink()
    assert "no bundle here" in refusal(bundle.folder, FileNotFoundError)


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION + 1, "1", None])
def test_an_unknown_schema_version_is_refused(bundle, version):
    edit(bundle.folder, schema_version=version)
    assert f"schema version {version!r}, this runtime reads {SCHEMA_VERSION}" in refusal(bundle.folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"a"', "\x00"])
def test_a_manifest_that_is_no_json_object_is_refused(bundle, text):
    (bundle.folder / MANIFEST).write_text(text)
    assert MANIFEST in refusal(bundle.folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"files": []},
        {"files": {}},
        {"files": {"text.onnx": {"sha256": "0"}}},
        {"preprocessing": []},
        {"preprocessing": {"size": "large", "mean": [0, 0, 0], "std": [1, 1, 1]}},
        {"preprocessing": {"size": 224}},
    ],
)
def test_a_manifest_with_nonsense_in_it_is_one_sentence(bundle, changes):
    edit(bundle.folder, **changes)
    assert str(bundle.folder) in refusal(bundle.folder)


@pytest.mark.parametrize("key", ["folds", "files", "preprocessing", "certificate"])
def test_an_incomplete_manifest_is_named_by_its_missing_key(bundle, key):
    value = edit(bundle.folder)
    del value[key]
    (bundle.folder / MANIFEST).write_text(json.dumps(value))
    assert f"incomplete manifest ('{key}')" in refusal(bundle.folder)


@pytest.mark.parametrize("escape", ["../../sources/text.onnx", "absolute", "link"])
def test_a_path_that_leaves_the_folder_of_bundles_is_refused_though_its_hash_is_right(bundle, tmp_path, escape):
    outside = tmp_path / "sources" / TEXT_MODEL
    if escape == "absolute":
        escape = str(outside)
    elif escape == "link":
        (bundle.folder / "link").symlink_to(outside)
    files = edit(bundle.folder)["files"]
    files[TEXT_MODEL]["path"] = escape
    edit(bundle.folder, files=files)
    assert "points outside" in refusal(bundle.folder)


def test_a_neighbours_tower_is_shared_by_its_hash(bundle):
    neighbour = bundle.folder.with_name("b")
    shutil.copytree(bundle.folder, neighbour)
    (neighbour / TEXT_MODEL).unlink()
    files = edit(neighbour)["files"]
    files[TEXT_MODEL]["path"] = f"../a/{TEXT_MODEL}"
    edit(neighbour, files=files)
    shared = Bundle.open(neighbour)
    assert shared.path(TEXT_MODEL) == bundle.path(TEXT_MODEL)
    assert shared.manifest.fingerprint == bundle.manifest.fingerprint, "where a file lies decides no vector"
    bundle.path(TEXT_MODEL).write_bytes(b"x" * bundle.manifest.files[TEXT_MODEL].size_bytes)
    assert "SHA-256" in refusal(neighbour), "the neighbour changed its tower"


def test_the_fingerprint_changes_with_all_that_decides_a_vector_and_with_nothing_else(bundle):
    manifest = bundle.manifest
    entry = manifest.files[TEXT_MODEL]
    decide = [
        replace(manifest, files={**manifest.files, TEXT_MODEL: replace(entry, sha256="0" * 64)}),
        replace(manifest, preprocessing=replace(PREPROCESSING, size=225)),
        replace(manifest, preprocessing=replace(PREPROCESSING, crop="circle")),
        replace(manifest, max_tokens=64),
    ]
    others = [
        replace(manifest, certificate={"fp32": {}}),
        replace(manifest, licences={}),
        replace(manifest, training={"seed": 1}),
    ]
    assert len({m.fingerprint for m in [manifest, *decide]}) == 1 + len(decide)
    assert {m.fingerprint for m in others} == {manifest.fingerprint}
