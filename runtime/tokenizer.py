"""The one definition of tokenisation: WordPiece by the `tokenizers` library, from the bundle's own file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from .errors import BundleError, InvalidInputError

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Spelled:
    """What the tokens of one text are made of, special tokens and padding left out.

    `positions`: the tokens' places among the ids. `words`: for each of them the number of its word, from 0. `spans`:
    its first character and the one after its last, in the text. `cut`: where the text goes on that was cut, or None.
    """

    positions: tuple[int, ...]
    words: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    cut: int | None


class TextTokenizer:
    """Texts to token ids; pads to the longest text of the batch and no further, cuts at `max_tokens`."""

    def __init__(self, path: Path, *, max_tokens: int = 128) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise BundleError(f"{path}: not a tokenizer file ({error}); export the bundle again") from error
        self.max_tokens = max_tokens
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.enable_padding()

    def __call__(self, texts: Sequence[str]) -> tuple[Ids, Ids]:
        """Texts → ids and mask, each (N, T) int64; T is the longest text's token count."""
        return _arrays(self._encoded(texts))

    def spelled(self, texts: Sequence[str]) -> tuple[Ids, Ids, list[Spelled]]:
        """Texts → ids and mask as above, and what each text's own tokens are made of."""
        encodings = self._encoded(texts)
        return *_arrays(encodings), [_spelled(encoding) for encoding in encodings]

    def _encoded(self, texts: Sequence[str]) -> list[Encoding]:
        for text in texts:
            if not isinstance(text, str) or not text.strip():
                raise InvalidInputError(f"a text query must hold at least one word; got {text!r}")
            if any(
                "\ud800" <= letter <= "\udfff" for letter in text
            ):  # what undecodable bytes on a command line become
                raise InvalidInputError(f"a text query must be UTF-8; got {text!r}")
        encodings: list[Encoding] = self._tokenizer.encode_batch(list(texts))
        return encodings

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Token count of each text, for batches of alike length."""
        return [sum(e.attention_mask) for e in self._tokenizer.encode_batch(list(texts))]


def _arrays(encodings: Sequence[Encoding]) -> tuple[Ids, Ids]:
    ids = np.array([e.ids for e in encodings], np.int64)
    mask = np.array([e.attention_mask for e in encodings], np.int64)
    return ids, mask


def _spelled(encoding: Encoding) -> Spelled:
    own = [i for i, special in enumerate(encoding.special_tokens_mask) if not special]
    spans, words = encoding.offsets, encoding.word_ids  # the library makes each list anew at every look
    left_out = [
        start
        for part in encoding.overflowing
        for (start, _), special in zip(part.offsets, part.special_tokens_mask, strict=True)
        if not special
    ]
    return Spelled(
        positions=tuple(own),
        words=tuple(words[i] or 0 for i in own),
        spans=tuple(spans[i] for i in own),
        cut=min(left_out, default=None),
    )
