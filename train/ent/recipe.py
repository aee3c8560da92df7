"""The settings of an ENT field's run: a small frozen value, saved beside the weights it led to."""

from dataclasses import asdict, dataclass
from typing import Any

from runtime.errors import InvalidInputError

BACKENDS = ("bundle", "compact", "dinov2", "open_clip")
MININGS = ("each-epoch", "once")
TARGETS = ("metric", "flow-matching")


@dataclass(frozen=True)
class EntRecipe:
    """A vector field on a frozen image tower; the defaults are the published ones except `mining`.

    `backend` gives the vectors: "bundle" (the image tower of the bundle in `weights`), "compact" (EfficientNet-Lite2
    with ImageNet weights) or "open_clip" (ViT-B/32; `weights` is "hub", "random" or a file). `mining` "once" mines
    the triplets by the tower's cosines, as published; "each-epoch" mines them anew with what the field has learned.
    `target` "metric" learns through the RK4 steps; "flow-matching" learns the straight way to a positive instead.
    `steps` are the RK4 steps in training; the first `warmup` epochs take none, at their own rate, which costs a
    fortieth: the flow then begins from a v(x, 0) that separates the classes. Published: 0.
    """

    name: str = "ent"
    backend: str = "bundle"
    weights: str = ""
    crop: str = "none"
    heads: int = 4
    hidden: int = 256
    frequencies: int = 16
    frequency_scale: float = 10.0
    dropout: float = 0.1
    steps: int = 10
    warmup: int = 0
    mining: str = "each-epoch"
    target: str = "metric"
    alpha: float = 2.0
    beta: float = 50.0
    base: float = 0.5
    triplets: int = 32
    learning_rate: float = 1e-4
    warmup_rate: float = 1e-3
    clip: float = 5.0
    epochs: int = 200
    patience: int = 15
    factor: float = 0.8
    stop_after: int = 40
    seed: int = 42

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("backend", self.backend, BACKENDS),
            ("mining", self.mining, MININGS),
            ("target", self.target, TARGETS),
        ):
            if value not in allowed:
                raise InvalidInputError(f"{name} {value!r}; expected one of {', '.join(allowed)}")
        if min(self.heads, self.hidden, self.frequencies, self.triplets, self.epochs, self.stop_after) < 1:
            raise InvalidInputError("heads, hidden, frequencies, triplets, epochs and stop-after must be at least 1")
        if self.steps < 0 or not 0 <= self.warmup < self.epochs:
            raise InvalidInputError(
                f"steps = {self.steps}, warmup = {self.warmup}; expected 0 or more RK4 steps, and fewer epochs of "
                f"warm-up than the {self.epochs} of the run"
            )

    def to_json(self) -> dict[str, Any]:
        """As saved in run.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "EntRecipe":
        """From run.json."""
        return cls(**value)
