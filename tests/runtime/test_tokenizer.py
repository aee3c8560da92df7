"""Token ids are the original tokenizer's, to the last id; batches are padded no further than they must be."""

from pathlib import Path

import numpy as np
import pytest

from runtime.bundle import TOKENIZER, Bundle
from runtime.errors import BundleError, InvalidInputError
from runtime.tokenizer import TextTokenizer

TEXTS = [
    "A frog.",
    "left tympanic membrane with a central perforation",
    "MUCOSA is Erythematous, oedematous -- grade 3/4 (post-op)!",
    "Màng nhĩ trái thủng trung tâm, ống tai có ráy.",
    "Dây thanh quản đóng; polyp dây thanh (T)".encode().decode(),
    "Mu\u0302i pha\u0309i co\u0301 di\u0323ch",  # combining marks, as some keyboards write Vietnamese
    "🙂 ear 👩‍⚕️ 耳 ухо \N{LATIN SMALL LIGATURE FI}stula",
    "tab\tnew\nline\r\x00null\x07bell\u200bzero\u00a0width\ufeff",
    "antidisestablishmentarianism" * 12,
    "ear " * 400,
    "  spaces   around  ",
    "[CLS] [MASK] [SEP] ##ear",
    "\u200b",
]


@pytest.fixture(scope="module")
def tokenizer(bundle_folder: Path) -> TextTokenizer:
    return TextTokenizer(Bundle.open(bundle_folder).path(TOKENIZER), max_tokens=128)


@pytest.mark.torch
@pytest.mark.parametrize("max_tokens", [128, 16])
def test_every_text_has_the_original_tokenizers_ids(max_tokens):
    transformers = pytest.importorskip("transformers")
    from train.minilm import package_folder

    original = transformers.AutoTokenizer.from_pretrained(str(package_folder()))
    ours = TextTokenizer(package_folder() / "tokenizer.json", max_tokens=max_tokens)
    for text in TEXTS:
        ids, mask = ours([text])
        assert ids[0].tolist() == original(text, truncation=True, max_length=max_tokens)["input_ids"], text
        assert mask.all()
    batch = original(TEXTS, truncation=True, max_length=max_tokens, padding=True)
    ids, mask = ours(TEXTS)
    np.testing.assert_array_equal(ids, batch["input_ids"])
    np.testing.assert_array_equal(mask, batch["attention_mask"])


def test_a_batch_is_padded_to_its_longest_text_and_no_further(tokenizer):
    short, long = "ear", "the left ear canal with some wax"
    ids, mask = tokenizer([short, long])
    assert (ids.dtype, mask.dtype) == (np.int64, np.int64)
    assert ids.shape == mask.shape == (2, tokenizer.lengths([long])[0])
    assert mask.sum(1).tolist() == tokenizer.lengths([short, long])
    np.testing.assert_array_equal(ids[0, : mask[0].sum()], tokenizer([short])[0][0])
    assert not ids[0, mask[0].sum() :].any()
    assert tokenizer([short])[0].shape[1] == 3, "[CLS] ear [SEP]"


def test_long_texts_are_cut_and_keep_the_closing_token(tokenizer):
    ids, mask = tokenizer(["ear " * 400])
    assert ids.shape == (1, 128)
    assert mask.all()
    assert ids[0, -1] == tokenizer(["ear"])[0][0, -1]


@pytest.mark.parametrize("text", ["", "  ", "\n\t", None, 7])
def test_an_empty_text_is_refused(tokenizer, text):
    with pytest.raises(InvalidInputError, match="at least one word"):
        tokenizer(["ear", text])


def test_text_of_undecodable_bytes_is_refused(tokenizer):
    with pytest.raises(InvalidInputError, match="UTF-8"):
        tokenizer([b"ear \xff".decode("utf-8", "surrogateescape")])


def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path):
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(BundleError, match=r"tokenizer\.json: not a tokenizer file.*export"):
        TextTokenizer(tmp_path / "tokenizer.json")
    with pytest.raises(BundleError, match=r"none\.json"):
        TextTokenizer(tmp_path / "none.json")
