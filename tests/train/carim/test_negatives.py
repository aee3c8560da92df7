"""Adaptive Negative Injection: the mix, the threshold, and which negatives are drawn."""

import numpy as np
import pytest

pytest.importorskip("torch")

from train.carim.negatives import Pool, draw_negatives, joined, negative_elements, random_subset
from train.carim.recipe import CarimRecipe

OWN = np.array([0, 1, 2, 3])
HIGHEST = np.array([1, 1, 1, 1, 0.7, 0.66, 0.64, 0.6, 0.1, 0.0], np.float32)  # the first four are the scene's own


def drawn(recipe: CarimRecipe, times: int = 3000) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [negative_elements(OWN, HIGHEST, recipe, rng) for _ in range(times)]


def test_the_mix_is_a_fifth_two_alone_two_fifths_all_and_one_and_the_rest_a_subset_and_one():
    kinds = {"alone": 0, "all": 0, "subset": 0}
    for ids in drawn(CarimRecipe.of({"ani": "published"})):
        own, foreign = np.isin(ids, OWN).sum(), (~np.isin(ids, OWN)).sum()
        assert len(set(ids.tolist())) == len(ids)
        assert foreign == (2 if own == 0 else 1)
        kinds["alone" if own == 0 else "all" if own == 4 else "subset"] += 1
    shares = np.array(list(kinds.values())) / 3000
    # a random subset of four is all of them in a quarter of the draws
    assert shares == pytest.approx([0.2, 0.4 + 0.1, 0.3], abs=0.03)


@pytest.mark.parametrize("form", ["published", "corrected"])
def test_nothing_at_or_above_the_threshold_is_injected(form: str):
    injected = {int(i) for ids in drawn(CarimRecipe.of({"ani": form})) for i in ids if i not in OWN}
    assert injected == {6, 7, 8, 9}


def test_corrected_negatives_are_mostly_the_similar_ones_and_published_ones_are_not():
    rng = np.random.default_rng(0)
    near = {}
    for form in ("published", "corrected"):
        recipe = CarimRecipe.of({"ani": form})
        near[form] = np.mean([draw_negatives(HIGHEST, 1, recipe, rng)[0] in (6, 7) for _ in range(2000)])
    assert near["published"] == pytest.approx(0.5, abs=0.05)
    weights = np.exp(HIGHEST[6:] / CarimRecipe().draw_temperature)
    assert near["corrected"] == pytest.approx(float(weights[:2].sum() / weights.sum()), abs=0.02)


def test_a_scene_that_everything_is_near_to_has_no_negative():
    near = np.full(5, 0.9, np.float32)
    rng = np.random.default_rng(0)
    for form in ("published", "corrected"):
        assert negative_elements(OWN, near, CarimRecipe.of({"ani": form}), rng) is None


def test_the_pool_may_have_any_size_and_lengths_of_vectors_do_not_matter():
    rng = np.random.default_rng(1)
    pool = rng.standard_normal((501, 16)).astype(np.float32)
    scene = 3 * pool[[7, 20]]
    pool /= np.linalg.norm(pool, axis=1, keepdims=True)
    highest = Pool(pool).highest_cosines(scene)
    assert highest.shape == (501,)
    assert highest[[7, 20]] == pytest.approx([1, 1], abs=1e-6)
    assert highest.max() <= 1 + 1e-6


def test_a_positive_query_is_a_non_empty_subset_joined_by_commas():
    rng = np.random.default_rng(2)
    sizes = {len(random_subset(OWN, rng)) for _ in range(200)}
    assert sizes == {1, 2, 3, 4}
    assert joined(np.array([2, 0]), ["rain", "night", "red car"]) == "red car, rain"
