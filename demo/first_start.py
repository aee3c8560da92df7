"""The first start: draw phantoms, index them, open the system. Interrupted anywhere, the next start continues."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from assets.phantoms import generate
from runtime.dataset import read_dataset
from runtime.encoder import DualEncoder
from runtime.fusion.tuned import Tuned, read_tuned
from runtime.gallery import Gallery
from runtime.indexing import index_dataset
from runtime.systems.kger import KgerSystem

from .examples import Examples, choose_examples
from .pictures import picture
from .preparation import Background, Progress
from .truth import Truth, read_truth

log = logging.getLogger(__name__)

IMAGES, SEED = 300, 11  # another seed than the shipped bundle was trained on: none of these patients is known to it
DRAW, INDEX, OPEN = "drawing synthetic phantoms", "indexing pictures", "opening the gallery"

CALIBRATION = Path(__file__).resolve().parent.parent / "assets" / "tuned" / "kger_local.json"


@dataclass(frozen=True)
class Places:
    """Where things lie: the cache folder, and the user's own data or gallery if they gave any."""

    cache: Path
    data: Path | None = None
    gallery: Path | None = None


@dataclass(frozen=True)
class Ready:
    """All that the page needs, shared by every visitor and never changed.

    `synthetic`: it holds phantoms; `calibration` tells how sure an answer is, None for a bundle of one's own.
    """

    system: KgerSystem
    truth: Truth
    examples: Examples
    synthetic: bool
    calibration: Tuned | None = None


def prepare_gallery(encoder: DualEncoder, places: Places, progress: Progress, *, images: int = IMAGES) -> Path:
    """The folder of a gallery that `encoder` made and that is complete.

    A gallery alone is taken as it is; data is indexed (into the given gallery, else into the cache); with
    neither, `images` phantoms are drawn and indexed. What an earlier call finished is not done again.
    """
    if places.gallery is not None and places.data is None:
        return places.gallery
    data = places.data
    if data is None:
        data = places.cache / f"phantoms-{images}-{SEED}"
        # the cache is ours: a set that an older generator drew is replaced
        generate(data, images=images, seed=SEED, force=True, progress=lambda n, of: progress(DRAW, n, of))
    folder = places.gallery or places.cache / f"gallery-{_name(data, encoder.fingerprint)}"
    dataset = read_dataset(data)
    for problem in dataset.problems:
        log.warning("%s", problem)
    with Gallery.create(folder, fingerprint=encoder.fingerprint, folds=encoder.folds, dims=encoder.dims) as gallery:
        index_dataset(dataset, gallery, encoder, progress=lambda n, of: progress(INDEX, n, of))
    return folder


def open_ready(encoder: DualEncoder, folder: Path) -> Ready:
    """The system on a finished gallery, with its truth and the examples taken from it."""
    gallery = Gallery.open(folder, fingerprint=encoder.fingerprint)
    system = KgerSystem(encoder, gallery)
    examples = choose_examples(gallery)
    encoder.encode_texts(["warm up"])  # opens the text tower now, not under the first visitor's query
    synthetic = any(picture(item.path).synthetic for item in examples.pictures)
    return Ready(system, read_truth(gallery), examples, synthetic, _calibration(encoder.fingerprint))


def _calibration(fingerprint: str) -> Tuned | None:
    """The shipped calibration where it was made for this bundle."""
    tuned = read_tuned(CALIBRATION) if CALIBRATION.is_file() else None
    return tuned if tuned and tuned.bundle == fingerprint else None


def _name(data: Path, fingerprint: str) -> str:
    return hashlib.sha256(f"{data.resolve()}\n{fingerprint}".encode()).hexdigest()[:12]


class Preparation(Background[Ready]):
    """Prepares the gallery while the page is already served."""

    def __init__(self, encoder: DualEncoder, places: Places, *, report: Progress, images: int = IMAGES) -> None:
        """`report` is the terminal's share of the progress."""
        super().__init__(OPEN, "the gallery")
        self.encoder = encoder
        self._places, self._report, self._images = places, report, images

    def prepare(self) -> Ready:
        """The system over a complete gallery."""
        folder = prepare_gallery(self.encoder, self._places, self.progress, images=self._images)
        self.progress(OPEN, 0, 0)
        return open_ready(self.encoder, folder)

    def progress(self, stage: str, done: int, total: int) -> None:
        """Tells the terminal, too."""
        super().progress(stage, done, total)
        self._report(stage, done, total)
