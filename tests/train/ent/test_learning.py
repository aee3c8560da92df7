"""Splits, triplets and training, on synthetic vectors."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from runtime.ent.classes import read_classes  # noqa: E402  after the skip
from runtime.ent.measures import answers  # noqa: E402
from runtime.ent.relevance import Relevance  # noqa: E402
from runtime.errors import DatasetError, InvalidInputError  # noqa: E402
from train.ent.field import Flow  # noqa: E402
from train.ent.fit import Part, fit_field, new_field, vectors  # noqa: E402
from train.ent.recipe import EntRecipe  # noqa: E402
from train.ent.splits import Split, make_split  # noqa: E402
from train.ent.triplets import mine  # noqa: E402
from train.fit import FoldResult  # noqa: E402

pytestmark = pytest.mark.torch
TABLE = read_classes()
SIDES = ("ear-left", "ear-right", "nose-left", "nose-right")


def noisy_sides(count: int, seed: int, width: int = 24) -> Part:
    """Unit rows whose first coordinates say the class, quietly, beside loud coordinates that say nothing."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(SIDES), count)
    rows = rng.standard_normal((count, width))
    rows[:, : len(SIDES)] = 0.3 * rng.standard_normal((count, len(SIDES))) + 1.2 * np.eye(len(SIDES))[labels]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return Part(rows.astype(np.float32), [SIDES[i] for i in labels])


def among(part: Part) -> Relevance:
    names = np.array(part.classes)
    same = names[:, None] == names[None]
    return Relevance(same, same, None, ~np.eye(len(names), dtype=bool), 0)


def learn(recipe: EntRecipe, train: Part, val: Part) -> tuple[list[dict], FoldResult]:
    *rows, best = fit_field(train, val, among(val), TABLE, recipe)
    return rows, best


SMALL = EntRecipe(heads=2, hidden=16, steps=2, epochs=12, learning_rate=5e-3, triplets=16)


@pytest.mark.parametrize("mining", ["once", "each-epoch"])
def test_the_flow_finds_what_the_tower_drowns_in_noise(mining):
    train, val, test = (noisy_sides(n, seed) for seed, n in enumerate((160, 60, 80)))
    recipe = EntRecipe(**(SMALL.to_json() | {"mining": mining}))
    _, best = learn(recipe, train, val)
    flow = Flow(new_field(24, recipe), recipe.target)
    flow.field.load_state_dict(best.weights)
    asked = among(test)
    raw, moved = (answers(rows, asked).correct("exact").mean() for rows in (test.rows, vectors(flow, test.rows, 2)))
    assert moved > raw + 0.15


def test_flow_matching_learns_the_straight_way_to_the_positive():
    train, val = noisy_sides(120, 0), noisy_sides(40, 1)
    recipe = EntRecipe(**(SMALL.to_json() | {"target": "flow-matching", "mining": "once"}))
    rows, _ = learn(recipe, train, val)
    assert rows[-1]["loss"] < 0.7 * rows[0]["loss"]


def test_a_warm_up_takes_no_steps_and_is_kept_only_where_its_flow_is_the_best():
    train, val = noisy_sides(60, 0), noisy_sides(30, 1)
    recipe = EntRecipe(**(SMALL.to_json() | {"epochs": 6, "warmup": 4, "warmup_rate": 5e-3}))
    rows, best = learn(recipe, train, val)
    plain, _ = learn(EntRecipe(**(SMALL.to_json() | {"epochs": 4, "steps": 0})), train, val)
    assert [row["loss"] for row in rows[:4]] == [row["loss"] for row in plain]
    assert best.figures["epoch"] in {4, 5, 6}
    assert best.figures["mrr"] >= max(row["mrr"] for row in rows[4:])
    with pytest.raises(InvalidInputError, match="fewer epochs of warm-up"):
        EntRecipe(epochs=4, warmup=4)


def test_the_same_seed_gives_the_same_weights_and_another_does_not():
    train, val = noisy_sides(60, 0), noisy_sides(30, 1)
    two = EntRecipe(**(SMALL.to_json() | {"epochs": 1}))
    one, again, other = (
        learn(EntRecipe(**(two.to_json() | {"seed": seed})), train, val)[1].weights["inner.weight"]
        for seed in (1, 1, 2)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_training_stops_where_it_stalls_and_the_rate_falls_on_a_plateau():
    train, val = noisy_sides(60, 0), noisy_sides(30, 1)
    recipe = EntRecipe(**(SMALL.to_json() | {"epochs": 60, "stop_after": 4, "patience": 1, "learning_rate": 1e-7}))
    rows, best = learn(recipe, train, val)
    assert len(rows) == best.figures["epoch"] + 4
    assert rows[-1]["learning_rate"] < recipe.learning_rate


def test_a_triplets_negative_is_of_a_class_that_the_table_calls_confusable():
    part = noisy_sides(60, 0)
    rng = np.random.default_rng(0)
    triplets = mine(part.rows, part.classes, TABLE, rng)
    assert len(triplets) == 60
    other = {"ear-left": "ear-right", "ear-right": "ear-left", "nose-left": "nose-right", "nose-right": "nose-left"}
    similarities = part.rows @ part.rows.T
    for anchor, positive, negative in triplets:
        assert part.classes[positive] == part.classes[anchor]
        assert positive != anchor
        assert part.classes[negative] == other[part.classes[anchor]]
        alike = [i for i, name in enumerate(part.classes) if name == part.classes[anchor] and i != anchor]
        assert positive == max(alike, key=lambda i: similarities[anchor, i])


def test_a_class_without_a_confusable_one_takes_any_other_and_a_lone_image_is_no_anchor():
    rows = np.eye(4, dtype=np.float32)
    triplets = mine(rows, ["a", "a", "b", "c"], TABLE, np.random.default_rng(0))
    assert sorted(triplets[:, 0].tolist()) == [0, 1]
    assert set(triplets[:, 2].tolist()) <= {2, 3}
    with pytest.raises(DatasetError, match="needs two classes"):
        mine(rows, ["a", "b", "c", "d"], TABLE, np.random.default_rng(0))


def test_a_split_has_its_shares_and_no_group_stands_on_two_sides():
    groups = [f"p{i // 7}" for i in range(700)]
    split = make_split(groups, seed=3)
    parts = [split.train, split.val, split.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(700))
    assert [len(part) / 700 for part in parts] == pytest.approx([0.70, 0.15, 0.15], abs=0.02)
    named = [{groups[i] for i in part} for part in parts]
    assert sum(map(len, named)) == len(set(groups))
    assert make_split(groups, seed=3).test.tolist() == split.test.tolist()
    assert make_split(groups, seed=4).test.tolist() != split.test.tolist()


def test_a_given_test_part_is_kept_and_what_shares_a_group_with_it_is_nowhere_else():
    groups = ["a", "a", "b", "c", "d", "e", "f", "g"]
    split = make_split(groups, seed=0, test=[0])
    assert split.test.tolist() == [0]
    assert 1 not in {*split.train, *split.val}
    assert sorted([*split.train, *split.val]) == [2, 3, 4, 5, 6, 7]


def test_too_few_groups_wrong_shares_and_a_vanished_image_are_sentences():
    with pytest.raises(InvalidInputError, match="2 groups are too few"):
        make_split(["a", "a", "b"], seed=0)
    with pytest.raises(InvalidInputError, match="with the sum 1"):
        make_split(["a", "b", "c"], seed=0, shares=(0.5, 0.5, 0.5))
    with pytest.raises(DatasetError, match=r"names gone\.png"):
        Split.of_files({"train": ["gone.png"], "val": [], "test": []}, ["here.png"])


def test_an_unknown_setting_is_a_sentence():
    with pytest.raises(InvalidInputError, match="backend 'vgg'; expected one of bundle, compact"):
        EntRecipe(backend="vgg")
