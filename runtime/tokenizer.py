"""The one definition of tokenisation: WordPiece by the `tokenizers` library, from the bundle's own file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from .errors import BundleError, InvalidInputError

Ids = NDArray[np.int64]


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
        for text in texts:
            if not isinstance(text, str) or not text.strip():
                raise InvalidInputError(f"a text query must hold at least one word; got {text!r}")
            if any(
                "\ud800" <= letter <= "\udfff" for letter in text
            ):  # what undecodable bytes on a command line become
                raise InvalidInputError(f"a text query must be UTF-8; got {text!r}")
        encodings = self._tokenizer.encode_batch(list(texts))
        ids = np.array([e.ids for e in encodings], np.int64)
        mask = np.array([e.attention_mask for e in encodings], np.int64)
        return ids, mask

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Token count of each text, for batches of alike length."""
        return [sum(e.attention_mask) for e in self._tokenizer.encode_batch(list(texts))]
