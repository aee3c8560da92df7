"""What is the same in every fold, proved by the bytes of the weights: it stands in the graph once."""

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


def of_tower(state: State, prefix: str) -> State:
    """The weights whose name begins with `prefix`."""
    return {name: tensor for name, tensor in state.items() if name.startswith(prefix)}


def sharing(frozen: State, states: Sequence[State]) -> dict[str, int]:
    """Counts and bytes of a tower's weights: what all folds share, and what each fold has of its own.

    `frozen` is what no fold holds a copy of; of `states` each tensor is compared over the folds.
    """
    alone = len(states) == 1  # one fold shares with nobody but the trunk
    once = [] if alone else [n for n in states[0] if len({part_sha256(state, (n,)) for state in states}) == 1]
    own = [name for name in states[0] if name not in set(once)]
    shared = [*frozen.values(), *(states[0][name] for name in once)]
    private = [states[0][name] for name in own]
    return {
        "shared_tensors": len(shared),
        "shared_bytes": sum(t.numel() * t.element_size() for t in shared),
        "tensors_of_each_fold": len(private),
        "bytes_of_each_fold": sum(t.numel() * t.element_size() for t in private),
    }
