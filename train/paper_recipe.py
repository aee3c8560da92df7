"""The settings of the published recipe (FACTS of the challenge's team H3N1), with its faults as named options."""

from dataclasses import asdict, dataclass
from typing import Any

from runtime.errors import InvalidInputError

from .recipes import LOSSES

AUGMENTATIONS = ("no-flip", "published", "none")
SELECTIONS = ("mrr", "published")
TEXT_LAYERS = 6


@dataclass(frozen=True)
class PaperRecipe:
    """DINOv2 ViT-S/14 and MiniLM-L6, the last `unfrozen` blocks of each trained in every fold.

    `image_weights` is "hub", "random" or a file; `text_weights` is "package", a folder or a hub name.
    `augmentation`: "published" mirrors three images in ten, although left and right are graded; "no-flip" is
    the same without that. `selection`: the epoch kept has the best validation MRR over sets of relevant images,
    or ("published") the best Recall@5 of each caption's own image. `steps` > 0 cuts every epoch there.
    """

    name: str = "paper"
    image_weights: str = "hub"
    text_weights: str = "package"
    size: int = 224
    crop: str = "circle"
    unfrozen: int = 4
    dims: int = 64
    max_tokens: int = 128
    augmentation: str = "no-flip"
    loss: str = "published"
    temperature: float = 0.05
    learning_rate: float = 5e-5
    weight_decay: float = 1e-3
    warmup_epochs: int = 2
    milestones: tuple[int, ...] = (10, 20, 30)
    decay: float = 0.1
    selection: str = "mrr"
    epochs: int = 10
    batch: int = 64
    steps: int = 0
    languages: tuple[str, ...] = ("en",)
    positive_columns: tuple[str, ...] = ()
    folds: int = 10
    seed: int = 42

    def __post_init__(self) -> None:
        for name, known in (("loss", LOSSES), ("augmentation", AUGMENTATIONS), ("selection", SELECTIONS)):
            if getattr(self, name) not in known:
                raise InvalidInputError(f"{name} {getattr(self, name)!r}; expected one of {', '.join(known)}")
        if self.folds < 2 or self.epochs < 1 or self.batch < 2 or self.steps < 0:
            raise InvalidInputError("a run needs at least 2 folds, 1 epoch and batches of 2")
        if not 1 <= self.unfrozen <= TEXT_LAYERS:
            raise InvalidInputError(f"unfrozen={self.unfrozen}; expected 1 to {TEXT_LAYERS} blocks of each tower")

    @property
    def criterion(self) -> str:
        """The validation figure whose best epoch is kept."""
        return "r5_own" if self.selection == "published" else "mrr"

    def learning_rate_factor(self, step: int, steps_an_epoch: int) -> float:
        """Share of the learning rate at `step` from 0: linear warm-up over whole epochs, times `decay` a milestone."""
        warm = min(1.0, (step + 1) / max(1, self.warmup_epochs * steps_an_epoch))
        epoch = step // steps_an_epoch
        return warm * self.decay ** sum(epoch >= milestone for milestone in self.milestones)

    def to_json(self) -> dict[str, Any]:
        """As saved in run.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "PaperRecipe":
        """From run.json."""
        lists = {key: tuple(entry) for key, entry in value.items() if isinstance(entry, list)}
        return cls(**(value | lists))
