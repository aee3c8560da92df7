"""The settings of a nodule run, saved beside its weights."""

from dataclasses import asdict, dataclass
from typing import Any

from runtime.errors import InvalidInputError
from runtime.nodule.roi import MODES, RoiSettings


@dataclass(frozen=True)
class NoduleRecipe:
    """A small CNN from scratch, MiniLM's first `layers` frozen, a head on each; multi-positive InfoNCE.

    `diameter_weight` weighs the auxiliary loss of the image tower's diameter head (Huber on the logarithm);
    `prompts` is how many questions are drawn; `rows` how many of MiniLM's word vectors are kept (the most frequent
    words, and all numbers). `draw_contour` burns the outline into the crop, for the ablation only.
    """

    name: str = "nodule"
    roi: str = "field"
    draw_contour: bool = False
    width: int = 32
    dims: int = 64
    layers: int = 2
    rows: int = 8192
    hidden: int = 256
    max_tokens: int = 64
    prompts: int = 6000
    temperature: float = 0.07
    diameter_weight: float = 1.0
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    dropout: float = 0.1
    epochs: int = 30
    batch: int = 128
    seed: int = 42

    def __post_init__(self) -> None:
        if self.roi not in MODES:
            raise InvalidInputError(f"roi {self.roi!r}; expected one of {', '.join(MODES)}")
        if self.epochs < 1 or self.batch < 2 or self.prompts < 20 or self.layers < 0:
            raise InvalidInputError("a run needs 1 epoch, batches of 2, 20 prompts and no negative number of layers")

    @property
    def roi_settings(self) -> RoiSettings:
        """What the image tower sees of a slice."""
        return RoiSettings(mode=self.roi)

    def to_json(self) -> dict[str, Any]:
        """As saved in run.json."""
        return asdict(self)
