"""What a fold owns of a transformer tower: `heads`, `readout:N`, `lora:R` or `unfreeze:N`."""

from dataclasses import dataclass

from runtime.errors import InvalidInputError

KINDS = ("heads", "readout", "lora", "unfreeze")
LORA_BLOCKS = 4  # as many as the published recipe unfreezes


@dataclass(frozen=True)
class Adapt:
    """How a fold differs from the frozen trunk.

    heads: a head on the trunk's pooled vector. readout: one private vector through the last `blocks` blocks, its
    query, output and feed-forward maps of its own (low rank on the shared ones, or full with rank 0), attending to
    the shared keys and values. lora: all maps of the last blocks low rank (Hu et al. 2021), all tokens private.
    unfreeze: all weights of the last blocks, norms included, as published.
    """

    kind: str
    blocks: int = 0
    rank: int = 0

    @classmethod
    def parse(cls, text: str, *, rank: int = 8) -> "Adapt":
        """From `heads`, `readout:N`, `lora:R` or `unfreeze:N`; `rank` is that of read-out maps, 0 for full ones."""
        kind, _, number = text.partition(":")
        if kind == "heads" and not number:
            return cls("heads")
        if kind not in KINDS[1:] or not number.isdigit() or int(number) < 1:
            raise InvalidInputError(
                f"adapt {text!r}; expected heads, readout:N, lora:R or unfreeze:N, such as readout:2"
            )
        n = int(number)
        return {
            "readout": cls("readout", n, rank),
            "lora": cls("lora", LORA_BLOCKS, n),
            "unfreeze": cls("unfreeze", n),
        }[kind]

    def check(self, blocks: int, where: str) -> "Adapt":
        """Itself; raises InvalidInputError where the tower `where` has fewer blocks (0: no transformer)."""
        if self.blocks > blocks:
            has = f"has {blocks} blocks" if blocks else "is no transformer: only heads can be trained on it"
            raise InvalidInputError(f"{self.kind} wants the last {self.blocks} blocks, but the {where} {has}")
        return self
