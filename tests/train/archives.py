"""Archives made in memory, sound and hostile, and quick settings to fetch and unpack them."""

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np

from train.download import DownloadSettings
from train.unpack import UnpackLimits

LIMITS = UnpackLimits(max_bytes=1_000_000, max_files=50)
QUICK = DownloadSettings(max_bytes=10_000_000, timeout_s=5, attempts=3, wait_s=0)


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
