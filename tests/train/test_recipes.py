"""A compact recipe survives run.json, says what its folds own, and refuses what means nothing."""

import json

import pytest

from runtime.errors import InvalidInputError
from train.adapt import Adapt
from train.recipes import CompactRecipe


def test_it_survives_json():
    recipe = CompactRecipe(
        image_trunk="dinov2-s", image_weights="random", text_adapt="lora:4", image_adapt="unfreeze:2", rank=0, hidden=0,
        start="shared", own_key=True, languages=("en",), positive_columns=("class", "type"),
    )  # fmt: skip
    assert CompactRecipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


def test_each_tower_has_what_its_folds_own_and_the_rank_of_read_out_maps():
    recipe = CompactRecipe(text_adapt="readout:3", image_adapt="lora:5", rank=2)
    assert recipe.text == Adapt("readout", 3, 2)
    assert recipe.image.kind == "lora"
    assert recipe.image.rank == 5
    assert CompactRecipe(rank=0).text == Adapt("readout", 2, 0)
    assert CompactRecipe().image == Adapt("heads")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"loss": "hinge"}, "loss 'hinge'; expected one of multi-positive"),
        ({"start": "warm"}, "start 'warm'; expected own or shared"),
        ({"rank": -1}, "rank -1"),
        ({"hidden": -1}, "hidden -1"),
        ({"text_adapt": "readout"}, "adapt 'readout'; expected heads, readout:N"),
        ({"image_adapt": "unfreeze:0"}, "adapt 'unfreeze:0'; expected heads, readout:N"),
        ({"folds": 1}, "at least 2 folds"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(wrong, message):
    with pytest.raises(InvalidInputError, match=message):
        CompactRecipe(**wrong)
