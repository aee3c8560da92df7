"""Archives from strangers: only plain files and folders come out, inside the folder, within limits."""

import bz2
import gzip
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from runtime.errors import FetchError

_BLOCK = 1 << 20
_NO_NAME = re.compile("[\x00-\x1f\x7f\ud800-\udfff]|^$")
_LARGEST_HEADER = 1 << 24  # bytes that one tar header may ask for: a name is never 16 MiB


@dataclass(frozen=True)
class UnpackLimits:
    """Bytes are counted as they are written: what an archive says of itself is not believed."""

    max_bytes: int
    max_files: int = 200_000


@dataclass(frozen=True)
class Unpacked:
    """What came out."""

    files: int
    size_bytes: int


def unpack(archive: Path, folder: Path, limits: UnpackLimits) -> Unpacked:
    """Unpacks a zip or tar (plain, gz, bz2, xz) into `folder`, which must not hold anything yet.

    Raises FetchError for a name that leaves the folder, a link or device, an encrypted or damaged
    archive, or one over the limits; `folder` then holds what came before and is the caller's to remove.
    """
    writer = _Writer(archive, folder, limits)
    try:
        with archive.open("rb") as stream:
            magic = stream.read(6)
        if magic.startswith(b"PK"):  # not is_zipfile(): a tar that ends with a zip would pass it
            _unzip(archive, writer)
        else:
            _untar(archive, magic, writer)
    except FetchError:
        raise
    except tarfile.ReadError as error:
        raise FetchError(f"{archive.name}: not a zip or tar archive, or a damaged one ({error})") from error
    except (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError) as error:
        raise FetchError(f"{archive.name}: damaged ({error}); download it again") from error
    except (NotImplementedError, RuntimeError, ValueError) as error:
        raise FetchError(f"{archive.name}: cannot be unpacked ({error})") from error
    except OSError as error:
        raise FetchError(f"{archive.name}: cannot be unpacked ({error.strerror or error})") from error
    if not writer.files:
        raise FetchError(f"{archive.name}: holds no file")
    return Unpacked(writer.files, writer.size_bytes)


class _Writer:
    def __init__(self, archive: Path, folder: Path, limits: UnpackLimits) -> None:
        self.archive = archive.name
        self.folder = folder
        self.limits = limits
        self.entries = self.files = self.size_bytes = 0

    def place(self, name: str) -> Path:
        """Where an entry goes; FetchError where its name leaves the folder, or there are too many."""
        self.entries += 1
        if self.entries > self.limits.max_files:
            raise FetchError(f"{self.archive}: over {self.limits.max_files:,} entries; nothing was unpacked")
        if _NO_NAME.search(name):
            self.refuse(name, "no usable file name")
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name):
            self.refuse(name, "outside the folder")
        return self.folder / path

    def directory(self, name: str) -> None:
        self.place(name).mkdir(parents=True, exist_ok=True)

    def file(self, name: str, content: IO[bytes]) -> None:
        path = self.place(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as out:
            while block := content.read(_BLOCK):
                self.size_bytes += len(block)
                if self.size_bytes > self.limits.max_bytes:
                    raise FetchError(
                        f"{self.archive}: unpacks to more than {self.limits.max_bytes:,} bytes; "
                        "nothing was unpacked; raise the limit with --max-gb"
                    )
                out.write(block)
        self.files += 1

    def refuse(self, name: str, kind: str) -> None:
        raise FetchError(f"{self.archive}: the entry {name!r} is {kind}; nothing was unpacked")


def _unzip(archive: Path, writer: _Writer) -> None:
    with zipfile.ZipFile(archive) as source:
        for entry in source.infolist():
            if entry.flag_bits & 1:
                raise FetchError(
                    f"{archive.name}: encrypted; unpack it with its password and give the folder's archive"
                )
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if entry.is_dir():
                writer.directory(entry.filename)
            elif kind not in {0, stat.S_IFREG}:
                writer.refuse(entry.filename, "a link or device")
            else:
                with source.open(entry) as content:
                    writer.file(entry.filename, content)


def _untar(archive: Path, magic: bytes, writer: _Writer) -> None:
    opener = next((opener for prefix, opener in _COMPRESSIONS.items() if magic.startswith(prefix)), Path.open)
    with opener(archive, "rb") as stream, tarfile.open(fileobj=_Guarded(stream), mode="r:") as source:
        while (entry := source.next()) is not None:
            source.members.clear()  # the list would grow with every entry of a bomb
            if entry.isdir():
                writer.directory(entry.name)
            elif not entry.isreg():
                writer.refuse(entry.name, "a link or device")
            elif (content := source.extractfile(entry)) is not None:
                with content:
                    writer.file(entry.name, content)
        # tarfile takes a damaged header for the end; the true end is a block of zeros
        stream.seek(source.offset)
        if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise FetchError(f"{archive.name}: damaged or cut off after {writer.files} files; download it again")


_COMPRESSIONS: dict[bytes, Callable[[Path, str], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}


class _Guarded:
    """A stream that refuses huge single reads: tarfile reads a long name or header at one go, into memory."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.seek = stream.seek
        self.tell = stream.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LARGEST_HEADER:
            raise tarfile.ReadError("a header of impossible size")
        return self._stream.read(size)
