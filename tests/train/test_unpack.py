"""Archives that attack, lie or are cut off; and those that are sound."""

import bz2
import gzip
import lzma
import tarfile
import zipfile

import pytest

from runtime.errors import FetchError
from train.fetch import fetch
from train.unpack import unpack

from .archives import GOOD, LIMITS, contents, noise, special, tar_of, zip_of


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
