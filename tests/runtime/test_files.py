"""Files appear whole or not at all."""

import json
from pathlib import Path

import pytest

from runtime.files import atomic_path, sha256_file, write_bytes, write_json, write_text


def test_the_hash_is_that_of_the_content(tmp_path: Path):
    (tmp_path / "abc").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert sha256_file(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path):
    target = tmp_path / "settings.json"
    write_text(target, "old")

    def interrupted() -> None:
        with atomic_path(target) as part:
            part.write_text("half")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        interrupted()
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]


def test_the_old_file_stands_until_the_block_ends(tmp_path: Path):
    target = tmp_path / "a"
    write_bytes(target, b"old")
    with atomic_path(target) as part:
        part.write_bytes(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_missing_folders_are_made_and_others_may_read(tmp_path: Path):
    target = tmp_path / "deep" / "er" / "file"
    write_bytes(target, b"x")
    assert target.stat().st_mode & 0o777 == 0o644


def test_json_keeps_vietnamese_readable_and_ends_with_a_newline(tmp_path: Path):
    write_json(tmp_path / "a.json", {"câu": ["màng nhĩ"]})
    text = (tmp_path / "a.json").read_text("utf-8")
    assert "màng nhĩ" in text
    assert text.endswith("}\n")
    assert json.loads(text) == {"câu": ["màng nhĩ"]}
