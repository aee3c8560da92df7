"""The explanation adds up to the score, by element, by word and by phrase, and names what a scene lacks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.carim.encoder import EncodedQuery, Word
from runtime.carim.explain import Asked, content_words, explain
from runtime.carim.maxsim import maxsim
from runtime.carim.words import is_content
from runtime.errors import InvalidInputError

from .fakes import DIMS, WordEncoder

ENCODER = WordEncoder()


def unit(rng: np.random.Generator, count: int) -> np.ndarray:
    rows = rng.standard_normal((count, DIMS)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=12), st.integers(1, 32), st.integers(0, 2**31))
def test_shares_words_and_phrases_each_add_up_to_the_score(pieces: list[int], count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = np.split(np.arange(sum(pieces)), np.cumsum(pieces)[:-1])
    words = tuple(Word(f"w{i}", 3 * i, 3 * i + 2, tuple(part.tolist())) for i, part in enumerate(rows))
    query = EncodedQuery(" ".join(f"w{i % 10}" for i in range(len(pieces))), unit(rng, sum(pieces)), words)
    elements = unit(rng, count)
    told = explain(query, elements, [f"e{i}" for i in range(count)])
    score = float(maxsim(query.tokens, elements, np.array([0, count]))[0])
    assert told.score == pytest.approx(score, abs=1e-6)
    assert sum(told.shares) == pytest.approx(score, abs=1e-6)
    assert sum(word.share for word in told.words) == pytest.approx(score, abs=1e-6)
    assert sum(phrase.share for phrase in told.phrases) == pytest.approx(score, abs=1e-6)
    neighbours = zip(told.phrases, told.phrases[1:], strict=False)
    assert all(left.element != right.element for left, right in neighbours), "these are one phrase"


def test_neighbouring_words_of_one_element_form_a_phrase_of_the_query() -> None:
    query = ENCODER.encode_query("red car, rain")
    texts = ["rain", "red car"]
    told = explain(query, ENCODER.encode_elements(texts), texts)
    assert [(phrase.text, texts[phrase.element]) for phrase in told.phrases] == [
        ("red car", "red car"),
        ("rain", "rain"),
    ]
    assert told.elements[0].share == pytest.approx(1 / 3)
    assert query.text[told.phrases[0].start : told.phrases[0].end] == "red car"


def test_a_word_that_other_scenes_meet_and_this_one_does_not_is_missing() -> None:
    query = ENCODER.encode_query("a red car in the rain")
    words, vectors = content_words(query)
    assert [query.words[i].text for i in words] == ["red", "car", "rain"]
    everywhere = ["red car", "rain", "night"]
    rows = (vectors @ ENCODER.encode_elements(everywhere).T).argmax(axis=1)
    best = (vectors @ ENCODER.encode_elements(everywhere).T).max(axis=1)
    asked = Asked(words, vectors, best, tuple(everywhere[i] for i in rows))
    dry = explain(query, ENCODER.encode_elements(["red car", "night"]), ["red car", "night"], asked)
    assert [(entry.word, entry.element) for entry in dry.missing] == [("rain", "rain")]
    assert dry.missing[0].sentence == "“rain” is best met by “rain”, which this scene does not have"
    wet = explain(query, ENCODER.encode_elements(["red car", "rain"]), ["red car", "rain"], asked)
    assert wet.missing == ()
    assert dry.to_json()["missing"][0]["sentence"] == dry.missing[0].sentence


@pytest.mark.parametrize("word", ["a", "The", ",", "7", "in", "…", "é"])
def test_stop_words_single_letters_and_punctuation_are_not_content(word: str) -> None:
    assert not is_content(word)


@pytest.mark.parametrize("word", ["red", "Night", "xe", "đỏ", "12"])
def test_what_can_be_seen_is_content(word: str) -> None:
    assert is_content(word)


def test_a_query_of_stop_words_only_has_no_content() -> None:
    words, vectors = content_words(ENCODER.encode_query("show me the one in it"))
    assert words == ()
    assert vectors.shape == (0, DIMS)


def test_elements_and_texts_of_different_number_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="for 1 texts"):
        explain(ENCODER.encode_query("rain"), np.eye(2, DIMS, dtype=np.float32), ["rain"])
