"""The index gives the reference's scores, whatever the scenes' lengths, and survives the disk."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.carim.index import ElementIndex
from runtime.carim.maxsim import maxsim
from runtime.errors import GalleryError, InvalidInputError

from .fakes import DIMS, random_index


def made(seed: int, scenes: int = 40, *, most: int = 9, different: int = 60) -> tuple[ElementIndex, np.ndarray]:
    rng = np.random.default_rng(seed)
    vectors, ids, offsets = random_index(rng, scenes, most=most, different=different)
    tokens = rng.standard_normal((12, DIMS)).astype(np.float32)
    return ElementIndex.build(vectors, ids, offsets, threads=1), tokens / np.linalg.norm(tokens, axis=1, keepdims=True)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 12), st.integers(1, 90), st.integers(1, 40), st.integers(0, 2**31))
def test_exact_scores_are_the_references(scenes: int, most: int, different: int, tokens: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, ids, offsets = random_index(rng, scenes, most=most, different=different)
    query = rng.standard_normal((tokens, DIMS)).astype(np.float32)
    query /= np.linalg.norm(query, axis=1, keepdims=True)
    index = ElementIndex.build(vectors, ids, offsets, threads=1)
    expected = maxsim(query, vectors[ids], offsets)
    np.testing.assert_allclose(index.scores(query), expected, atol=1e-6)
    rows = np.flatnonzero(rng.random(scenes) < 0.5)
    if rows.size:
        np.testing.assert_allclose(index.scores_of(query, rows), expected[rows], atol=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_scenes_that_are_not_allowed_score_minus_infinity(share: float) -> None:
    index, tokens = made(3)
    allowed = np.flatnonzero(np.random.default_rng(4).random(len(index)) < share)
    scores = index.scores(tokens, allowed)
    np.testing.assert_allclose(scores[allowed], index.scores(tokens)[allowed], atol=1e-6)
    assert np.isneginf(np.delete(scores, allowed)).all()
    assert np.isneginf(index.scores(tokens, np.array([10**9]))).all()


def test_nearest_names_the_element_with_the_highest_product() -> None:
    index, tokens = made(5)
    many = np.concatenate([tokens, -tokens, tokens[:3]])  # more than one product holds
    rows, best = index.nearest(many)
    similarities = many @ index.vectors.T
    np.testing.assert_array_equal(rows, similarities.argmax(1))
    np.testing.assert_allclose(best, similarities.max(1), atol=1e-6)


def test_an_index_comes_back_from_the_disk_mapped_and_read_only(tmp_path: Path) -> None:
    index, tokens = made(6)
    index.save(tmp_path)
    opened = ElementIndex.open(tmp_path, threads=1)
    np.testing.assert_array_equal(opened.scores(tokens), index.scores(tokens))
    assert not opened.vectors.flags.writeable
    assert opened.vectors.ctypes.data % 64 == 0
    assert opened.memory_mb == pytest.approx(index.memory_mb)


def test_a_changed_byte_a_short_file_and_no_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="no sound index"):
        ElementIndex.open(tmp_path)
    made(7)[0].save(tmp_path)
    (path,) = tmp_path.glob("*.cache")
    whole = path.read_bytes()
    for content in (whole[:-1] + bytes([whole[-1] ^ 1]), whole[:-5], b""):
        path.write_bytes(content)
        with pytest.raises(GalleryError, match="no sound index"):
            ElementIndex.open(tmp_path)


@pytest.mark.parametrize(
    ("ids", "offsets", "said"),
    [
        ([0, 1], [0, 1, 1, 2], "rising by 1 or more"),
        ([0, 1], [0, 3], "rising by 1 or more"),
        ([0, 2], [0, 2], "not among the 2 vectors"),
        ([-1, 0], [0, 2], "not among the 2 vectors"),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(ids: list[int], offsets: list[int], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        ElementIndex.build(np.eye(2, DIMS, dtype=np.float32), np.array(ids), np.array(offsets))


@pytest.mark.parametrize("tokens", [np.ones((0, DIMS)), np.ones((2, DIMS + 1)), np.full((1, DIMS), np.nan)])
def test_tokens_of_another_shape_or_not_finite_are_refused(tokens: np.ndarray) -> None:
    with pytest.raises(InvalidInputError):
        made(8)[0].scores(tokens.astype(np.float32))
