"""One fold learns what can be learned, keeps its best epoch, and does so the same way every time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from runtime.dataset import Dataset, Record  # noqa: E402  after the skip
from runtime.errors import InvalidInputError  # noqa: E402
from runtime.tokenizer import TextTokenizer  # noqa: E402
from train.features import text_features  # noqa: E402
from train.fit import CompactFolds, Features, FoldResult, batch_loss, fit_fold, validate  # noqa: E402
from train.minilm import package_folder  # noqa: E402
from train.pairs import Pairs, make_pairs  # noqa: E402
from train.recipes import CompactRecipe  # noqa: E402

pytestmark = pytest.mark.torch
THINGS = ["dog", "ear", "house", "river", "violin", "apple", "ship", "shoe", "moon", "bread", "knife", "horse"]
RECIPE = CompactRecipe(
    readout=1, rank=2, hidden=64, dims=16, epochs=12, batch=16, validate_every=3, languages=("en",), folds=2, seed=3
)


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    """Two images a thing: one to train on, one held out, with the same caption."""
    records = [Record(f"{i}.png", Path(f"{i}.png"), (f"a {THINGS[i % 12]}",)) for i in range(24)]
    return make_pairs(Dataset(Path("set"), tuple(records)), np.arange(24), languages=("en",))


@pytest.fixture(scope="module")
def features(pairs, minilm) -> Features:
    """Image features that are a fixed random map of the caption's vector, plus a little noise."""
    texts = text_features(pairs.texts, minilm, TextTokenizer(package_folder() / "tokenizer.json"), RECIPE.readout)
    generator = torch.Generator().manual_seed(0)
    mapped = texts.pooled @ torch.randn(384, 48, generator=generator)
    images = torch.empty(24, 48)
    for t, i in zip(pairs.text, pairs.image, strict=True):
        images[i] = mapped[t] + 0.1 * torch.randn(48, generator=generator)
    return Features(images, texts)


def fit(features: Features, pairs: Pairs, minilm, recipe: CompactRecipe = RECIPE, fold: int = 0) -> FoldResult:
    train, val = pairs.of_images(np.arange(12)), pairs.of_images(np.arange(12, 24))
    *rows, result = fit_fold(features, pairs, train, val, minilm, recipe, fold)
    assert isinstance(result, FoldResult)
    assert rows == result.curve
    return result


def equal(a: FoldResult, b: FoldResult) -> bool:
    return all(torch.equal(tensor, b.weights[name]) for name, tensor in a.weights.items())


def test_a_fold_learns_captions_that_it_can_learn(features, pairs, minilm):
    result = fit(
        features, pairs, minilm, replace(RECIPE, epochs=40, validate_every=10, learning_rate=3e-3, dropout=0.0)
    )
    losses = [row["loss"] for row in result.curve]
    assert losses[-1] < losses[0] / 2
    assert result.figures["mrr"] > 0.8, "chance is .26"
    assert [row["epoch"] for row in result.curve] == [10, 20, 30, 40]


def test_the_weights_kept_are_those_of_the_best_validation(features, pairs, minilm):
    result = fit(features, pairs, minilm)
    best = max(result.curve, key=lambda row: row["mrr"])
    assert result.figures == {key: best[key] for key in ("epoch", "r1", "r5", "r10", "mrr")}
    model = CompactFolds(minilm, features.images.shape[1], RECIPE)
    model.load_state_dict(result.weights)
    again = validate(model, features, pairs, pairs.of_images(np.arange(12, 24)))
    assert again == pytest.approx({key: result.figures[key] for key in again})


def test_the_same_seed_gives_the_same_weights_and_another_fold_or_seed_others(features, pairs, minilm):
    short = replace(RECIPE, epochs=3)
    first = fit(features, pairs, minilm, short)
    torch.rand(7)  # what was drawn before must not matter: folds are continued in another process
    assert equal(first, fit(features, pairs, minilm, short))
    assert not equal(first, fit(features, pairs, minilm, short, fold=1))
    assert not equal(first, fit(features, pairs, minilm, replace(short, seed=4)))


def test_the_last_epoch_is_validated_whatever_the_interval(features, pairs, minilm):
    result = fit(features, pairs, minilm, replace(RECIPE, epochs=4, validate_every=3))
    assert [row["epoch"] for row in result.curve] == [3, 4]


def test_training_leaves_the_trunk_bit_identical(features, pairs, minilm):
    before = {name: tensor.clone() for name, tensor in minilm.state_dict().items()}
    fit(features, pairs, minilm, replace(RECIPE, epochs=2))
    assert all(torch.equal(tensor, before[name]) for name, tensor in minilm.state_dict().items())


def test_a_fold_that_diverges_is_an_error_and_no_perfect_score(features, pairs, minilm):
    broken = Features(torch.full_like(features.images, float("nan")), features.texts)
    with pytest.raises(InvalidInputError, match="NaN"):
        fit(broken, pairs, minilm, replace(RECIPE, epochs=1))


def test_copies_are_positives_in_our_loss_and_negatives_in_the_published_one(features, pairs, minilm):
    torch.manual_seed(0)
    model = CompactFolds(minilm, features.images.shape[1], RECIPE).eval()
    copies = replace(pairs, look=np.arange(24) // 2)  # other captions on two copies of one picture
    rows = pairs.of_images(np.arange(4))

    def loss(name: str, which: Pairs) -> float:
        with torch.inference_mode():
            return float(batch_loss(model, features, which, rows, replace(RECIPE, loss=name)))

    # four rows have no rank above 5, so the published penalty is 0
    assert loss("published", pairs) == pytest.approx(loss("multi-positive", pairs), rel=1e-5)
    assert loss("published", copies) == loss("published", pairs)
    assert abs(loss("multi-positive", copies) - loss("published", copies)) > 1e-3
    for which in (pairs, copies):
        assert 0 < loss("soft-rank", which) - loss("multi-positive", which) < 1


def test_equal_captions_on_other_pictures_give_the_published_value(features, pairs, minilm):
    """One text vector stands in both rows, so sharing the target among both pictures changes no sum."""
    torch.manual_seed(0)
    model = CompactFolds(minilm, features.images.shape[1], RECIPE).eval()
    rows = pairs.of_images(np.array([0, 12, 1, 13]))
    assert pairs.positives(rows).sum() == 8
    with torch.inference_mode():
        ours, theirs = (
            float(batch_loss(model, features, pairs, rows, replace(RECIPE, loss=name)))
            for name in ("multi-positive", "published")
        )
    assert ours == pytest.approx(theirs, rel=1e-5)
