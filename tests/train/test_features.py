"""Frozen features are computed once, and again only where a picture or a setting changed."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from runtime.dataset import Dataset, read_dataset  # noqa: E402  after the skip
from runtime.images import read_image  # noqa: E402
from runtime.tokenizer import TextTokenizer  # noqa: E402
from train.features import image_features, image_stream, text_stream  # noqa: E402
from train.image_trunk import LiteTrunk, image_preprocessing  # noqa: E402
from train.minilm import package_folder  # noqa: E402
from train.recipes import CompactRecipe  # noqa: E402

from .tiny_trunks import ADAPTS, HUGE_VOCABULARY, restless, tiny_bert, tiny_vit, tower  # noqa: E402

pytestmark = pytest.mark.torch
PREPROCESSING = image_preprocessing("lite0", "none")


class CountingTrunk(LiteTrunk):
    """The real trunk; counts the pictures that it sees."""

    seen = 0

    def forward(self, pixels: "torch.Tensor") -> "torch.Tensor":
        self.seen += len(pixels)
        return super().forward(pixels)


@pytest.fixture(scope="module")
def network() -> "torch.nn.Module":
    return LiteTrunk.load("lite0", sides=False).network


@pytest.fixture
def trunk(network) -> CountingTrunk:
    return CountingTrunk(network, sides=False).eval()


@pytest.fixture
def dataset(phantoms: Path, tmp_path: Path) -> Dataset:
    records = []
    for record in read_dataset(phantoms).records[:3]:
        shutil.copyfile(record.path, tmp_path / record.path.name)
        records.append(replace(record, path=tmp_path / record.path.name))
    return Dataset(tmp_path, tuple(records))


def features(dataset: Dataset, trunk: LiteTrunk, cache: Path, crop: str = "none") -> "torch.Tensor":
    return image_features(dataset, trunk, replace(PREPROCESSING, crop=crop), "lite0", cache, batch=2)


def test_each_row_is_the_trunks_answer_to_that_picture(dataset, trunk, tmp_path):
    rows = features(dataset, trunk, tmp_path / "cache")
    assert (rows.shape, rows.dtype) == ((3, 1280), torch.float32)
    for row, record in zip(rows, dataset.records, strict=True):
        with torch.inference_mode():
            alone = trunk(torch.from_numpy(PREPROCESSING([read_image(record.path)])))[0]
        torch.testing.assert_close(row, alone, rtol=0, atol=1e-4)


def test_a_second_call_computes_nothing(dataset, trunk, tmp_path):
    first = features(dataset, trunk, tmp_path / "cache")
    assert trunk.seen == 3
    assert torch.equal(features(dataset, trunk, tmp_path / "cache"), first)
    assert trunk.seen == 3


def test_features_are_kept_by_picture_and_setting(dataset, trunk, tmp_path):
    cache = tmp_path / "cache"
    two = features(replace(dataset, records=dataset.records[:2]), trunk, cache)
    three = features(dataset, trunk, cache)
    assert trunk.seen == 3, "a data set that grows computes what is new"
    assert torch.equal(three[:2], two)
    assert torch.equal(features(replace(dataset, records=dataset.records[::-1]), trunk, cache), three.flip(0))
    shutil.copyfile(dataset.records[0].path, dataset.records[1].path)
    assert torch.equal(features(dataset, trunk, cache)[1], three[0]), "a picture goes by its content, not its name"
    assert trunk.seen == 3
    assert not torch.allclose(features(dataset, trunk, cache, crop="circle"), three, atol=1e-2)
    assert trunk.seen == 5, "two different pictures, cropped"


@pytest.mark.parametrize("damage", [b"", b"not an array", None])
def test_a_damaged_cache_is_computed_again(dataset, trunk, tmp_path, damage):
    cache = tmp_path / "cache"
    first = features(dataset, trunk, cache)
    (path,) = cache.iterdir()
    path.write_bytes(path.read_bytes()[:500] if damage is None else damage)
    assert torch.equal(features(dataset, trunk, cache), first)
    assert trunk.seen == 6
    assert torch.equal(features(dataset, trunk, cache), first)
    assert trunk.seen == 6, "the damaged file was not replaced"


TEXTS = ("a left tympanic membrane with a central perforation and wax", "ear", "mũi phải có dịch mủ", "open cords")


@pytest.mark.parametrize("kind", ADAPTS)
def test_the_stream_of_many_texts_is_that_of_each_text_alone(kind):
    trunk, adapt = tiny_bert(vocabulary=HUGE_VOCABULARY), ADAPTS[kind]
    tokenizer = TextTokenizer(package_folder() / "tokenizer.json")
    folds = restless(tower(trunk, adapt, 2), 1)
    with torch.inference_mode():
        together = folds(text_stream(TEXTS, trunk, tokenizer, adapt, batch=2))
        for i, text in enumerate(TEXTS):
            ids, mask = (torch.from_numpy(part) for part in tokenizer([text]))
            alone = folds(trunk.stream(ids, mask, adapt))
            torch.testing.assert_close(together[:, i], alone[:, 0], rtol=0, atol=1e-5)


def test_the_real_text_trunk_gives_every_text_its_own_stream(minilm):
    tokenizer = TextTokenizer(package_folder() / "tokenizer.json")
    folds = restless(tower(minilm, ADAPTS["readout"], 2), 1, 0.02)
    with torch.inference_mode():
        together = folds(text_stream(TEXTS, minilm, tokenizer, ADAPTS["readout"], batch=3))
        for i, text in enumerate(TEXTS):
            alone = folds(minilm.stream(*map(torch.from_numpy, tokenizer([text])), ADAPTS["readout"]))
            torch.testing.assert_close(together[:, i], alone[:, 0], rtol=0, atol=1e-5)


def test_a_convolutional_trunks_stream_is_its_features(dataset, trunk, tmp_path):
    recipe = CompactRecipe(image_trunk="lite0")
    stream = image_stream(dataset, trunk, PREPROCESSING, recipe, tmp_path / "cache")
    assert torch.equal(stream.pooled, features(dataset, trunk, tmp_path / "cache"))
    assert trunk.seen == 3, "both come from one cache"
    assert stream.keys is None


@pytest.mark.parametrize("adapt", ["heads", "readout:2", "unfreeze:1"])
def test_a_vits_stream_is_each_pictures_own_in_half_precision(dataset, tmp_path, adapt):
    trunk, recipe = tiny_vit(size=224, patch=56), CompactRecipe(image_trunk="dinov2-s", image_adapt=adapt)
    preprocessing = image_preprocessing("dinov2-s", "none")
    many = replace(dataset, records=dataset.records * 3)  # more than a batch
    stream = image_stream(many, trunk, preprocessing, recipe, tmp_path)
    assert not list(tmp_path.rglob("*.npz")), "keys and values are not kept on disk"
    for i, record in enumerate(many.records):
        with torch.inference_mode():
            alone = trunk.stream(torch.from_numpy(preprocessing([read_image(record.path)])), recipe.image)
        for name, tensor in vars(alone).items():
            held = getattr(stream, name)
            assert (held is None) is (tensor is None), name
            if tensor is not None:
                assert held.dtype == torch.float16
                torch.testing.assert_close(held[i].float(), tensor[0], rtol=2e-3, atol=2e-3)
