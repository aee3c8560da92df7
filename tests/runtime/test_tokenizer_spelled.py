"""What a text's tokens are made of: words, characters, and what the token limit cut."""

from pathlib import Path

import numpy as np
import pytest

from runtime.bundle import TOKENIZER, Bundle
from runtime.tokenizer import TextTokenizer


@pytest.fixture(scope="module")
def file(bundle_folder: Path) -> Path:
    return Bundle.open(bundle_folder).path(TOKENIZER)


def test_special_tokens_and_padding_are_left_out_and_ids_are_those_of_a_call(file: Path) -> None:
    tokenizer = TextTokenizer(file)
    texts = ["ear", "the Left ear, inflamed"]
    ids, mask, spelled = tokenizer.spelled(texts)
    for ours, called in zip((ids, mask), tokenizer(texts), strict=True):
        np.testing.assert_array_equal(ours, called)
    assert spelled[0].positions == (1,)
    for text, entry, row in zip(texts, spelled, mask, strict=True):
        assert len(entry.positions) == row.sum() - 2, "[CLS] and [SEP] are no words"
        assert all(text[start:end].strip() for start, end in entry.spans)
    assert spelled[1].words[:4] == (0, 1, 2, 3)
    assert [texts[1][slice(*span)] for span in spelled[1].spans[:4]] == ["the", "Left", "ear", ","]


def test_the_rest_of_a_text_that_is_too_long_begins_where_it_is_cut(file: Path) -> None:
    tokenizer = TextTokenizer(file, max_tokens=5)
    text = "ear nose throat larynx vocal fold nodule"
    _, _, (entry,) = tokenizer.spelled([text])
    assert text[entry.cut :] == "larynx vocal fold nodule"
    assert tokenizer.spelled(["ear nose throat"])[2][0].cut is None
