"""What a visitor takes along: the hits as JSON, the film around a hit as MP4."""

import hashlib
import json
import re
import tempfile
import threading
from pathlib import Path

from runtime.carim.clip import content_hash, write_mp4
from runtime.files import write_text

from .carim_answer import Shown
from .carim_player import SETTINGS, Film
from .carim_source import Ready

MOST_FILES = 64  # Gradio keeps what it hands out in a folder of its own


class Exports:
    """Files for download in a temporary folder, named by their content; the oldest go when there are too many."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="carim-")
        self._encoding = threading.Lock()  # VP9 takes a core for seconds: one visitor after another

    def hits(self, ready: Ready, shown: Shown) -> Path:
        """The scenes shown, as JSON."""
        value = shown.to_json(ready.root, synthetic=ready.synthetic)
        text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
        path = self._place(hashlib.sha256(text.encode()).hexdigest(), "carim-hits.json")
        write_text(path, text)
        return path

    def clip(self, film: Film) -> tuple[Path, float]:
        """The film as MP4, and its seconds.

        Raises DatasetError where no picture can be read, ClipError where OpenCV writes no MP4.
        """
        times = film.clip.times_s
        seconds = times[-1] - times[0]
        path = self._place(content_hash(film.root, film.clip, SETTINGS), f"{_plain(film.title)}.mp4")
        with self._encoding:
            if not path.is_file():
                write_mp4(film.root, film.clip, path, SETTINGS)
        return path, seconds

    def close(self) -> None:
        """Removes every file."""
        self._folder.cleanup()

    def _place(self, content: str, name: str) -> Path:
        root = Path(self._folder.name)
        kept = sorted(root.glob("*/*"), key=_changed)
        for old in kept[:-MOST_FILES]:
            old.unlink(missing_ok=True)
        return root / content[:24] / name


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another visitor's file under way, which took its name meanwhile
        return 0.0


def _plain(title: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", title).strip("-.")[:80] or "scene"
