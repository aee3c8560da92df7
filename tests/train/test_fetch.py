"""Fetching as a whole: a link becomes a folder, and nothing half is left."""

import argparse
import hashlib

import pytest

from runtime.errors import FetchError
from train.fetch import add_arguments, fetch, run

from .archive_server import Behaviour, serving
from .archives import GOOD, QUICK, contents, zip_of


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_a_link_becomes_a_folder_and_nothing_else_is_left(tmp_path):
    content = zip_of(GOOD)
    with serving(Behaviour(content, break_after=[200])) as url:
        fetched = fetch(f"{url}/set.zip", tmp_path / "out", settings=QUICK)
    assert contents(tmp_path / "out") == GOOD
    assert fetched.sha256 == hashlib.sha256(content).hexdigest()
    assert fetched.data == tmp_path / "out" / "set"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_wrong_checksum_leaves_nothing(tmp_path):
    with serving(Behaviour(zip_of(GOOD))) as url, pytest.raises(FetchError, match="its SHA-256 is"):
        fetch(f"{url}/set.zip", tmp_path / "out", sha256="0" * 64, settings=QUICK)
    assert list(tmp_path.iterdir()) == []


def test_a_refused_archive_leaves_no_folder(tmp_path):
    with serving(Behaviour(zip_of({"../evil": b"1"}))) as url, pytest.raises(FetchError):
        fetch(f"{url}/set.zip", tmp_path / "sub" / "out", settings=QUICK)
    assert not (tmp_path / "sub" / "out").exists()
    assert not (tmp_path / "sub" / "evil").exists()


def test_what_a_killed_call_left_is_taken_over(tmp_path):
    # the state of a kill while unpacking: archive whole, staging half
    content = zip_of(GOOD)
    server = Behaviour(b"the server is not asked again")
    with serving(server) as url:
        keep = tmp_path / ".out.fetch"
        keep.mkdir()
        (keep / "archive").write_bytes(content)
        (keep / "source.txt").write_text(f"{url}/set.zip")
        (tmp_path / ".out.unpack").mkdir()
        (tmp_path / ".out.unpack" / "half").write_bytes(b"half")
        fetch(f"{url}/set.zip", tmp_path / "out", settings=QUICK)
    assert contents(tmp_path / "out") == GOOD
    assert server.requests == []


def test_an_existing_folder_is_never_written_into(tmp_path):
    (tmp_path / "set.zip").write_bytes(zip_of(GOOD))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("kept")
    with pytest.raises(FetchError, match="exists already"):
        fetch(str(tmp_path / "set.zip"), tmp_path / "out")
    assert contents(tmp_path / "out") == {"mine": b"kept"}


def test_an_empty_folder_and_a_flat_archive_are_fine(tmp_path):
    (tmp_path / "set.zip").write_bytes(zip_of({"imgs/a.png": b"1"}))
    (tmp_path / "out").mkdir()
    assert fetch(str(tmp_path / "set.zip"), tmp_path / "out").data == tmp_path / "out"


def test_the_command_prints_the_checksum_and_the_next_step(tmp_path, capsys):
    (tmp_path / "set.zip").write_bytes(zip_of(GOOD))
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert run(parser.parse_args([str(tmp_path / "set.zip"), "--out", str(tmp_path / "out")])) == 0
    said = capsys.readouterr().out
    assert hashlib.sha256((tmp_path / "set.zip").read_bytes()).hexdigest() in said
    assert f"python -m train prepare --data {tmp_path / 'out' / 'set'}" in said


@pytest.mark.parametrize("extra", [["--sha256", "abc"], ["--max-gb", "0"], ["--max-gb", "nan"]])
def test_options_that_mean_nothing_are_refused(tmp_path, extra):
    (tmp_path / "set.zip").write_bytes(zip_of(GOOD))
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with pytest.raises(FetchError, match=extra[0]):
        run(parser.parse_args([str(tmp_path / "set.zip"), "--out", str(tmp_path / "out"), *extra]))


def test_a_missing_local_file_is_a_sentence(tmp_path):
    with pytest.raises(FetchError, match="no such file"):
        fetch(str(tmp_path / "none.zip"), tmp_path / "out")


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "set.zip").write_bytes(zip_of(GOOD))
    with pytest.raises(FetchError, match="cannot be made"):
        fetch(str(tmp_path / "set.zip"), tmp_path / "set.zip" / "out")
