"""Exact and near duplicates: images that must never stand on both sides of a split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .components import Components
from .records import Record
from .signatures import Signatures, read_signatures

_BLOCK = 256  # rows of the distance matrix that exist at a time


@dataclass(frozen=True)
class DuplicateSettings:
    """When two pictures are one.

    `max_distance` differing bits of 255 propose a pair, and the colour thumbnails confirm it with
    at least `min_correlation`. Recompression (JPEG 40), half size and brighter exposure stay
    within 24 bits; drawings that agree in outline but not in colour fail the correlation.
    """

    max_distance: int = 24
    min_correlation: float = 0.97


def duplicate_groups(
    records: Sequence[Record],
    signatures: Signatures | None = None,
    settings: DuplicateSettings | None = None,
) -> list[str]:
    """One group name per record: records that share a group, content or look are in one group.

    A group is named by the data set's own groups in it, joined by "+", or by its first file.
    `signatures` may be given where the images were read already.
    """
    signatures = signatures or read_signatures(records)
    components = Components(len(records))
    for i, label in enumerate(duplicate_labels(signatures, settings)):
        components.join(label, i)
    components.join_equal((i, r.group) for i, r in enumerate(records) if r.group is not None)
    labels = components.labels()
    own: dict[int, set[str]] = {}
    for label, record in zip(labels, records, strict=True):
        own.setdefault(label, set()).update([] if record.group is None else [record.group])
    return ["+".join(sorted(own[label])) or f"image:{records[label].file}" for label in labels]


def duplicate_labels(signatures: Signatures, settings: DuplicateSettings | None = None) -> list[int]:
    """For each image the position of the first one that is the same picture, its own where none is.

    The data set's own groups play no part here. Undecodable images are nobody's duplicate.
    """
    settings = settings or DuplicateSettings()
    components = Components(len(signatures.sha256))
    components.join_equal((i, digest) for i, digest in enumerate(signatures.sha256) if digest)
    exact = components.labels()
    distinct = np.array([i for i, d in enumerate(signatures.sha256) if d and exact[i] == i], np.intp)
    near = _near_labels(signatures.hashes[distinct], signatures.thumbnails[distinct], settings)
    for position, label in enumerate(near):
        components.join(int(distinct[label]), int(distinct[position]))
    return components.labels()


def _near_labels(
    hashes: NDArray[np.uint64], thumbnails: NDArray[np.uint8], settings: DuplicateSettings
) -> NDArray[np.intp]:
    n = len(hashes)
    labels = np.arange(n)
    for start in range(0, n, _BLOCK):
        rows = hashes[start : start + _BLOCK]
        distance = np.zeros((len(rows), n - start), np.uint16)
        for word in range(hashes.shape[1]):
            distance += np.bitwise_count(rows[:, None, word] ^ hashes[None, start:, word])
        for i in range(len(rows)):
            a = start + i
            # pairs that are one group already need no look: a run of equal frames costs n, not n²
            b = a + 1 + np.flatnonzero(distance[i, i + 1 :] <= settings.max_distance)
            b = b[labels[b] != labels[a]]
            same = b[_look_alike(thumbnails[a], thumbnails[b], settings.min_correlation)]
            labels[np.isin(labels, labels[same])] = labels[a]
    return labels


def _look_alike(one: NDArray[np.uint8], others: NDArray[np.uint8], min_correlation: float) -> NDArray[np.bool_]:
    # (D,), (M, D) → (M,); a picture of one colour has no correlation: there the difference decides
    x, y = one.astype(np.float32), others.astype(np.float32)
    flat = np.abs(x - y).mean(axis=1) <= 1.0  # grey levels
    x -= x.mean()
    y -= y.mean(axis=1, keepdims=True)
    scale = np.linalg.norm(x) * np.linalg.norm(y, axis=1)
    return np.asarray(flat | (y @ x >= min_correlation * scale) & (scale > 0))
