"""Two stages find what exact search finds, and report exact scores."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from runtime.carim.index import ElementIndex
from runtime.carim.two_stage import TwoStage, TwoStageSettings, best_scenes
from runtime.errors import InvalidInputError

from .fakes import DIMS, random_index

SCENES, MOST, CONCEPTS = 2000, 12, 150


@pytest.fixture(scope="module")
def concepts() -> np.ndarray:
    return random_index(np.random.default_rng(1), 1, most=1, different=CONCEPTS)[0]


@pytest.fixture(scope="module")
def index(concepts: np.ndarray) -> ElementIndex:
    """All elements differ: each is one of a few concepts, a little off, as wordings of one thing are."""
    rng = np.random.default_rng(2)
    _, ids, offsets = random_index(rng, SCENES, most=MOST, different=CONCEPTS)
    vectors = concepts[ids] + 0.2 / np.sqrt(DIMS) * rng.standard_normal((len(ids), DIMS))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return ElementIndex.build(vectors, np.arange(len(ids)), offsets, groups=np.arange(SCENES) // 2, threads=1)


@pytest.fixture(scope="module")
def queries(concepts: np.ndarray) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    near = [concepts[rng.integers(0, CONCEPTS, 8)] + 0.1 * rng.standard_normal((8, DIMS)) for _ in range(40)]
    return [(q / np.linalg.norm(q, axis=1, keepdims=True)).astype(np.float32) for q in near]


def test_candidates_hold_nearly_all_of_the_five_best_and_their_scores_are_exact(
    index: ElementIndex, queries: list[np.ndarray]
) -> None:
    stages = TwoStage.build(index, TwoStageSettings(centroids=300, candidates=200))
    shares = []
    for query in queries:
        scores = index.scores(query)
        truth, found = best_scenes(index, scores, 5), stages.search(query, 5)
        np.testing.assert_allclose(found.scores, scores[found.rows], atol=1e-6)
        assert (np.diff(found.scores) <= 0).all()
        shares.append(np.mean(found.scores >= truth.scores[-1] - 1e-6))
    assert np.mean(shares) >= 0.98


def test_with_every_scene_a_candidate_both_ways_agree(index: ElementIndex, queries: list[np.ndarray]) -> None:
    stages = TwoStage.build(index, TwoStageSettings(centroids=20, candidates=SCENES))
    for query in queries[:5]:
        truth, found = best_scenes(index, index.scores(query), 5), stages.search(query, 5)
        np.testing.assert_array_equal(found.rows, truth.rows)


def test_one_frame_stands_for_its_scene_and_filters_hold(index: ElementIndex, queries: list[np.ndarray]) -> None:
    stages = TwoStage.build(index, TwoStageSettings(centroids=200, candidates=100))
    allowed = np.arange(0, SCENES, 3)
    for query in queries[:10]:
        found = stages.search(query, 20, allowed)
        assert len(set(index.groups[found.rows].tolist())) == len(found.rows) == 20
        assert np.isin(found.rows, allowed).all()
    assert not len(stages.search(queries[0], 5, np.array([10**9])).rows)


def test_an_element_of_very_many_scenes_costs_no_scene(concepts: np.ndarray) -> None:
    _, ids, offsets = random_index(np.random.default_rng(5), 500, most=6, different=CONCEPTS)
    ids[offsets[:-1]] = 0  # every scene holds it
    index = ElementIndex.build(concepts, ids, offsets, threads=1)
    stages = TwoStage.build(index, TwoStageSettings(centroids=100, candidates=60))
    query = concepts[[0, 7]]
    found = stages.search(query, 5)
    np.testing.assert_allclose(found.scores, np.sort(index.scores(query))[::-1][:5], atol=1e-6)


def test_centroids_are_cached_by_the_content_and_made_again_when_damaged(
    index: ElementIndex, queries: list[np.ndarray], tmp_path: Path
) -> None:
    settings = TwoStageSettings(centroids=50, candidates=100)
    first = TwoStage.open(index, tmp_path, 3, "stamp", settings)
    (path,) = tmp_path.glob("*.cache")
    content = path.read_bytes()
    again = TwoStage.open(index, tmp_path, 3, "stamp", settings)
    np.testing.assert_array_equal(again.coarse.vectors, first.coarse.vectors)
    np.testing.assert_array_equal(again.search(queries[0], 5).rows, first.search(queries[0], 5).rows)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    TwoStage.open(index, tmp_path, 3, "stamp", settings)
    assert path.read_bytes() == content, "the same seed makes the same centroids"
    TwoStage.open(index, tmp_path, 4, "another stamp", settings)
    assert [p.name for p in tmp_path.glob("*.cache")] == ["centroids-4.cache"]


def test_settings_and_k_below_one_are_refused(index: ElementIndex, queries: list[np.ndarray]) -> None:
    with pytest.raises(InvalidInputError):
        TwoStageSettings(candidates=0)
    with pytest.raises(InvalidInputError):
        TwoStage.build(index, TwoStageSettings(4, 4)).search(queries[0], 0)


def test_films_of_much_alike_frames_do_not_crowd_other_scenes_out(concepts: np.ndarray) -> None:
    """A hundred scenes of thirty frames that hold the same: every scene that is asked for is found."""
    _, ids, offsets = random_index(np.random.default_rng(6), 100, most=5, different=CONCEPTS)
    frames = [ids[a:b] for a, b in itertools.pairwise(offsets) for _ in range(30)]
    ends = np.concatenate(([0], np.cumsum([len(frame) for frame in frames])))
    groups = np.arange(len(frames)) // 30
    index = ElementIndex.build(concepts, np.concatenate(frames), ends, groups=groups, threads=1)
    stages = TwoStage.build(index, TwoStageSettings(centroids=CONCEPTS, candidates=100))
    query = concepts[[1, 2, 3]]
    truth, found = best_scenes(index, index.scores(query), 20), stages.search(query, 20)
    np.testing.assert_allclose(found.scores, truth.scores, atol=1e-6)
    assert len(set(groups[found.rows].tolist())) == 20
    assert len(stages.search(query, 90).rows) == 90, "all that are asked for, though a scene may have four candidates"


def test_the_nearest_element_of_a_word_is_found_among_its_centroids(
    index: ElementIndex, queries: list[np.ndarray]
) -> None:
    stages = TwoStage.build(index, TwoStageSettings(centroids=300, candidates=200))
    words = np.concatenate(queries)
    true, best = index.nearest(words)
    rows, similarities = stages.nearest(words)
    np.testing.assert_allclose(similarities, np.einsum("qd,qd->q", words, index.vectors[rows]), atol=1e-6)
    assert (rows == true).mean() > 0.98
    assert np.abs(best - similarities).max() < 0.05
