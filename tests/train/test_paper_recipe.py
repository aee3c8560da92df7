"""The published settings, their schedule, and what they refuse."""

import pytest

from runtime.errors import InvalidInputError

pytest.importorskip("torch")

from train.paper_recipe import PaperRecipe

pytestmark = pytest.mark.torch


def test_the_settings_are_the_published_ones() -> None:
    recipe = PaperRecipe()
    assert (recipe.size, recipe.dims, recipe.max_tokens, recipe.unfrozen) == (224, 64, 128, 4)
    assert (recipe.learning_rate, recipe.weight_decay, recipe.temperature) == (5e-5, 1e-3, 0.05)
    assert (recipe.epochs, recipe.batch, recipe.folds, recipe.loss) == (10, 64, 10, "published")


def test_it_survives_json() -> None:
    recipe = PaperRecipe(milestones=(1, 2), languages=("en", "vi"))
    assert PaperRecipe.from_json(recipe.to_json() | {"milestones": [1, 2], "languages": ["en", "vi"]}) == recipe


def test_learning_rate_warms_up_over_two_epochs_and_falls_at_the_milestones() -> None:
    recipe = PaperRecipe(milestones=(4, 6))
    factors = [recipe.learning_rate_factor(step, 5) for step in range(35)]
    assert factors[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert factors[10:20] == pytest.approx([1.0] * 10)
    assert factors[20:30] == pytest.approx([0.1] * 10)
    assert factors[30:] == pytest.approx([0.01] * 5)


@pytest.mark.parametrize(
    "wrong", [{"loss": "hinge"}, {"augmentation": "flip"}, {"selection": "loss"}, {"unfrozen": 0}, {"unfrozen": 7}]
)
def test_a_setting_that_means_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(wrong))):
        PaperRecipe(**wrong)


def test_the_epoch_kept_is_chosen_by_mrr_or_as_published() -> None:
    assert PaperRecipe().criterion == "mrr"
    assert PaperRecipe(selection="published").criterion == "r5_own"
