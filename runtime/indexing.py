"""A data set becomes a gallery: decode, encode, one transaction a batch; interrupted work is continued."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .dataset import Dataset, Record
from .encoder import DualEncoder
from .ensemble import stack_folds
from .errors import ImageDecodeError, InvalidInputError
from .files import sha256_file
from .gallery import Gallery, NewItem
from .images import RgbImage, read_image

Progress = Callable[[int, int], None]


@dataclass
class IndexReport:
    """What indexing did: counts, and a sentence for every image that was skipped."""

    added: int = 0
    unchanged: int = 0
    skipped: list[str] = field(default_factory=list)


def index_dataset(
    dataset: Dataset, gallery: Gallery, encoder: DualEncoder, *, batch: int = 16, progress: Progress | None = None
) -> IndexReport:
    """Adds every record of `dataset` that the gallery does not hold in this very content.

    A bad image never stops a batch: it is skipped, counted and named. `progress(done, total)` is called after
    each batch. Killed at any moment, the batch in flight is lost and a second call continues.
    Raises InvalidInputError for a batch below 1.
    """
    if batch < 1:
        raise InvalidInputError(f"batch = {batch}; expected 1 or more images a transaction")
    report = IndexReport(skipped=list(dataset.problems))
    known = gallery.known()
    waiting: list[tuple[Record, str]] = []
    done, total = 0, len(dataset.records)
    for record in dataset.records:
        try:
            digest = sha256_file(record.path)
        except OSError as error:
            report.skipped.append(f"{record.path}: cannot be read ({error.strerror or error})")
            done += 1
            continue
        if known.get(str(record.path.resolve())) == digest:
            report.unchanged += 1
            done += 1
            continue
        waiting.append((record, digest))
        if len(waiting) == batch:
            _add(waiting, gallery, encoder, report)
            done += len(waiting)
            waiting = []
            if progress:
                progress(done, total)
    if waiting:
        _add(waiting, gallery, encoder, report)
    if progress:
        progress(total, total)
    return report


def _add(waiting: Sequence[tuple[Record, str]], gallery: Gallery, encoder: DualEncoder, report: IndexReport) -> None:
    pictures: list[RgbImage] = []
    rows: list[tuple[Record, str]] = []
    for record, digest in waiting:
        try:
            pictures.append(read_image(record.path))
        except ImageDecodeError as error:
            report.skipped.append(str(error))
        else:
            rows.append((record, digest))
    if not rows:
        return
    vectors = stack_folds(encoder.encode_images(pictures))
    gallery.add(
        [
            NewItem(
                path=str(record.path.resolve()),
                sha256=digest,
                captions=(*record.captions, *record.captions_vi),
                metadata=record.metadata | ({"group": record.group} if record.group else {}),
                vector=vector,
            )
            for (record, digest), vector in zip(rows, vectors, strict=True)
        ]
    )
    report.added += len(rows)
