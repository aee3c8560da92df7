"""Published step 3: a user's own test archive, from a link or a local file, into a folder."""

import argparse
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tqdm import tqdm

from runtime.errors import FetchError
from runtime.files import sha256_file

from .download import DownloadSettings, download
from .unpack import UnpackLimits, unpack

IMAGE_FOLDERS = frozenset({"img", "imgs", "images"})


@dataclass(frozen=True)
class Fetched:
    """`data` is the folder to read: the archive's only top folder, else `out` itself."""

    data: Path
    sha256: str
    files: int
    size_bytes: int


def fetch(
    source: str,
    out: Path,
    *,
    sha256: str | None = None,
    settings: DownloadSettings | None = None,
    max_files: int = 200_000,
    progress: bool = False,
) -> Fetched:
    """Downloads (http, https, Google Drive) or opens (a local file) an archive and unpacks it to `out`.

    `out` appears whole at the end or not at all; an interrupted download continues with the next
    call. `settings.max_bytes` bounds the archive and what it unpacks to, each. Raises FetchError.
    """
    settings = settings or DownloadSettings(max_bytes=5 * 10**9)
    if sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise FetchError(f"--sha256 {sha256}: expected 64 hexadecimal digits")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FetchError(f"{out}: exists already; remove it or give another folder with --out")
    out = out.absolute()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FetchError(f"{out}: cannot be made ({error.strerror or error})") from error
    keep = out.with_name(f".{out.name}.fetch")  # outlives a kill: the next call continues from it
    archive = _archive(source, keep, settings, progress)
    digest = sha256_file(archive)
    if sha256 is not None and digest != sha256.lower():
        shutil.rmtree(keep, ignore_errors=True)
        raise FetchError(f"{source}: its SHA-256 is {digest}, expected {sha256.lower()}; nothing was unpacked")
    staging = out.with_name(f".{out.name}.unpack")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        done = unpack(archive, staging, UnpackLimits(settings.max_bytes, max_files))
        staging.replace(out)  # over an empty folder at most, checked above
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    shutil.rmtree(keep, ignore_errors=True)
    return Fetched(_data_folder(out), digest, done.files, done.size_bytes)


def _archive(source: str, keep: Path, settings: DownloadSettings, progress: bool) -> Path:
    if urlsplit(source).scheme not in {"http", "https"}:
        local = Path(source)
        if not local.is_file():
            raise FetchError(f"{source}: no such file; expected an http(s) link, a Google Drive link or a local file")
        return local
    keep.mkdir(exist_ok=True)
    archive = keep / "archive"
    note = keep / "source.txt"
    if archive.is_file() and note.is_file() and note.read_text("utf-8") == source:
        return archive  # downloaded whole by a call that died while unpacking
    archive.unlink(missing_ok=True)
    note.write_text(source, "utf-8")
    with tqdm(desc="downloading", unit="B", unit_scale=True, disable=not progress) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        download(source, archive, settings, progress=show)
    return archive


def _data_folder(out: Path) -> Path:
    entries = [entry for entry in out.iterdir() if entry.name not in {"__MACOSX", ".DS_Store"}]
    if len(entries) == 1 and entries[0].is_dir() and entries[0].name not in IMAGE_FOLDERS:
        return entries[0]
    return out


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `python -m train fetch`."""
    parser.add_argument("source", metavar="SOURCE", help="http(s) link, Google Drive share link, or a local archive")
    parser.add_argument("--out", type=Path, required=True, help="folder to make; it must not exist or be empty")
    parser.add_argument("--sha256", metavar="HEX", help="refuse any other archive")
    parser.add_argument("--max-gb", type=float, default=5.0, help="limit for the archive and for what it holds")


def run(args: argparse.Namespace) -> int:
    """Runs `python -m train fetch`; returns 0. Raises FetchError, whose message is for the user."""
    if not args.max_gb > 0:
        raise FetchError(f"--max-gb {args.max_gb}: expected a number above 0")
    settings = DownloadSettings(max_bytes=int(args.max_gb * 10**9))
    fetched = fetch(args.source, args.out, sha256=args.sha256, settings=settings, progress=True)
    sys.stdout.write(
        f"sha256 {fetched.sha256}\n{fetched.files} files, {fetched.size_bytes:,} bytes\n"
        f"next: python -m train prepare --data {fetched.data} --out {fetched.data}-prepared\n"
    )
    return 0
