"""A byte a weight: half a step of error per channel, a quarter of the file, the same search."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from onnx import numpy_helper  # noqa: E402  after the skip

from export.certificate import Towers, top_agreement  # noqa: E402
from export.int8_weights import MIN_ELEMENTS, MIN_INT8_KERNEL, quantise, store_weights  # noqa: E402
from runtime.bundle import IMAGE_MODEL, TEXT_MODEL, TOKENIZER  # noqa: E402
from runtime.dataset import read_dataset  # noqa: E402
from runtime.images import read_image  # noqa: E402
from runtime.sessions import open_session  # noqa: E402
from runtime.tokenizer import TextTokenizer  # noqa: E402

pytestmark = pytest.mark.torch
PRODUCTS = {"MatMul", "Gemm", "Conv", "Gather"}


@pytest.fixture(scope="module")
def small(tiny_bundle, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("int8")
    for name in (TEXT_MODEL, IMAGE_MODEL):
        store_weights(tiny_bundle / name, folder / name)
    return folder


@pytest.mark.parametrize(
    ("shape", "used_by", "scales"),
    [
        ((64, 48), {"MatMul"}, (1, 48)),
        ((3, 64, 48), {"MatMul"}, (3, 1, 48)),
        ((64, 48), {"Gather"}, (64, 1)),
        ((16, 8, 3, 3), {"Conv"}, (16, 1, 1, 1)),
    ],
)
def test_the_error_is_at_most_half_a_step_of_the_output_channel(shape, used_by, scales):
    rng = np.random.default_rng(0)
    weight = (rng.normal(size=shape) * rng.uniform(0.01, 10, scales)).astype(np.float32)
    codes, scale = quantise(weight, used_by)
    assert (codes.dtype, codes.shape, scale.dtype, scale.shape) == (np.int8, shape, np.float32, scales)
    error = np.abs(codes.astype(np.float64) * scale - weight)
    assert (error <= scale / 2 * (1 + 1e-4)).all()
    axes = tuple(i for i, size in enumerate(scales) if size == 1)
    np.testing.assert_array_equal(np.abs(codes).max(axis=axes), 127)


def test_a_channel_of_zeros_stays_zero():
    codes, scale = quantise(np.zeros((8, 4), np.float32), {"MatMul"})
    assert not codes.any()
    assert np.isfinite(scale).all()


def test_every_stored_weight_is_the_fp32_one_within_half_a_step(tiny_bundle, small):
    for name in (TEXT_MODEL, IMAGE_MODEL):
        graph = onnx.load(tiny_bundle / name).graph
        exact = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        factors = {key for node in graph.node if node.op_type in PRODUCTS for key in node.input}
        stored = {t.name: numpy_helper.to_array(t) for t in onnx.load(small / name).graph.initializer}
        kinds = {"int8": 0, "float16": 0, "same": 0}
        for key, weight in exact.items():
            codes, steps = (
                (f"{key}.codes", f"{key}.steps") if f"{key}.codes" in stored else (f"{key}.int8", f"{key}.scale")
            )
            if codes in stored:
                scale = stored[steps].astype(np.float64)  # the bound is closer than float32 counts
                assert (np.abs(stored[codes] * scale - weight) <= scale / 2 * (1 + 1e-4)).all()
                kinds["int8"] += 1
            elif f"{key}.float16" in stored:
                assert weight.ndim == 4
                assert weight.size < MIN_INT8_KERNEL
                np.testing.assert_allclose(stored[f"{key}.float16"], weight, rtol=1e-3, atol=1e-6)
                kinds["float16"] += 1
            else:
                np.testing.assert_array_equal(stored[key], weight)
                large = weight.dtype == np.float32 and weight.ndim >= 2 and weight.size >= MIN_ELEMENTS
                assert not (large and key in factors), f"{key} is stored in full"
                kinds["same"] += 1
        assert kinds["int8"] > 3, name
        assert (kinds["float16"] > 0) == (name == IMAGE_MODEL)


def test_the_files_shrink(tiny_bundle, small):
    sizes = {n: (small / n).stat().st_size / (tiny_bundle / n).stat().st_size for n in (TEXT_MODEL, IMAGE_MODEL)}
    assert sizes[TEXT_MODEL] < 0.3
    assert sizes[IMAGE_MODEL] < 0.6


def towers(folder, tokenizer: TextTokenizer, preprocessing) -> Towers:
    texts, images = open_session(folder / TEXT_MODEL, threads=2), open_session(folder / IMAGE_MODEL, threads=2)

    def encode_texts(batch):
        ids, mask = tokenizer(batch)
        return texts.run(["embeddings"], {"input_ids": ids, "attention_mask": mask})[0]

    return Towers(encode_texts, lambda batch: images.run(["embeddings"], {"pixel_values": preprocessing(batch)})[0])


def test_vectors_and_top_five_stay_and_no_vector_depends_on_its_batch(tiny_bundle, small, tiny_parts, phantoms):
    tokenizer = TextTokenizer(tiny_bundle / TOKENIZER)
    exact, ours = (towers(folder, tokenizer, tiny_parts.preprocessing) for folder in (tiny_bundle, small))
    records = read_dataset(phantoms).records[:20]
    texts, images = [r.captions[0] for r in records], [read_image(r.path) for r in records]
    rows = {}
    for tower, inputs in (("texts", texts), ("images", images)):
        small_rows, exact_rows = getattr(ours, tower)(inputs), getattr(exact, tower)(inputs)
        cosines = np.einsum("nkd,nkd->nk", small_rows, exact_rows)
        assert cosines.mean(0).min() > 0.999
        rows[tower] = small_rows.reshape(20, -1), exact_rows.reshape(20, -1)
        np.testing.assert_allclose(getattr(ours, tower)(inputs[:1]), small_rows[:1], atol=1e-5)
    agreement = top_agreement(*(rows["texts"][i] @ rows["images"][i].T for i in (0, 1)))
    assert agreement > 0.9
