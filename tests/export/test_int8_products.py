"""Integer products on graphs small enough to check by arithmetic, and on the real text tower."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402  after the skip

from export.int8_products import FLOAT_DOWN, FLOAT_FEED_FORWARD, FLOAT_NOTHING, integer_products  # noqa: E402
from export.int8_rows import scale_rows  # noqa: E402
from export.int8_weights import MIN_ELEMENTS  # noqa: E402
from runtime.bundle import TEXT_MODEL, TOKENIZER  # noqa: E402
from runtime.dataset import read_dataset  # noqa: E402
from runtime.sessions import open_session  # noqa: E402
from runtime.tokenizer import TextTokenizer  # noqa: E402

pytestmark = pytest.mark.torch

WIDTH, HIDDEN, FOLDS, RANK, WORDS = 64, 128, 3, 8, 20_000


def feed_forward(folder: Path) -> Path:
    """ids → rows of a table → feed-forward layer → K products with a fold axis, plus a thin low-rank delta."""
    rng = np.random.default_rng(0)
    weights = {
        "words": rng.normal(size=(WORDS, WIDTH)),
        "up": rng.normal(size=(WIDTH, HIDDEN)) / 8,
        "bias": rng.normal(size=HIDDEN),
        "down": rng.normal(size=(HIDDEN, WIDTH)) / 11,
        "head": rng.normal(size=(FOLDS, WIDTH, 48)) / 8 * np.array([1, 10, 100])[:, None, None],
        "thin": rng.normal(size=(FOLDS, WIDTH, RANK)) / 8,
        "back": rng.normal(size=(FOLDS, RANK, 48)) / 3,
    }
    nodes = [
        helper.make_node("Gather", ["words", "ids"], ["x"], name="gather"),
        helper.make_node("MatMul", ["x", "up"], ["u"], name="up"),
        helper.make_node("Add", ["u", "bias"], ["ub"], name="bias"),
        helper.make_node("Gelu", ["ub"], ["g"], name="gelu"),
        helper.make_node("MatMul", ["g", "down"], ["d"], name="down"),
        helper.make_node("MatMul", ["d", "head"], ["h"], name="head"),
        helper.make_node("MatMul", ["d", "thin"], ["t"], name="thin"),
        helper.make_node("MatMul", ["t", "back"], ["b"], name="back"),
        helper.make_node("Add", ["h", "b"], ["embeddings"], name="sum"),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("ids", TensorProto.INT64, ["N"])],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, [FOLDS, "N", 48])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, folder / "fp32.onnx")
    return folder / "fp32.onnx"


def run(path: Path, ids: np.ndarray) -> np.ndarray:
    return open_session(path, threads=1).run(None, {"ids": ids})[0]


def test_every_kind_of_product_stays_close_and_leaves_no_large_float(tmp_path):
    source, target = feed_forward(tmp_path), tmp_path / "int8.onnx"
    integer_products(source, target)
    ids = np.random.default_rng(1).integers(0, WORDS, 16)
    ours, exact = run(target, ids), run(source, ids)
    for fold in range(FOLDS):  # each has scales of its own: the fold with small weights is as exact as the others
        assert np.linalg.norm(ours[fold] - exact[fold]) < 0.04 * np.linalg.norm(exact[fold])
    model = onnx.load(target)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("DynamicQuantizeMatMul") == 1  # the folds' head
    assert kinds.count("MatMulInteger") == 2  # up and down
    assert kinds.count("MatMul") == 2  # the thin products stay float32
    large = [t.name for t in model.graph.initializer if t.data_type == 1 and np.prod(t.dims) >= MIN_ELEMENTS]
    assert large == ["words.steps"]  # one scale a word
    assert target.stat().st_size < 0.3 * source.stat().st_size


def test_weights_of_integer_products_have_seven_bits(tmp_path):
    integer_products(feed_forward(tmp_path), tmp_path / "int8.onnx")
    model = onnx.load(tmp_path / "int8.onnx")
    codes = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer if t.data_type == TensorProto.INT8}
    factors = {n.input[1] for n in model.graph.node if n.op_type in {"MatMulInteger", "DynamicQuantizeMatMul"}}
    assert len(factors) == 3
    for name in factors:  # two products of 64 · 255 fit into 16 bits
        assert 60 <= np.abs(codes[name].astype(int)).max() <= 64


@pytest.mark.parametrize(
    ("floats", "integers"), [(FLOAT_NOTHING, 2), (FLOAT_DOWN, 1), (FLOAT_FEED_FORWARD, 0)]
)  # fmt: skip
def test_a_variant_keeps_the_named_products_in_float32(tmp_path, floats, integers):
    source, target = feed_forward(tmp_path), tmp_path / "int8.onnx"
    integer_products(source, target, floats=floats, folds=False)
    kinds = [node.op_type for node in onnx.load(target).graph.node]
    assert kinds.count("MatMulInteger") == integers
    assert kinds.count("DynamicQuantizeMatMul") == 0
    assert source.stat().st_size * 0.3 > target.stat().st_size  # float32 in the arithmetic, not in the file


def test_scaling_rows_changes_no_number_and_keeps_the_bits_of_small_rows(tmp_path):
    source = feed_forward(tmp_path)
    model = onnx.load(source)
    scale_rows(model.graph, [node for node in model.graph.node if node.name in {"up", "down"}])
    onnx.checker.check_model(model)
    onnx.save(model, tmp_path / "rows.onnx")
    ids = np.arange(8)
    np.testing.assert_allclose(run(tmp_path / "rows.onnx", ids), run(source, ids), rtol=1e-4, atol=1e-3)

    model = onnx.load(source)  # word 0 is 200 times as large as the others
    words = next(t for t in model.graph.initializer if t.name == "words")
    table = numpy_helper.to_array(words).copy()
    table[0] *= 200
    words.CopyFrom(numpy_helper.from_array(table, "words"))
    onnx.save(model, source)
    integer_products(source, tmp_path / "int8.onnx", folds=False)
    ours, exact = run(tmp_path / "int8.onnx", ids)[:, 1:], run(source, ids)[:, 1:]
    # one step for all rows would leave the small ones no bit: an error as large as they are
    assert np.linalg.norm(ours - exact) < 0.05 * np.linalg.norm(exact)


def test_the_real_text_tower_keeps_its_vectors_in_a_quarter_of_the_bytes(tiny_bundle, phantoms, tmp_path):
    source, target = tiny_bundle / TEXT_MODEL, tmp_path / "int8.onnx"
    integer_products(source, target)
    tokenizer = TextTokenizer(tiny_bundle / TOKENIZER)
    sessions = [open_session(path, threads=2) for path in (target, source)]
    cosines = []
    for record in read_dataset(phantoms).records[:20]:
        ids, mask = tokenizer([record.captions[0]])
        ours, exact = (s.run(None, {"input_ids": ids, "attention_mask": mask})[0] for s in sessions)
        cosines.append(float((ours * exact).sum(-1).mean()))
    assert np.mean(cosines) > 0.99
    assert target.stat().st_size < 0.28 * source.stat().st_size
    kinds = [node.op_type for node in onnx.load(target).graph.node]
    assert kinds.count("MatMulInteger") >= 36  # every plain product of six layers
