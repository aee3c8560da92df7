"""The settings of a CARIM run, saved beside its weights."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from runtime.errors import InvalidInputError

BACKBONES = ("minilm", "qwen2")
FORMS = ("corrected", "published")
DRAWS = ("similar", "uniform")
QUERIES = ("sentences", "caption")
INJECTED = ("apart", "joined")
HUB_NAME = "Qwen/Qwen2-1.5B"
LEARNING_RATES = {"minilm": 1e-3, "qwen2": 2e-5}  # the published rate is that of 1536-wide states
PUBLISHED: dict[str, Any] = {
    "normalise_elements": False,
    "draw": "uniform",
    "queries": "caption",
    "leave_out_false_negatives": False,
    "injected": "joined",
}


@dataclass(frozen=True)
class CarimRecipe:
    """A linear projection of a frozen backbone's token states, learned by late interaction (FACTS: CARIM).

    `ani` names the form of training: "published", or "corrected", which differs in the five settings that follow it.
    `normalise_elements`: an element's mean token becomes a unit vector again, so that no element scores lower for
    having several words. `draw`: negatives are drawn by similarity below `threshold` (softmax over the cosine at
    `draw_temperature`) or uniformly. `queries`: a scene's text in training is one to `most_sentences` sentences of
    its caption, about as long as a question, or the whole caption. `leave_out_false_negatives`: a scene that has every
    element that the query's words pick in their own scene is no negative of that query.
    `injected`: the elements of q_neg and q_pos are encoded as one text joined by commas, or apart, each by itself:
    its states are there already, which takes an epoch to a tenth of its time.
    `weights` is the backbone's folder or hub name; empty: the one that comes with it.
    """

    name: str = "carim"
    backbone: str = "minilm"
    weights: str = ""
    ani: str = "corrected"
    normalise_elements: bool = True
    draw: str = "similar"
    queries: str = "sentences"
    leave_out_false_negatives: bool = True
    injected: str = "apart"
    dims: int = 256
    query_tokens: int = 512
    element_tokens: int = 64
    threshold: float = 0.65
    draw_temperature: float = 0.1
    most_sentences: int = 3
    pool_every: int = 1
    temperature: float = 0.07
    negative_weight: float = 1.0
    positive_weight: float = 1.0
    learning_rate: float = 1e-3
    epochs: int = 5
    batch: int = 24
    seed: int = 42

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("backbone", self.backbone, BACKBONES),
            ("ani", self.ani, FORMS),
            ("draw", self.draw, DRAWS),
            ("queries", self.queries, QUERIES),
            ("injected", self.injected, INJECTED),
        ):
            if value not in allowed:
                raise InvalidInputError(f"{name} {value!r}; expected one of {', '.join(allowed)}")
        if min(self.dims, self.epochs, self.pool_every, self.most_sentences) < 1 or self.batch < 2:
            raise InvalidInputError("dims, epochs, pool-every and most-sentences must be 1 or more, batch 2 or more")
        if self.temperature <= 0 or self.draw_temperature <= 0 or self.learning_rate <= 0:
            raise InvalidInputError("temperatures and the learning rate must be above 0")
        if min(self.query_tokens, self.element_tokens) < 3:
            raise InvalidInputError("a text needs room for 3 tokens: two of them may be special")

    @classmethod
    def of(cls, given: dict[str, Any]) -> "CarimRecipe":
        """The form that `given["ani"]` names, with the settings given on top; None means not given."""
        given = {name: value for name, value in given.items() if value is not None}
        form = PUBLISHED if given.get("ani") == "published" else {}
        rate = LEARNING_RATES.get(given.get("backbone", "minilm"), 1e-3)
        return cls(**({"learning_rate": rate} | form | given))

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "CarimRecipe":
        """From run.json."""
        return cls(**value)

    def to_json(self) -> dict[str, Any]:
        """As saved in run.json."""
        return asdict(self)


SETTINGS = tuple(field.name for field in fields(CarimRecipe) if field.name != "name")
