"""What a split must not share: near-duplicate images, equal captions, groups. A leak ends the evaluation."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from runtime.dataset import Record, caption_key, captions_of, duplicate_labels, read_signatures
from runtime.errors import InvalidInputError, KgerError

PROMISES = ("images", "captions", "groups")
_EXAMPLES = 3


class LeakageError(KgerError, ValueError):
    """A split whose test side shares with its training side what it promised not to."""


@dataclass(frozen=True)
class Leak:
    """One pair across the split: files, and what they share (a caption, a group, "the same picture")."""

    promise: str
    train: str
    test: str
    shared: str


def check_split(train: Sequence[Record], test: Sequence[Record], promises: Sequence[str] = PROMISES) -> str:
    """One sentence on what was checked; raises LeakageError with examples where `test` leaks.

    `promises` are those that the split makes: of `PROMISES`, images (no near duplicates, by content, perceptual
    hash and colour), captions (none equal but for case, spacing and final stop), groups (no patient or sequence on
    both sides). Captions that are templates may be equal over patients: such a split does not promise them.
    """
    leaks = find_leaks(train, test, promises)
    if leaks:
        counts = {promise: sum(leak.promise == promise for leak in leaks) for promise in promises}
        counted = ", ".join(f"{count} by {promise}" for promise, count in counts.items() if count)
        examples = "".join(
            f"\n  {leak.test} (test) and {leak.train} (training): {leak.shared}" for leak in leaks[:_EXAMPLES]
        )
        raise LeakageError(
            f"the split leaks: {len({leak.test for leak in leaks})} of {len(test)} test images also stand in "
            f"training ({counted}):{examples}\nkeep such images on one side, leave them out of the "
            "test, or do not promise what the split never held (captions that are templates)"
        )
    return f"{len(test)} test and {len(train)} training images share nothing (checked: {', '.join(promises)})"


def find_leaks(train: Sequence[Record], test: Sequence[Record], promises: Sequence[str] = PROMISES) -> list[Leak]:
    """The first training file that each test file shares something with, by promise.

    Raises InvalidInputError for an unknown promise. An image that cannot be decoded is nobody's duplicate.
    """
    unknown = sorted(set(promises) - set(PROMISES))
    if unknown:
        raise InvalidInputError(f"a split promises {', '.join(unknown)}; expected of {', '.join(PROMISES)}")
    leaks = _same_pictures(train, test) if "images" in promises else []
    if "captions" in promises:
        leaks += _shared("captions", train, test, _captions)
    if "groups" in promises:
        leaks += _shared("groups", train, test, lambda record: [record.group] if record.group else [])
    return leaks


def without_copies(train: Sequence[Record], test: Sequence[Record]) -> tuple[list[Record], list[str]]:
    """The test records that look like no training picture, and the files of those that do."""
    copies = {leak.test for leak in _same_pictures(train, test)}
    return [record for record in test if record.file not in copies], sorted(copies)


def _same_pictures(train: Sequence[Record], test: Sequence[Record]) -> list[Leak]:
    # training stands first, so a picture that looks like one of it is labelled by a training position
    labels = duplicate_labels(read_signatures([*train, *test]))[len(train) :]
    return [
        Leak("images", train[label].file, record.file, "the same picture")
        for record, label in zip(test, labels, strict=True)
        if label < len(train)
    ]


def _captions(record: Record) -> list[str]:
    return [caption_key(text) for language in ("en", "vi") for text in captions_of(record, language)]


def _shared(
    promise: str, train: Sequence[Record], test: Sequence[Record], keys: Callable[[Record], Iterable[str]]
) -> list[Leak]:
    owner: dict[str, str] = {}
    for record in train:
        for key in keys(record):
            owner.setdefault(key, record.file)
    leaks = []
    for record in test:
        known = next((key for key in keys(record) if key in owner), None)
        if known is not None:
            leaks.append(Leak(promise, owner[known], record.file, f"{promise.removesuffix('s')} {known!r}"))
    return leaks
