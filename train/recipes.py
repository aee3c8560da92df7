"""The settings of a training run: small frozen values, saved beside the weights they led to."""

from dataclasses import asdict, dataclass
from typing import Any

from runtime.errors import InvalidInputError

LOSSES = ("multi-positive", "published", "soft-rank")


@dataclass(frozen=True)
class CompactRecipe:
    """Frozen EfficientNet-Lite and MiniLM; each fold trains heads and a read-out of the text tower's last layers."""

    name: str = "compact"
    image_trunk: str = "lite2"
    sides: bool = False
    crop: str = "none"
    readout: int = 2
    rank: int = 8
    hidden: int = 256
    dims: int = 64
    dropout: float = 0.3
    max_tokens: int = 128
    loss: str = "multi-positive"
    temperature: float = 0.1
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    epochs: int = 30
    batch: int = 128
    validate_every: int = 5
    languages: tuple[str, ...] = ("en", "vi")
    positive_columns: tuple[str, ...] = ()
    folds: int = 10
    seed: int = 42

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise InvalidInputError(f"loss {self.loss!r}; expected one of {', '.join(LOSSES)}")
        if self.folds < 2 or self.epochs < 1 or self.batch < 2:
            raise InvalidInputError("a run needs at least 2 folds, 1 epoch and batches of 2")

    def to_json(self) -> dict[str, Any]:
        """As saved in run.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "CompactRecipe":
        """From run.json."""
        lists = {key: tuple(entry) for key, entry in value.items() if isinstance(entry, list)}
        return cls(**(value | lists))
