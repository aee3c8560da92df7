"""Frozen features are computed once, and again only where a picture or a setting changed."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from runtime.dataset import Dataset, read_dataset  # noqa: E402  after the skip
from runtime.images import read_image  # noqa: E402
from runtime.tokenizer import TextTokenizer  # noqa: E402
from train.features import image_features, text_features  # noqa: E402
from train.image_trunk import LiteTrunk, lite_preprocessing  # noqa: E402
from train.minilm import package_folder  # noqa: E402
from train.text_tower import TextFolds, frozen_stream  # noqa: E402

pytestmark = pytest.mark.torch
PREPROCESSING = lite_preprocessing("lite0", "none")


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


def test_the_stream_of_many_texts_is_that_of_each_text_alone(minilm):
    tokenizer = TextTokenizer(package_folder() / "tokenizer.json")
    texts = ("a left tympanic membrane with a central perforation and wax", "ear", "mũi phải có dịch mủ", "open cords")
    torch.manual_seed(0)
    folds = TextFolds(minilm, 2, readout=2, rank=2, hidden=16, dims=8, dropout=0.0).eval()
    with torch.inference_mode():
        together = folds(text_features(texts, minilm, tokenizer, 2, batch=2))
        for i, text in enumerate(texts):
            ids, mask = (torch.from_numpy(part) for part in tokenizer([text]))
            alone = folds(frozen_stream(minilm, ids, mask, 2))
            torch.testing.assert_close(together[:, i], alone[:, 0], rtol=0, atol=1e-5)
