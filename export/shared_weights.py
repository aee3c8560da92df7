"""Which leading parts of a tower are the same in every fold, proved by the bytes of their weights."""

import hashlib
from collections.abc import Mapping, Sequence

from torch import Tensor

State = Mapping[str, Tensor]
Part = tuple[str, ...]


def part_sha256(state: State, part: Part) -> str:
    """SHA-256 over names, shapes and bytes of the tensors whose name begins with one of `part`."""
    digest = hashlib.sha256()
    for name in sorted(state):
        if name.startswith(part):
            tensor = state[name].detach().cpu().contiguous()
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
            digest.update(tensor.numpy())
    return digest.hexdigest()


def shared_prefix(states: Sequence[State], parts: Sequence[Part]) -> int:
    """How many of the first `parts`, in the order in which a tower computes them, are bit-identical in all states.

    What comes after the first difference gets a different input in every fold: it must be computed per fold even
    where its own weights are the same.
    """
    for i, part in enumerate(parts):
        if len({part_sha256(state, part) for state in states}) > 1:
            return i
    return len(parts)
