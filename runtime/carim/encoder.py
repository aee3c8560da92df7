"""A query's tokens and scenes' elements to vectors, by a carim bundle's graph: one vector a token."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..binding import as_float32
from ..bundle import TEXT_MODEL, TOKENIZER, TOKENS_MODEL, Bundle
from ..errors import BundleError, InvalidInputError
from ..query_cache import SIZE, QueryCache
from ..sessions import FOR_QUERIES, SessionSettings, open_session
from ..tokenizer import Spelled, TextTokenizer

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Floats = NDArray[np.float32]

SYSTEM = "carim"
EXPORT_COMMAND = "python -m export carim RUN --out BUNDLE"
OUTPUT = "tokens"
ELEMENT_TOKENS = 64  # FACTS: an element is cut there, special tokens included
BATCH = 64


@dataclass(frozen=True)
class Word:
    """A word of the query, text[start:end], and the rows of its tokens."""

    text: str
    start: int
    end: int
    tokens: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class EncodedQuery:
    """A query's token vectors (T, D) float32, unit rows, read-only, and the words that they belong to.

    `cut` is the end of the text that the bundle's token limit left out, "" where nothing was.
    """

    text: str
    tokens: Floats
    words: tuple[Word, ...]
    cut: str = ""


class CarimEncoder:
    """The bundle's graph, opened when it is first used; safe to call from several threads."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        threads: int | None = None,
        provider: str = "auto",
        settings: SessionSettings = FOR_QUERIES,
        query_cache: int = SIZE,
    ) -> None:
        if bundle.manifest.system != SYSTEM:
            raise BundleError(
                f"{bundle.folder}: a bundle of the system {bundle.manifest.system!r}; expected one that "
                f"`{EXPORT_COMMAND}` wrote"
            )
        recipe = bundle.manifest.training.get("recipe")
        if not isinstance(recipe, dict) or not isinstance(recipe.get("normalise_elements"), bool):
            raise BundleError(
                f"{bundle.folder}: the manifest's training.recipe.normalise_elements must be true or false; "
                f"export again: {EXPORT_COMMAND}"
            )
        self.bundle = bundle
        self.fingerprint: str = bundle.manifest.fingerprint
        self.dims: int = bundle.manifest.dims
        self.normalises = bool(recipe["normalise_elements"])
        self._settings, self._threads, self._provider = settings, threads, provider
        self._queries = QueryCache(self._query_tokens, size=query_cache)
        self._lock = threading.Lock()
        self._session: InferenceSession | None = None

    def session(self) -> "InferenceSession":
        """The text tower that the bundle shares, continued to one vector a token; opened once."""
        with self._lock:
            if self._session is None:
                self._session = open_session(
                    self.bundle.path(TEXT_MODEL),
                    self._settings,
                    threads=self._threads,
                    provider=self._provider,
                    continuation=self.bundle.path(TOKENS_MODEL),
                )
            return self._session

    @cached_property
    def tokenizer(self) -> TextTokenizer:
        """The bundle's tokenizer, for queries."""
        return TextTokenizer(self.bundle.path(TOKENIZER), max_tokens=self.bundle.manifest.max_tokens)

    @cached_property
    def element_tokenizer(self) -> TextTokenizer:
        """The same, for elements, which are shorter."""
        limit = min(ELEMENT_TOKENS, self.bundle.manifest.max_tokens)
        return TextTokenizer(self.bundle.path(TOKENIZER), max_tokens=limit)

    def encode_query(self, text: str) -> EncodedQuery:
        """The query's tokens, without [CLS], [SEP] and padding, and its words; kept for the next time.

        Raises InvalidInputError for a text without any token.
        """
        _, _, (spelled,) = self.tokenizer.spelled([text])
        if not spelled.positions:
            raise InvalidInputError(f"the query {text!r} holds no word that the tokenizer knows; ask for what is seen")
        cut = "" if spelled.cut is None else text[spelled.cut :]
        return EncodedQuery(text, self._queries(text), words_of(text, spelled), cut)

    def encode_elements(self, texts: Sequence[str], *, batch: int = BATCH) -> Floats:
        """N elements → (N, D) float32: the mean of each one's token vectors, re-normalised where the recipe says so.

        Batches hold texts of alike length. Raises InvalidInputError for a text without any token.
        """
        out = np.empty((len(texts), self.dims), np.float32)
        order = np.argsort([len(text) for text in texts], kind="stable")
        for first in range(0, len(texts), batch):
            rows = order[first : first + batch]
            ids, mask, spelled = self.element_tokenizer.spelled([texts[i] for i in rows])
            tokens = self._run(ids, mask)
            for row, vectors, entry in zip(rows, tokens, spelled, strict=True):
                if not entry.positions:
                    raise InvalidInputError(f"the element {texts[row]!r} holds no word that the tokenizer knows")
                out[row] = vectors[list(entry.positions)].mean(axis=0, dtype=np.float64)
        if self.normalises:
            out /= np.linalg.norm(out, axis=1, keepdims=True)
        return out

    def is_encodable(self, text: str) -> bool:
        """Whether an element holds a token at all; one of invisible letters only does not."""
        return bool(text.strip()) and bool(self.element_tokenizer.spelled([text])[2][0].positions)

    def _query_tokens(self, text: str) -> Floats:
        ids, mask, (spelled,) = self.tokenizer.spelled([text])
        tokens: Floats = self._run(ids, mask)[0, list(spelled.positions)]
        return tokens

    def _run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Floats:
        feeds = {"input_ids": ids, "attention_mask": mask}
        tokens = as_float32(self.session().run([OUTPUT], feeds)[0])
        if tokens.shape != (*ids.shape, self.dims) or not np.isfinite(tokens).all():
            raise BundleError(
                f"{self.bundle.folder}: the graph gave shape {tokens.shape} or values that are not finite; expected "
                f"{(*ids.shape, self.dims)}. Check the bundle: python -m runtime verify --bundle {self.bundle.folder}"
            )
        return tokens


def words_of(text: str, spelled: Spelled) -> tuple[Word, ...]:
    """The words of a text, in order, each with the rows of its tokens."""
    rows: dict[int, list[int]] = {}
    for row, word in enumerate(spelled.words):
        rows.setdefault(word, []).append(row)
    words = []
    for tokens in rows.values():
        start, end = spelled.spans[tokens[0]][0], spelled.spans[tokens[-1]][1]
        words.append(Word(text[start:end], start, end, tuple(tokens)))
    return tuple(words)


def open_carim_encoder(folder: Path, *, threads: int | None = None, provider: str = "auto") -> CarimEncoder:
    """The encoder of the bundle in `folder`, its hashes checked."""
    return CarimEncoder(Bundle.open(folder), threads=threads, provider=provider)
