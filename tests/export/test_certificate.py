"""The certificate passes what is equal and names fold, tower and amount where something is not."""

import copy
import re

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from export.certificate import (  # noqa: E402  after the skip
    Towers,
    certify_fp32,
    certify_int8,
    certify_tokens,
    reference_pixels,
    top_agreement,
)
from export.parts import original_ids, torch_towers  # noqa: E402
from runtime.dataset import read_dataset  # noqa: E402
from runtime.encoder import open_encoder  # noqa: E402
from runtime.errors import BundleError  # noqa: E402
from runtime.images import read_image  # noqa: E402
from runtime.preprocess import Preprocessing  # noqa: E402
from runtime.tokenizer import TextTokenizer  # noqa: E402
from train.minilm import package_folder  # noqa: E402

pytestmark = pytest.mark.torch
N, K, D = 40, 3, 16
TEXTS, IMAGES = [str(i) for i in range(N)], [np.full((1, 1, 3), i, np.uint8) for i in range(N)]


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def towers(texts: np.ndarray, images: np.ndarray) -> Towers:
    """Towers that know the answers to TEXTS and IMAGES."""
    return Towers(lambda batch: texts[[int(t) for t in batch]], lambda batch: images[[int(i[0, 0, 0]) for i in batch]])


@pytest.fixture
def vectors() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return unit(rng.normal(size=(N, K, D))), unit(rng.normal(size=(N, K, D)))


def folds_of(texts: np.ndarray, images: np.ndarray) -> list[Towers]:
    return [towers(texts[:, k : k + 1], images[:, k : k + 1]) for k in range(K)]


def test_fp32_states_the_largest_difference_of_every_fold_and_tower(vectors):
    texts, images = vectors
    shifted = texts.copy()
    shifted[7, 1, 3] += 4e-6
    report = certify_fp32(towers(shifted, images), folds_of(texts, images), TEXTS, IMAGES)
    assert report["image_max_abs_difference"] == [0.0] * K
    assert report["text_max_abs_difference"] == pytest.approx([0.0, 4e-6, 0.0], abs=1e-7)
    assert (report["texts"], report["images"], report["limit"]) == (N, N, 1e-5)


@pytest.mark.parametrize(("tower", "fold"), [("text", 0), ("image", 2)])
@pytest.mark.parametrize("value", [3e-5, float("nan")])
def test_fp32_names_the_fold_and_the_tower_that_differ(vectors, tower, fold, value):
    wrong = [part.copy() for part in vectors]
    wrong[tower == "image"][5, fold, 0] += value
    with pytest.raises(BundleError, match=f"the {tower} tower of fold {fold} differs from torch by .*limit is 1e-05"):
        certify_fp32(towers(*wrong), folds_of(*vectors), TEXTS, IMAGES)


def turned(rows: np.ndarray, fold: int, cosine: float) -> np.ndarray:
    """`rows` with one fold's vectors turned away by a known angle."""
    rng = np.random.default_rng(9)
    out = rows.copy()
    aside = rng.normal(size=(N, D))
    aside -= np.sum(aside * rows[:, fold], axis=1, keepdims=True) * rows[:, fold]
    out[:, fold] = cosine * rows[:, fold] + np.sqrt(1 - cosine**2) * unit(aside)
    return out


def test_int8_states_known_cosines_and_agreement(vectors):
    texts, images = vectors
    report = certify_int8(towers(turned(texts, 1, 0.999999), images), towers(texts, images), TEXTS, IMAGES)
    assert report["text_mean_cosine"] == pytest.approx([1, 0.999999, 1], abs=1e-6)
    assert report["image_mean_cosine"] == pytest.approx([1, 1, 1], abs=1e-6)
    assert 0.98 <= report["top5_agreement"] <= 1


def test_int8_names_the_fold_and_the_tower_below_the_cosine(vectors):
    texts, images = vectors
    with pytest.raises(BundleError, match=r"int8 image tower of fold 2 has mean cosine 0\.98\d\d.*--precision fp32"):
        certify_int8(towers(texts, turned(images, 2, 0.985)), towers(texts, images), TEXTS, IMAGES)


def test_int8_refuses_a_changed_top_five_though_every_cosine_is_high(vectors):
    texts, images = vectors
    with pytest.raises(BundleError, match=r"keeps (0\.\d{4}) of the fp32 ensemble's top five; the limit is 0\.98"):
        certify_int8(towers(turned(texts, 0, 0.991), images), towers(texts, images), TEXTS, IMAGES)


def test_agreement_is_the_share_of_common_places_in_the_top():
    scores = np.arange(10.0)[None]
    other = scores.copy()
    other[0, 5] = -1  # fifth of ten falls out, the one below it comes in
    assert top_agreement(scores, scores) == 1
    assert top_agreement(scores, other) == pytest.approx(4 / 5)
    assert top_agreement(scores, -scores) == 0
    assert top_agreement(scores[:, :3], -scores[:, :3]) == 1, "there are only three to choose from"


def test_tokens_are_compared_with_the_original_tokenizer_and_a_difference_is_quoted():
    texts = ["ear", "mũi phải", "🙂 x"]
    original = original_ids(package_folder(), 128)
    ours = TextTokenizer(package_folder() / "tokenizer.json")
    assert certify_tokens(ours, original, texts) == sum(len(original(text)) for text in texts)
    with pytest.raises(BundleError, match=r"the tokens of 'mũi phải' are .* the original tokenizer gives"):
        certify_tokens(ours, lambda text: original(text)[: 4 if "ũ" in text else None], texts)


def test_the_reference_pixels_do_not_come_from_the_runtimes_filter(monkeypatch):
    preprocessing = Preprocessing(32, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    ours = preprocessing([image])
    monkeypatch.setattr("runtime.preprocess.resize_bicubic", None)
    np.testing.assert_allclose(reference_pixels([image], preprocessing).numpy(), ours, atol=1e-4)


@pytest.mark.parametrize("tower", ["text", "image"])
def test_a_fold_whose_weights_were_changed_after_export_fails_by_name(tiny_bundle, tiny_parts, phantoms, tower):
    encoder = open_encoder(tiny_bundle, threads=2)
    graph = Towers(lambda texts: encoder.encode_texts(list(texts)), lambda images: encoder.encode_images(list(images)))
    records = read_dataset(phantoms).records[:2]
    texts, images = [record.captions[0] for record in records], [read_image(record.path) for record in records]
    report = certify_fp32(graph, tiny_parts.references, texts, images)
    assert max(report[f"{tower}_max_abs_difference"]) <= 1e-5

    corrupted = copy.deepcopy(getattr(tiny_parts, f"{tower}_graph"))
    head = corrupted.towers.head
    with torch.no_grad():
        head.out.weight[1, 0, 0] += 0.01
    every = {"text": tiny_parts.text_graph, "image": tiny_parts.image_graph} | {tower: corrupted}
    stacked = torch_towers(
        every["text"], every["image"], tiny_parts.tokenizer_folder, tiny_parts.max_tokens, tiny_parts.preprocessing
    )
    one_by_one = [
        Towers(lambda t, k=k: stacked.texts(t)[:, k : k + 1], lambda i, k=k: stacked.images(i)[:, k : k + 1])
        for k in range(3)
    ]
    with pytest.raises(BundleError) as caught:
        certify_fp32(graph, one_by_one, texts, images)
    found = re.search(r"the (\w+) tower of fold (\d) differs from torch by ([\d.e-]+)", str(caught.value))
    assert found
    assert found.groups()[:2] == (tower, "1")
    assert 1e-5 < float(found[3]) < 0.1
