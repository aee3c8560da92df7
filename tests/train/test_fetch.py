"""Fetching: downloads that break and go on, archives that attack, and nothing half at the end."""

import argparse
import bz2
import gzip
import hashlib
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from runtime.errors import FetchError
from train.download import DownloadSettings, direct_url, download, drive_file_id
from train.fetch import add_arguments, fetch, run
from train.unpack import UnpackLimits, unpack

from .archive_server import Behaviour, serving

LIMITS = UnpackLimits(max_bytes=1_000_000, max_files=50)
QUICK = DownloadSettings(max_bytes=10_000_000, timeout_s=5, attempts=3, wait_s=0)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def zip_of(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def tar_of(entries: dict[str, bytes], *special: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in special:
            archive.addfile(info)
    return out.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def noise(count: int) -> bytes:
    return np.random.default_rng(3).bytes(count)


GOOD = {"set/imgs/a.png": b"one", "set/imgs/b.png": b"two" * 1000, "set/t2i.json": b"{}"}


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# --- downloads


def test_a_broken_connection_is_resumed_where_it_broke(tmp_path):
    content = noise(900_000)
    server = Behaviour(content, break_after=[300_000, 200_000])
    with serving(server) as url:
        download(f"{url}/a.zip", tmp_path / "a", QUICK)
    assert (tmp_path / "a").read_bytes() == content
    assert [asked for _, asked in server.requests] == [None, "bytes=300000-", "bytes=500000-"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_second_call_goes_on_with_the_part_of_the_first(tmp_path):
    content = noise(900_000)
    server = Behaviour(content, break_after=[400_000], statuses=[])
    with serving(server) as url:
        with pytest.raises(FetchError, match=r"broke off at 400,000 of 900,000.*Run the same command again"):
            download(f"{url}/a", tmp_path / "a", DownloadSettings(10_000_000, 5, attempts=1, wait_s=0))
        download(f"{url}/a", tmp_path / "a", QUICK)
    assert (tmp_path / "a").read_bytes() == content
    assert server.requests[-1][1] == "bytes=400000-"


def test_a_server_that_ignores_ranges_restarts_cleanly(tmp_path):
    content = noise(500_000)
    server = Behaviour(content, keeps_ranges=False, break_after=[300_000])
    with serving(server) as url:
        download(f"{url}/a", tmp_path / "a", QUICK)
    assert (tmp_path / "a").read_bytes() == content


def test_a_server_that_always_breaks_at_one_place_is_given_up(tmp_path):
    server = Behaviour(noise(500_000), keeps_ranges=False, break_after=[300_000] * 20)
    with serving(server) as url, pytest.raises(FetchError, match="gave up after 3 attempts"):
        download(f"{url}/a", tmp_path / "a", QUICK)
    assert len(server.requests) == 3
    assert not (tmp_path / "a").exists()


def test_another_version_on_the_server_starts_afresh(tmp_path):
    old, new = noise(400_000), noise(500_000)[::-1]
    server = Behaviour(old, break_after=[250_000])
    with serving(server) as url:
        with pytest.raises(FetchError):
            download(f"{url}/a", tmp_path / "a", DownloadSettings(10_000_000, 5, attempts=1, wait_s=0))
        server.content, server.etag = new, '"v2"'
        download(f"{url}/a", tmp_path / "a", QUICK)
    assert (tmp_path / "a").read_bytes() == new


def test_without_a_version_nothing_is_continued(tmp_path):
    content = noise(500_000)
    server = Behaviour(content, etag="", break_after=[250_000])
    with serving(server) as url:
        download(f"{url}/a", tmp_path / "a", QUICK)
    assert (tmp_path / "a").read_bytes() == content
    assert [asked for _, asked in server.requests] == [None, None]


def test_a_range_that_was_not_asked_for_is_not_joined(tmp_path):
    content = noise(500_000)
    server = Behaviour(content, break_after=[250_000], wrong_range=True)
    with serving(server) as url:
        download(f"{url}/a", tmp_path / "a", QUICK)
    assert (tmp_path / "a").read_bytes() == content


def test_a_part_that_is_whole_already_is_taken(tmp_path):
    content = noise(1000)
    (tmp_path / "a.part").write_bytes(content)
    with serving(Behaviour(content)) as url:
        (tmp_path / "a.part.json").write_text(f'{{"source": "{url}/a", "version": "\\"v1\\""}}')
        download(f"{url}/a", tmp_path / "a", QUICK)
    assert (tmp_path / "a").read_bytes() == content


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(tmp_path):
    busy = Behaviour(b"content", statuses=[503, 429])
    with serving(busy) as url:
        download(f"{url}/a", tmp_path / "a", QUICK)
    assert len(busy.requests) == 3
    missing = Behaviour(b"content", statuses=[404] * 9)
    with serving(missing) as url, pytest.raises(FetchError, match="404"):
        download(f"{url}/b", tmp_path / "b", QUICK)
    assert len(missing.requests) == 1


@pytest.mark.parametrize("says_length", [True, False])
def test_more_than_the_limit_is_refused_and_removed(tmp_path, says_length):
    server = Behaviour(noise(2_000_000), says_length=says_length)
    with serving(server) as url, pytest.raises(FetchError, match="over the limit of 1,000,000"):
        download(f"{url}/a", tmp_path / "a", DownloadSettings(1_000_000, 5, attempts=1, wait_s=0))
    assert list(tmp_path.iterdir()) == []


def test_a_refused_connection_is_a_sentence(tmp_path):
    with serving(Behaviour(b"")) as url:
        pass
    with pytest.raises(FetchError, match="connection failed"):
        download(f"{url}/a", tmp_path / "a", DownloadSettings(1000, 5, attempts=2, wait_s=0))


def test_a_redirect_to_a_local_file_is_not_followed(tmp_path):
    with serving(Behaviour(b"")) as url, pytest.raises(FetchError):
        download(f"{url}/redirect", tmp_path / "a", QUICK)
    assert not (tmp_path / "a").exists()


# --- Google Drive


@pytest.mark.parametrize(
    "link",
    [
        "https://drive.google.com/file/d/1AbC_d-EfGhIjKlMn/view?usp=sharing",
        "https://drive.google.com/file/u/0/d/1AbC_d-EfGhIjKlMn/edit",
        "https://drive.google.com/open?id=1AbC_d-EfGhIjKlMn",
        "https://drive.google.com/uc?export=download&id=1AbC_d-EfGhIjKlMn",
        "https://drive.usercontent.google.com/download?id=1AbC_d-EfGhIjKlMn&confirm=t",
    ],
)
def test_every_form_of_a_drive_link_gives_the_download_address(link):
    assert drive_file_id(link) == "1AbC_d-EfGhIjKlMn"
    assert direct_url(link) == (
        "https://drive.usercontent.google.com/download?id=1AbC_d-EfGhIjKlMn&export=download&confirm=t"
    )


def test_the_resource_key_of_an_old_drive_link_is_kept():
    link = "https://drive.google.com/file/d/1AbC_d-EfGhIjKlMn/view?resourcekey=0-xyz"
    assert direct_url(link).endswith("&resourcekey=0-xyz")


@pytest.mark.parametrize(
    "link", ["https://drive.google.com/drive/folders/1AbC_d-EfGhIjKlMn", "https://drive.google.com/open"]
)
def test_a_drive_link_without_a_file_is_refused(link):
    with pytest.raises(FetchError, match="no single Drive file"):
        direct_url(link)


def test_other_links_are_left_alone_and_other_schemes_refused():
    assert drive_file_id("https://example.org/file/d/1AbC_d-EfGhIjKlMn/view") is None
    assert direct_url("https://example.org/x.zip?id=1") == "https://example.org/x.zip?id=1"
    for link in ("ftp://example.org/x.zip", "file:///x.zip", "https:///x.zip"):
        with pytest.raises(FetchError, match="expected an http"):
            direct_url(link)


CONFIRM_PAGE = """<form id="download-form" action="https://drive.usercontent.google.com/download" method="get">
<input type="submit" value="Download anyway"/><input type="hidden" name="id" value="1AbC_d-EfGhIjKlMn">
<input type="hidden" name="export" value="download"><input type="hidden" name="confirm" value="t">
<input type="hidden" name="uuid" value="a&amp;b"></form>"""


def test_the_drive_confirmation_page_is_answered(tmp_path):
    server = Behaviour(zip_of(GOOD), drive_page=CONFIRM_PAGE)
    with serving(server) as url:
        settings = DownloadSettings(10_000_000, 5, attempts=3, wait_s=0, drive_url=f"{url}/download")
        fetched = fetch("https://drive.google.com/open?id=1AbC_d-EfGhIjKlMn", tmp_path / "out", settings=settings)
    assert fetched.files == 3
    assert [path for path, _ in server.requests] == [
        "/download?id=1AbC_d-EfGhIjKlMn&export=download&confirm=t",
        "/download?id=1AbC_d-EfGhIjKlMn&export=download&confirm=t&uuid=a%26b",
    ]


def test_a_drive_page_that_is_no_confirmation_is_a_sentence(tmp_path):
    with serving(Behaviour(b"", drive_page="<html>Sign in</html>")) as url:
        settings = DownloadSettings(10_000_000, 5, attempts=3, wait_s=0, drive_url=f"{url}/download")
        with pytest.raises(FetchError, match="Drive sent a page"):
            fetch("https://drive.google.com/open?id=1AbC_d-EfGhIjKlMn", tmp_path / "out", settings=settings)


# --- archives


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_every_tar_unpacks_to_what_was_packed(tmp_path, pack):
    (tmp_path / "x").write_bytes(pack(tar_of(GOOD, special("set/empty", tarfile.DIRTYPE))))
    assert unpack(tmp_path / "x", tmp_path / "out", LIMITS).files == 3
    assert contents(tmp_path / "out") == GOOD
    assert (tmp_path / "out/set/empty").is_dir()


def test_a_zip_unpacks_to_what_was_packed_with_vietnamese_names(tmp_path):
    entries = GOOD | {"set/ảnh/tai phải.png": b"three", "set/": b""}
    (tmp_path / "x").write_bytes(zip_of(entries))
    done = unpack(tmp_path / "x", tmp_path / "out", LIMITS)
    assert (done.files, done.size_bytes) == (4, 3 + 3000 + 2 + 5)
    assert contents(tmp_path / "out") == {name: c for name, c in entries.items() if not name.endswith("/")}


HOSTILE_NAMES = ["../evil", "a/../../evil", "/evil", "C:/evil", "..\\evil", "a\x07b"]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path, name, make):
    archive = tmp_path / "in" / "x"
    archive.parent.mkdir()
    archive.write_bytes(make({"fine": b"1", name: b"2"}))
    with pytest.raises(FetchError, match=r"outside the folder|no usable file name"):
        fetch(str(archive), tmp_path / "deep" / "out")
    assert contents(tmp_path) == {"in/x": archive.read_bytes()}


@pytest.mark.parametrize(
    "entry",
    [
        special("link", tarfile.SYMTYPE, "/etc/passwd"),
        special("hard", tarfile.LNKTYPE, "a"),
        special("pipe", tarfile.FIFOTYPE),
        special("disk", tarfile.BLKTYPE),
        special("tty", tarfile.CHRTYPE),
    ],
)
def test_links_and_devices_of_a_tar_are_refused(tmp_path, entry):
    (tmp_path / "x").write_bytes(tar_of({"a": b"1"}, entry))
    with pytest.raises(FetchError, match="a link or device"):
        unpack(tmp_path / "x", tmp_path / "out", LIMITS)


def test_a_symbolic_link_of_a_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc")
    with pytest.raises(FetchError, match="a link or device"):
        unpack(tmp_path / "x", tmp_path / "out", LIMITS)


@pytest.mark.parametrize("make", [zip_of, lambda entries: gzip.compress(tar_of(entries))])
def test_a_bomb_is_stopped_while_it_unpacks(tmp_path, make):
    (tmp_path / "x").write_bytes(make({"zeros": bytes(50_000_000)}))
    assert (tmp_path / "x").stat().st_size < 100_000
    with pytest.raises(FetchError, match="more than 1,000,000 bytes"):
        unpack(tmp_path / "x", tmp_path / "out", LIMITS)
    assert (tmp_path / "out" / "zeros").stat().st_size <= 1_000_000


def test_a_zip_that_lies_about_its_size_is_stopped_too(tmp_path):
    content = bytearray(zip_of({"zeros": bytes(5_000_000)}))
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(FetchError):
        unpack(tmp_path / "x", tmp_path / "out", LIMITS)
    assert sum(len(c) for c in contents(tmp_path / "out").values()) <= 1_000_000


@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_too_many_files_are_refused(tmp_path, make):
    (tmp_path / "x").write_bytes(make({f"{i}": b"" for i in range(51)}))
    with pytest.raises(FetchError, match="over 50 entries"):
        unpack(tmp_path / "x", tmp_path / "out", LIMITS)


def test_a_tar_header_of_impossible_size_is_not_read_into_memory(tmp_path):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 10**9
    (tmp_path / "x").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    with pytest.raises(FetchError, match="impossible size"):
        unpack(tmp_path / "x", tmp_path / "out", LIMITS)


def test_an_encrypted_zip_is_a_sentence(tmp_path):
    content = bytearray(zip_of({"a": b"1"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(FetchError, match="encrypted"):
        unpack(tmp_path / "x", tmp_path / "out", LIMITS)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_tar_that_is_cut_off_is_never_taken_for_whole(tmp_path, pack, share):
    content = pack(tar_of({f"{i}": noise(3000) for i in range(20)}).rstrip(b"\0"))
    (tmp_path / "x").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(FetchError):
        unpack(tmp_path / "x", tmp_path / "out", LIMITS)


def test_a_tar_with_a_damaged_header_is_never_taken_for_whole(tmp_path):
    content = bytearray(tar_of({"a": b"1" * 512, "b": b"2" * 512}))
    content[1024:1030] = b"damage"
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(FetchError, match="damaged or cut off after 1 files"):
        unpack(tmp_path / "x", tmp_path / "out", LIMITS)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 not really", b"\x1f\x8b nor this", noise(5000), b"<html></html>", bytes(10240)]
)
def test_what_is_no_archive_is_a_sentence(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(FetchError, match="x: "):
        unpack(tmp_path / "x", tmp_path / "out", LIMITS)


def test_a_damaged_zip_entry_is_a_sentence(tmp_path):
    content = bytearray(zip_of({"a": noise(3000)}))
    content[500] ^= 0xFF
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(FetchError, match="damaged"):
        unpack(tmp_path / "x", tmp_path / "out", LIMITS)


# --- the whole


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
