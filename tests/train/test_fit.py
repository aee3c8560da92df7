"""One fold learns what can be learned, keeps its best epoch, and does so the same way every time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from runtime.dataset import Dataset, Record  # noqa: E402  after the skip
from runtime.errors import InvalidInputError  # noqa: E402
from runtime.tokenizer import TextTokenizer  # noqa: E402
from train.features import text_stream  # noqa: E402
from train.fit import ALIKE, CompactFolds, Features, FoldResult, batch_loss, by_length, fit_fold, validate  # noqa: E402
from train.frozen import frozen_sha256  # noqa: E402
from train.image_trunk import LiteTrunk  # noqa: E402
from train.minilm import package_folder  # noqa: E402
from train.pairs import Pairs, make_pairs  # noqa: E402
from train.recipes import CompactRecipe  # noqa: E402
from train.stream import Stream  # noqa: E402

from .tiny_trunks import HUGE_VOCABULARY, tiny_bert, tiny_vit  # noqa: E402

pytestmark = pytest.mark.torch
THINGS = ["dog", "ear", "house", "river", "violin", "apple", "ship", "shoe", "moon", "bread", "knife", "horse"]
RECIPE = CompactRecipe(
    text_adapt="readout:1", rank=2, hidden=64, dims=16, epochs=12, batch=16, validate_every=3, languages=("en",),
    folds=2, seed=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    """Two images a thing: one to train on, one held out, with the same caption."""
    records = [Record(f"{i}.png", Path(f"{i}.png"), (f"a {THINGS[i % 12]}",)) for i in range(24)]
    return make_pairs(Dataset(Path("set"), tuple(records)), np.arange(24), languages=("en",))


@pytest.fixture(scope="module")
def features(pairs, minilm) -> Features:
    """Image features that are a fixed random map of the caption's vector, plus a little noise."""
    texts = text_stream(pairs.texts, minilm, tokenizer(), RECIPE.text)
    generator = torch.Generator().manual_seed(0)
    mapped = texts.pooled @ torch.randn(384, 48, generator=generator)
    images = torch.empty(24, 48)
    for t, i in zip(pairs.text, pairs.image, strict=True):
        images[i] = mapped[t] + 0.1 * torch.randn(48, generator=generator)
    trunk = LiteTrunk(torch.nn.Identity(), sides=False)  # has features and no blocks, as any convolutional trunk
    trunk.width = 48
    return Features(Stream(images), texts, trunk, minilm)


def tokenizer() -> TextTokenizer:
    return TextTokenizer(package_folder() / "tokenizer.json")


def fit(features: Features, pairs: Pairs, recipe: CompactRecipe = RECIPE, fold: int = 0) -> FoldResult:
    train, val = pairs.of_images(np.arange(12)), pairs.of_images(np.arange(12, 24))
    *rows, result = fit_fold(features, pairs, train, val, recipe, fold)
    assert isinstance(result, FoldResult)
    assert rows == result.curve
    return result


def folds_of(features: Features, recipe: CompactRecipe = RECIPE) -> CompactFolds:
    return CompactFolds(features.text_trunk, features.image_trunk, recipe)


def equal(a: FoldResult, b: FoldResult) -> bool:
    return all(torch.equal(tensor, b.weights[name]) for name, tensor in a.weights.items())


def test_a_fold_learns_captions_that_it_can_learn(features, pairs):
    result = fit(features, pairs, replace(RECIPE, epochs=40, validate_every=10, learning_rate=3e-3, dropout=0.0))
    losses = [row["loss"] for row in result.curve]
    assert losses[-1] < losses[0] / 2
    assert result.figures["mrr"] > 0.8, "chance is .26"
    assert [row["epoch"] for row in result.curve] == [10, 20, 30, 40]


def test_the_weights_kept_are_those_of_the_best_validation(features, pairs):
    result = fit(features, pairs)
    best = max(result.curve, key=lambda row: row["mrr"])
    assert result.figures == {key: best[key] for key in ("epoch", "r1", "r5", "r10", "mrr")}
    model = folds_of(features)
    model.load_state_dict(result.weights)
    again = validate(model, features, pairs, pairs.of_images(np.arange(12, 24)))
    assert again == pytest.approx({key: result.figures[key] for key in again})


def test_the_same_seed_gives_the_same_weights_and_another_fold_or_seed_others(features, pairs):
    short = replace(RECIPE, epochs=3)
    first = fit(features, pairs, short)
    torch.rand(7)  # what was drawn before must not matter: folds are continued in another process
    assert equal(first, fit(features, pairs, short))
    assert not equal(first, fit(features, pairs, short, fold=1))
    assert not equal(first, fit(features, pairs, replace(short, seed=4)))


def test_the_last_epoch_is_validated_whatever_the_interval(features, pairs):
    result = fit(features, pairs, replace(RECIPE, epochs=4, validate_every=3))
    assert [row["epoch"] for row in result.curve] == [3, 4]


def test_training_leaves_the_trunk_bit_identical(features, pairs, minilm):
    before = {name: tensor.clone() for name, tensor in minilm.state_dict().items()}
    fit(features, pairs, replace(RECIPE, epochs=2))
    assert all(torch.equal(tensor, before[name]) for name, tensor in minilm.state_dict().items())


def test_a_fold_that_diverges_is_an_error_and_no_perfect_score(features, pairs):
    broken = replace(features, images=features.images.map(lambda tensor: torch.full_like(tensor, float("nan"))))
    with pytest.raises(InvalidInputError, match="NaN"):
        fit(broken, pairs, replace(RECIPE, epochs=1))


def test_copies_are_positives_in_our_loss_and_negatives_in_the_published_one(features, pairs):
    torch.manual_seed(0)
    model = folds_of(features).eval()
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


def test_equal_captions_on_other_pictures_give_the_published_value(features, pairs):
    """One text vector stands in both rows, so sharing the target among both pictures changes no sum."""
    torch.manual_seed(0)
    model = folds_of(features).eval()
    rows = pairs.of_images(np.array([0, 12, 1, 13]))
    assert pairs.positives(rows).sum() == 8
    with torch.inference_mode():
        ours, theirs = (
            float(batch_loss(model, features, pairs, rows, replace(RECIPE, loss=name)))
            for name in ("multi-positive", "published")
        )
    assert ours == pytest.approx(theirs, rel=1e-5)


ADAPTS = {
    "heads": {"adapt": "heads"},
    "readout": {"adapt": "readout:2"},
    "readout with a key of its own": {"adapt": "readout:2", "own_key": True},
    "readout, full weights": {"adapt": "readout:2", "rank": 0},
    "lora": {"adapt": "lora:2"},
    "unfreeze": {"adapt": "unfreeze:2"},
}


def of_both_towers(adapt: str, **settings: object) -> CompactRecipe:
    own = {"epochs": 30, "validate_every": 5, "dropout": 0.0, "hidden": 0, "unfrozen_learning_rate": 1e-3}
    own["learning_rate"] = 1e-2
    return replace(RECIPE, text_adapt=adapt, image_adapt=adapt, **(own | settings))


@pytest.fixture(scope="module")
def pictures(pairs) -> "torch.Tensor":
    """(24, 3, 32, 32): two noisy copies of twelve random pictures, one picture a caption."""
    generator = torch.Generator().manual_seed(1)
    kinds = torch.randn(12, 3, 32, 32, generator=generator)
    return kinds[torch.arange(24) % 12] + 0.3 * torch.randn(24, 3, 32, 32, generator=generator)


def transformers(pairs: Pairs, pictures: "torch.Tensor", recipe: CompactRecipe) -> Features:
    texts, images = tiny_bert(vocabulary=HUGE_VOCABULARY), tiny_vit()
    with torch.inference_mode():
        image_stream = images.stream(pictures, recipe.image).map(lambda tensor: tensor.half())
    return Features(image_stream, text_stream(pairs.texts, texts, tokenizer(), recipe.text), images, texts)


@pytest.mark.parametrize("kind", ADAPTS)
def test_every_way_to_adapt_learns_and_moves_nothing_but_what_the_fold_owns(pairs, pictures, kind):
    recipe = of_both_towers(**ADAPTS[kind])
    features = transformers(pairs, pictures, recipe)
    before = frozen_sha256(features.text_trunk, features.image_trunk)
    untouched = fit(features, pairs, replace(recipe, learning_rate=0, unfrozen_learning_rate=0, epochs=1))
    result = fit(features, pairs, recipe)
    assert result.curve[-1]["loss"] < 0.5 * untouched.curve[0]["loss"]
    assert result.figures["mrr"] > 0.6, "chance is .26"
    assert frozen_sha256(features.text_trunk, features.image_trunk) == before
    still = [name for name, tensor in result.weights.items() if torch.equal(tensor, untouched.weights[name])]
    assert not still
    assert any("blocks" in name for name in result.weights) is (kind != "heads")


@pytest.mark.parametrize("kind", ["heads", "readout", "unfreeze"])
def test_a_shared_start_is_the_same_in_every_fold_which_then_part(pairs, pictures, kind):
    recipe = of_both_towers(**ADAPTS[kind], epochs=1)
    features = transformers(pairs, pictures, recipe)
    still = {"learning_rate": 0, "unfrozen_learning_rate": 0}
    for start in ("own", "shared"):
        begun = [fit(features, pairs, replace(recipe, start=start, **still), fold) for fold in range(2)]
        assert equal(*begun) is (start == "shared")
        trained = [fit(features, pairs, replace(recipe, start=start), fold) for fold in range(2)]
        assert not equal(*trained)
    other_seed = fit(features, pairs, replace(recipe, start="shared", seed=9, **still))
    assert not equal(begun[0], other_seed)


@pytest.mark.parametrize("kind", ADAPTS)
def test_what_begins_as_the_trunks_weights_learns_at_its_own_rate(pairs, pictures, kind):
    recipe = of_both_towers(**ADAPTS[kind], epochs=1)
    features = transformers(pairs, pictures, recipe)

    def moved(**rates: float) -> set[str]:
        still, after = ({"learning_rate": 0, "unfrozen_learning_rate": 0} | r for r in ({}, rates))
        first, second = (fit(features, pairs, replace(recipe, **r)).weights for r in (still, after))
        return {name for name, tensor in second.items() if not torch.equal(tensor, first[name])}

    owned = set(folds_of(features, recipe).state_dict())
    copied = (
        {name for name in owned if ".head." not in name} if kind in {"unfreeze", "readout, full weights"} else set()
    )
    assert moved(unfrozen_learning_rate=1e-3) == copied
    assert not moved(learning_rate=1e-3) & copied
    assert {name for name in owned - copied if name.endswith("head.out.weight")} <= moved(learning_rate=1e-3)
    assert ("image.norm.weight" in copied) is (kind == "unfreeze")


def test_texts_in_parts_of_alike_length_have_the_vectors_of_one_batch(minilm):
    texts = tuple(" ".join(THINGS[: 1 + i % 9]) for i in range(ALIKE + 9))
    recipe = replace(RECIPE, text_adapt="unfreeze:1")
    stream = text_stream(texts, minilm, tokenizer(), recipe.text)
    trunk = LiteTrunk(torch.nn.Identity(), sides=False)
    tower = CompactFolds(minilm, trunk, recipe).text.eval()
    index = torch.from_numpy(np.random.default_rng(0).permutation(len(texts)))
    with torch.no_grad():
        torch.testing.assert_close(by_length(tower, stream, index), tower(stream.rows(index))[0], rtol=0, atol=1e-5)
