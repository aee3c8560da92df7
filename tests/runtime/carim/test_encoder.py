"""Tokens and elements by the shipped bundle: what belongs to which word, what is cut, what is a mean."""

import numpy as np
import pytest

from runtime.carim.cli import BUNDLE
from runtime.carim.encoder import CarimEncoder, open_carim_encoder
from runtime.errors import BundleError, InvalidInputError

QUERY = "A red-brown car, crossing  the JUNCTION at night"


@pytest.fixture(scope="module")
def encoder() -> CarimEncoder:
    return open_carim_encoder(BUNDLE, threads=1)


def test_every_token_is_a_unit_row_of_one_word_and_words_are_the_querys(encoder: CarimEncoder) -> None:
    query = encoder.encode_query(QUERY)
    assert query.tokens.shape == (len([t for word in query.words for t in word.tokens]), encoder.dims)
    np.testing.assert_allclose(np.linalg.norm(query.tokens, axis=1), 1, atol=1e-5)
    assert [word.text for word in query.words] == [
        "A",
        "red",
        "-",
        "brown",
        "car",
        ",",
        "crossing",
        "the",
        "JUNCTION",
        "at",
        "night",
    ]
    assert all(QUERY[word.start : word.end] == word.text for word in query.words)
    assert [t for word in query.words for t in word.tokens] == list(range(len(query.tokens)))
    assert query.cut == ""


def test_a_word_of_several_pieces_has_all_their_tokens(encoder: CarimEncoder) -> None:
    word = encoder.encode_query("antidisestablishmentarianism").words
    assert [entry.text for entry in word] == ["antidisestablishmentarianism"]
    assert len(word[0].tokens) > 2


def test_an_element_is_the_mean_of_its_tokens_whatever_stands_beside_it_in_the_batch(encoder: CarimEncoder) -> None:
    texts = ["rain", "a red car crossing the junction ahead of a long queue of lorries", "wet road"]
    together = encoder.encode_elements(texts)
    for text, row in zip(texts, together, strict=True):
        mean = encoder.encode_query(text).tokens.mean(axis=0)
        expected = mean / np.linalg.norm(mean) if encoder.normalises else mean
        np.testing.assert_allclose(row, expected, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_elements(texts[::-1]), together[::-1], atol=1e-5)


def test_what_a_long_query_loses_is_said(encoder: CarimEncoder) -> None:
    limit = encoder.bundle.manifest.max_tokens
    query = encoder.encode_query("rain " * (limit - 2) + "and a red car")
    assert len(query.tokens) == limit - 2
    assert query.cut == "and a red car"


def test_a_query_is_kept_and_cannot_be_changed(encoder: CarimEncoder) -> None:
    first = encoder.encode_query(QUERY).tokens
    assert encoder.encode_query(QUERY).tokens is first
    assert not first.flags.writeable


def test_texts_without_a_token_are_refused(encoder: CarimEncoder) -> None:
    for text in ("", "  ", "\u200b"):
        with pytest.raises(InvalidInputError):
            encoder.encode_query(text)
        assert not encoder.is_encodable(text)
    with pytest.raises(InvalidInputError):
        encoder.encode_elements(["rain", "\u200b"])


def test_a_manifest_that_does_not_say_how_elements_are_made_is_refused(encoder: CarimEncoder) -> None:
    from dataclasses import replace

    from runtime.bundle import Bundle

    silent = Bundle(encoder.bundle.folder, replace(encoder.bundle.manifest, training={}))
    with pytest.raises(BundleError, match="normalise_elements"):
        CarimEncoder(silent)
