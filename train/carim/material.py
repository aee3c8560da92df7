"""What a run learns from: the rows, and the frozen states of every text of theirs, computed once."""

from dataclasses import dataclass
from pathlib import Path

from .backbones import Backbone
from .data import Corpus
from .recipe import CarimRecipe
from .states import TokenStates, cached_states


@dataclass(frozen=True, eq=False)
class Material:
    """The corpus and the states of its elements, sentences and captions."""

    corpus: Corpus
    elements: TokenStates
    sentences: TokenStates
    captions: TokenStates


def prepare(corpus: Corpus, backbone: Backbone, recipe: CarimRecipe, cache: Path) -> Material:
    """The states of every text, read from `cache` where they are there."""
    kinds = {
        "elements": (corpus.elements, recipe.element_tokens),
        "sentences": (corpus.sentences, recipe.query_tokens),
        "captions": (corpus.captions, recipe.query_tokens),
    }
    states = {what: cached_states(backbone, texts, most, cache, what) for what, (texts, most) in kinds.items()}
    return Material(corpus, **states)
