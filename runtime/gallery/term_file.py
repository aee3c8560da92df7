"""Items and the terms that they name as arrays, and as the payload of a cache file that is mapped, not read."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

VERSION = 1
_ALIGNED = 64  # bytes: a cache line, and what the widest vector registers load
_COUNTS = 5


@dataclass(frozen=True, eq=False)
class TermArrays:
    """N items, E mentions, U different terms; item n names refs[offsets[n]:offsets[n + 1]], at least one.

    `items` (N,) int64: ids, ascending. `groups` (N,) int32: the number of each item's group (a frame's scene).
    `offsets` (N + 1,) int64. `refs` (E,) int32: rows of `vectors`. `ids` (U,) int64: the terms' ids in the gallery.
    `vectors` (U, D) float32.
    """

    items: NDArray[np.int64]
    groups: NDArray[np.int32]
    offsets: NDArray[np.int64]
    refs: NDArray[np.int32]
    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self.all())

    def frozen(self) -> Self:
        """Itself, its arrays made read-only: searches of several threads share them."""
        for array in self.all():
            array.flags.writeable = False
        return self

    def all(self) -> tuple[NDArray[Any], ...]:
        """Every array, in the order of a file."""
        return (self.items, self.groups, self.offsets, self.refs, self.ids, self.vectors)


def terms_identity(stamp: str, dims: int) -> str:
    """What a cache file of one content is made from."""
    return f"terms v{VERSION} {stamp} {dims}"


def pack_terms(arrays: TermArrays) -> list[memoryview | bytes]:
    """The parts of the payload: counts and D, then each array, every one at a multiple of `_ALIGNED` bytes."""
    counts = (len(arrays.items), len(arrays.refs), len(arrays.ids), arrays.vectors.shape[1], 0)
    parts: list[memoryview | bytes] = []
    for array in (np.array(counts, "<i8"), *arrays.all()):
        parts.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        parts.append(bytes(-array.nbytes % _ALIGNED))
    return parts


def unpack_terms(payload: memoryview) -> TermArrays:
    """The arrays as read-only views of a checked payload."""
    n, mentions, different, dims, _ = (int(count) for count in np.frombuffer(payload, "<i8", _COUNTS))
    at = _padded(8 * _COUNTS)
    arrays: list[NDArray[Any]] = []
    lengths = (("<i8", n), ("<i4", n), ("<i8", n + 1), ("<i4", mentions), ("<i8", different), ("<f4", different * dims))
    for kind, length in lengths:
        arrays.append(np.frombuffer(payload, kind, length, offset=at))
        at += _padded(arrays[-1].nbytes)
    items, groups, offsets, refs, ids, vectors = arrays
    return TermArrays(items, groups, offsets, refs, ids, vectors.reshape(different, dims))


def _padded(size: int) -> int:
    return size + -size % _ALIGNED
