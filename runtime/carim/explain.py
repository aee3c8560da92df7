"""Why a scene scored as it did: shares that add up to the score, and what it lacks.

S = (1/|Q|)·Σ_i max_j ⟨q_i, e_j⟩: token i gives max_j ⟨q_i, e_j⟩ / |Q| to the element j that is its maximum (the first
of equal ones). Added by element, by word or by phrase, the shares are the score.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInputError
from .encoder import EncodedQuery
from .words import is_content

Floats = NDArray[np.float32]

# A word is missing where another scene's element meets it better by more than this. Of the phantom drive's compositions
# against scenes of the held-out part, by a trained bundle: .87 of the words whose element the scene has not are named,
# and .045 of the content words of a query's own scene (with .1: .93 and .09; with .2: .79 and .02).
LACKING = 0.15


@dataclass(frozen=True)
class ElementShare:
    """What an element of the scene contributed: `share` of the score, 0 where it is no token's maximum."""

    text: str
    share: float


@dataclass(frozen=True)
class WordShare:
    """What a word of the query, text[start:end], contributed, and the number of the element that met it best."""

    text: str
    start: int
    end: int
    share: float
    element: int


@dataclass(frozen=True)
class Phrase:
    """Neighbouring words that the same element meets best."""

    text: str
    start: int
    end: int
    share: float
    element: int


@dataclass(frozen=True)
class Missing:
    """A word that another scene's `element` meets with the similarity `best`, this scene's with `here` only."""

    word: str
    start: int
    end: int
    element: str
    best: float
    here: float

    @property
    def sentence(self) -> str:
        """For a reader."""
        return f"“{self.word}” is best met by “{self.element}”, which this scene does not have"


@dataclass(frozen=True)
class Explanation:
    """`score` is the sum of the shares of all `elements` (in the scene's order), of all `words`, of all `phrases`."""

    score: float
    elements: tuple[ElementShare, ...]
    words: tuple[WordShare, ...]
    phrases: tuple[Phrase, ...]
    missing: tuple[Missing, ...] = ()

    @property
    def shares(self) -> tuple[float, ...]:
        """Each element's share of the score, in the scene's order."""
        return tuple(element.share for element in self.elements)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready, with a sentence for each missing word."""
        missing = [asdict(entry) | {"sentence": entry.sentence} for entry in self.missing]
        return asdict(self) | {"shares": list(self.shares), "missing": missing}


@dataclass(frozen=True, eq=False)
class Asked:
    """The query's content words, and the element of a whole index that meets each best.

    `words`: their numbers among the query's. `vectors` (W, D) float32: the mean of each one's tokens. `best` (W,)
    float32: the similarity of the nearest element; `elements`: its text.
    """

    words: tuple[int, ...]
    vectors: Floats
    best: Floats
    elements: tuple[str, ...]


def explain(query: EncodedQuery, elements: Floats, texts: Sequence[str], asked: Asked | None = None) -> Explanation:
    """The explanation of the score of a query against a scene's `elements` (M, D) float32, whose `texts` these are.

    With `asked` it names what the query asks for and the scene lacks. Raises InvalidInputError where the arrays do
    not fit together.
    """
    if not len(texts) or elements.shape != (len(texts), query.tokens.shape[1]):
        raise InvalidInputError(
            f"elements of shape {elements.shape} for {len(texts)} texts; expected (M, {query.tokens.shape[1]}), M ≥ 1"
        )
    similarities = query.tokens.astype(np.float64) @ elements.T.astype(np.float64)  # (T, M)
    nearest = similarities.argmax(axis=1)
    shares = similarities.max(axis=1) / len(query.tokens)  # (T,)
    by_element = np.bincount(nearest, weights=shares, minlength=len(texts))
    words = tuple(
        WordShare(word.text, word.start, word.end, float(shares[rows].sum()), _strongest(nearest[rows], shares[rows]))
        for word in query.words
        for rows in (list(word.tokens),)
    )
    return Explanation(
        score=float(shares.sum()),
        elements=tuple(ElementShare(text, float(share)) for text, share in zip(texts, by_element, strict=True)),
        words=words,
        phrases=_phrases(query.text, words),
        missing=_missing(query, elements, texts, asked) if asked else (),
    )


def content_words(query: EncodedQuery) -> tuple[tuple[int, ...], Floats]:
    """The numbers (W) of the query's content words, and the mean (W, D) float32 of each one's token vectors."""
    numbers = tuple(i for i, word in enumerate(query.words) if is_content(word.text))
    means = [query.tokens[list(query.words[i].tokens)].mean(axis=0) for i in numbers]
    return numbers, np.array(means, np.float32).reshape(len(numbers), query.tokens.shape[1])


def _strongest(elements: NDArray[np.intp], shares: NDArray[np.float64]) -> int:
    """The element that the word's tokens gave most to."""
    return (
        int(np.bincount(elements, weights=np.maximum(shares, 0)).argmax()) if (shares > 0).any() else int(elements[0])
    )


def _phrases(text: str, words: Sequence[WordShare]) -> tuple[Phrase, ...]:
    phrases: list[Phrase] = []
    for word in words:
        last = phrases[-1] if phrases else None
        if last is not None and last.element == word.element:
            phrases[-1] = Phrase(
                text[last.start : word.end], last.start, word.end, last.share + word.share, word.element
            )
        else:
            phrases.append(Phrase(word.text, word.start, word.end, word.share, word.element))
    return tuple(phrases)


def _missing(query: EncodedQuery, elements: Floats, texts: Sequence[str], asked: Asked) -> tuple[Missing, ...]:
    here = (asked.vectors @ elements.T).max(axis=1, initial=-np.inf)  # (W,)
    own = set(texts)
    found = []
    for number, best, at, text in zip(asked.words, asked.best, here, asked.elements, strict=True):
        if best - at > LACKING and text not in own:
            word = query.words[number]
            found.append(Missing(word.text, word.start, word.end, text, float(best), float(at)))
    return tuple(found)
