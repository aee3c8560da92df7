"""A data set becomes a gallery: prepare, encode, one transaction a batch; interrupted work is continued."""

import hashlib
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field

from .bulk import BulkPlan, Encoded, Prepared, encode_in_bulk, session_plan
from .dataset import Dataset, Record
from .encoder import DualEncoder
from .ensemble import stack_folds
from .errors import ImageDecodeError
from .gallery import Gallery, NewItem
from .images import decode_image, read_content
from .preprocess import Preprocessing

Progress = Callable[[int, int], None]


@dataclass
class IndexReport:
    """What indexing did: counts, seconds, and a sentence for every image that was skipped."""

    added: int = 0
    unchanged: int = 0
    skipped: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """Items added a second, from the first look at the data to the last transaction."""
        return self.added / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class _Row:
    record: Record
    sha256: str = ""
    problem: str | None = None


def index_dataset(
    dataset: Dataset,
    gallery: Gallery,
    encoder: DualEncoder,
    *,
    batch: int = 16,
    plan: BulkPlan | None = None,
    progress: Progress | None = None,
) -> IndexReport:
    """Adds every record of `dataset` that the gallery does not hold in this very content.

    A bad image never stops a batch: it is skipped, counted and named. `progress(done, total)` is called after
    each batch. Killed at any moment, the batch in flight is lost and a second call continues. `plan` says which
    threads do what (None: `session_plan()`); all of them have ended when this returns or raises.
    Raises InvalidInputError for a batch below 1.
    """
    started = time.perf_counter()
    report = IndexReport(skipped=list(dataset.problems))
    prepare = _preparation(gallery.known(), encoder.preprocess)
    done, total = 0, len(dataset.records)
    batches = encode_in_bulk(dataset.records, prepare, encoder.encode_pixels, batch=batch, plan=plan or session_plan())
    with closing(batches):
        for part in batches:
            if part.rows:
                _store(part, gallery)
            problems = [row.problem for row in part.passed if row.problem]
            report.added += len(part.rows)
            report.unchanged += len(part.passed) - len(problems)
            report.skipped += problems
            report.seconds = time.perf_counter() - started
            done += len(part.rows) + len(part.passed)
            if progress:
                progress(done, total)
    return report


def _preparation(known: Mapping[str, str], preprocess: Preprocessing) -> Callable[[Record], Prepared[_Row]]:
    def prepare(record: Record) -> Prepared[_Row]:
        try:
            content = read_content(record.path)  # read once: what is hashed is what is decoded
            digest = hashlib.sha256(content).hexdigest()
            if known.get(str(record.path.resolve())) == digest:
                return Prepared(_Row(record, digest))
            image = decode_image(content, name=str(record.path), at_least=preprocess.decode_at_least)
        except ImageDecodeError as error:
            return Prepared(_Row(record, problem=str(error)))
        return Prepared(_Row(record, digest), preprocess.one(image))

    return prepare


def _store(part: Encoded[_Row], gallery: Gallery) -> None:
    gallery.add(
        [
            NewItem(
                path=str(row.record.path.resolve()),
                sha256=row.sha256,
                captions=(*row.record.captions, *row.record.captions_vi),
                metadata=row.record.metadata | ({"group": row.record.group} if row.record.group else {}),
                vector=vector,
            )
            for row, vector in zip(part.rows, stack_folds(part.vectors), strict=True)
        ]
    )
