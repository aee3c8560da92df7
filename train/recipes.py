"""The settings of a training run: small frozen values, saved beside the weights they led to."""

from dataclasses import asdict, dataclass
from typing import Any

from runtime.errors import InvalidInputError

from .adapt import Adapt

LOSSES = ("multi-positive", "published", "soft-rank")


@dataclass(frozen=True)
class CompactRecipe:
    """Frozen trunks whose features are computed once; each fold trains what `text_adapt` and `image_adapt` say.

    See adapt.py for the two; `rank` is that of read-out maps (0: full weights), `hidden` the width of a head's GELU
    layer (0: a linear head, as published), `skip` shows the head the trunk's own vector beside the private one,
    `own_key` lets a read-out vector attend to itself. `start`: every fold begins from its "own" random weights, or
    all from the same ("shared"), without which their mean means nothing. `image_weights` is the ViT's: "hub",
    "random" or a file. Full weights, which begin as the trunk's, learn at `unfrozen_learning_rate`.
    """

    name: str = "compact"
    image_trunk: str = "lite2"
    image_weights: str = "hub"
    text_adapt: str = "readout:2"
    image_adapt: str = "heads"
    sides: bool = False
    crop: str = "none"
    rank: int = 8
    skip: bool = True
    own_key: bool = False
    start: str = "own"
    hidden: int = 256
    dims: int = 64
    dropout: float = 0.3
    max_tokens: int = 128
    loss: str = "multi-positive"
    temperature: float = 0.1
    learning_rate: float = 2e-3
    unfrozen_learning_rate: float = 1e-4
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
        if self.start not in {"own", "shared"}:
            raise InvalidInputError(f"start {self.start!r}; expected own or shared")
        if self.rank < 0 or self.hidden < 0:
            raise InvalidInputError(f"rank {self.rank} and hidden {self.hidden} must not be negative")
        for adapt in (self.text_adapt, self.image_adapt):
            Adapt.parse(adapt)
        if self.folds < 2 or self.epochs < 1 or self.batch < 2:
            raise InvalidInputError("a run needs at least 2 folds, 1 epoch and batches of 2")

    @property
    def text(self) -> Adapt:
        """What a fold owns of the text tower."""
        return Adapt.parse(self.text_adapt, rank=self.rank)

    @property
    def image(self) -> Adapt:
        """What a fold owns of the image tower."""
        return Adapt.parse(self.image_adapt, rank=self.rank)

    def to_json(self) -> dict[str, Any]:
        """As saved in run.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "CompactRecipe":
        """From run.json."""
        lists = {key: tuple(entry) for key, entry in value.items() if isinstance(entry, list)}
        return cls(**(value | lists))
