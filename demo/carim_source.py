"""Where the CARIM panel's scenes come from: the user's folder, else a phantom drive that is drawn at first opening."""

import hashlib
import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from assets.phantoms.errors import PhantomError
from runtime.carim.encoder import open_carim_encoder
from runtime.carim.indexing import index_rows
from runtime.carim.rows import read_rows
from runtime.files import sha256_file
from runtime.gallery import Gallery
from runtime.systems.carim import CarimSystem

from .preparation import Background, Progress

log = logging.getLogger(__name__)

SCENES, SECONDS, SEED = 12, 20, 21  # drawn in about 15 s on one core; another seed than the bundle was trained on
DRAW, INDEX, OPEN = "drawing a synthetic phantom drive", "encoding the scenes' elements", "opening the scenes"


@dataclass(frozen=True)
class Ready:
    """All that the panel needs, shared by every visitor and never changed.

    `root` is the folder that the films' paths start from; `synthetic`: the data says that of itself.
    """

    system: CarimSystem
    root: Path
    facets: dict[str, dict[str, int]]
    synthetic: bool


class Preparation(Background[Ready]):
    """Prepares the scenes, at the panel's first opening."""

    def __init__(self, bundle: Path, cache: Path, data: Path | None = None) -> None:
        """`cache` is a folder for the drive and the gallery; `data` the user's own folder with rows.jsonl."""
        super().__init__(OPEN, "the scenes")
        self._bundle, self._cache, self._data = bundle, cache, data

    def prepare(self) -> Ready:
        """The system over the user's scenes, or over a drive."""
        data = self._data or draw(self._cache, self.progress)
        return open_ready(self._bundle, self._cache, data, self.progress)

    def told(self, sentence: str) -> str:
        """For visitors, who are not to learn where on the server the folders lie."""
        for folder in (self._data, self._cache):
            if folder is not None:
                sentence = sentence.replace(str(folder.resolve()), folder.name).replace(str(folder), folder.name)
        return sentence


def draw(cache: Path, progress: Progress, *, scenes: int = SCENES) -> Path:
    """The folder in `cache` of a phantom drive with films, drawn where it is not yet whole."""
    from assets.drive.layout import generate  # noqa: PLC0415 - a page whose panel stays closed draws nothing

    folder = cache / f"drive-{scenes}-{SECONDS}-{SEED}"
    settings = {"scenes": scenes, "seconds": SECONDS, "seed": SEED, "only": "drawn", "ready": True}

    def report(done: int, total: int) -> None:
        progress(DRAW, done, total)

    try:
        generate(folder, **settings, progress=report)
    except PhantomError:  # the cache is ours: what an older generator drew is replaced
        shutil.rmtree(folder)
        generate(folder, **settings, progress=report)
    return folder / "drawn"


def open_ready(bundle: Path, cache: Path, data: Path, progress: Progress) -> Ready:
    """The system over the rows of `data`, encoded into a gallery in `cache` where they are not yet.

    Raises DatasetError where `data` has no usable row, BundleError for a bundle of another system.
    """
    rows = read_rows(data)
    encoder = open_carim_encoder(bundle)
    # by the rows' content, too: a scene that has gone from the data must not stay in the list
    content = sha256_file(data / "rows.jsonl" if data.is_dir() else data)
    name = hashlib.sha256(f"{data.resolve()}\n{content}\n{encoder.fingerprint}".encode()).hexdigest()[:12]
    with Gallery.create(
        cache / f"gallery-{name}",
        fingerprint=encoder.fingerprint,
        folds=1,
        dims=encoder.dims,
        precision=encoder.bundle.manifest.precision,
    ) as gallery:
        report = index_rows(rows, gallery, encoder, progress=lambda done, of: progress(INDEX, done, of))
    for skipped in report.skipped:
        log.warning("%s", skipped)
    progress(OPEN, 0, 0)
    system = CarimSystem(encoder, Gallery.open(cache / f"gallery-{name}", fingerprint=encoder.fingerprint))
    system.search("warm up", k=1)  # opens the model and the index now, not under the first visitor's query
    return Ready(system, data, system.facets(), is_synthetic(data))


def is_synthetic(data: Path) -> bool:
    """Whether the folder's carim.json says that its scenes are made by a program."""
    try:
        return json.loads((data / "carim.json").read_text("utf-8")).get("synthetic") is True
    except (OSError, ValueError, AttributeError):
        return False
