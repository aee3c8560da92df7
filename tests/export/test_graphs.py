"""One graph holds every fold, for any batch and length, and nothing of the machine that wrote it."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402  after the skip

from export.graphs import OPSET, fold_transposed_weights  # noqa: E402
from runtime.bundle import IMAGE_MODEL, TEXT_MODEL  # noqa: E402
from runtime.sessions import open_session  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(("batch", "length"), [(1, 3), (1, 7), (7, 1), (7, 128), (2, 4)])
def test_the_text_graph_takes_any_batch_and_length(tiny_bundle, tiny_parts, batch, length):
    session = open_session(tiny_bundle / TEXT_MODEL, threads=2)
    rng = np.random.default_rng([batch, length])
    ids = rng.integers(1000, 20_000, (batch, length))
    mask = np.ones_like(ids)
    mask[batch // 2 :, (length + 1) // 2 :] = 0  # some rows are padded
    out = session.run(["embeddings"], {"input_ids": ids, "attention_mask": mask})[0]
    assert out.shape == (batch, 3, 64)
    with torch.inference_mode():
        expected = tiny_parts.text_graph(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
    np.testing.assert_allclose(out, expected, atol=1e-5)


@pytest.mark.parametrize("batch", [1, 7])
def test_the_image_graph_takes_any_batch(tiny_bundle, tiny_parts, batch):
    session = open_session(tiny_bundle / IMAGE_MODEL, threads=2)
    pixels = np.random.default_rng(batch).normal(size=(batch, 3, 224, 224)).astype(np.float32)
    out = session.run(["embeddings"], {"pixel_values": pixels})[0]
    with torch.inference_mode():
        np.testing.assert_allclose(out, tiny_parts.image_graph(torch.from_numpy(pixels)).numpy(), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(out, axis=-1), 1, atol=1e-5)


@pytest.mark.parametrize("name", [TEXT_MODEL, IMAGE_MODEL])
def test_a_graph_is_one_file_without_traces_of_the_machine(tiny_bundle, name):
    model = onnx.load(tiny_bundle / name)
    assert not model.metadata_props
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    content = (tiny_bundle / name).read_bytes()
    assert str(Path(__file__).resolve().parents[2]).encode() not in content
    assert b"site-packages" not in content
    assert [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")] == [OPSET]


def test_what_folds_share_stands_once(tiny_bundle):
    sizes = [tensor.dims for tensor in onnx.load(tiny_bundle / TEXT_MODEL).graph.initializer]
    assert [list(dims) for dims in sizes].count([30522, 384]) == 1
    trunk, folds = (tiny_bundle / TEXT_MODEL).stat().st_size, 3
    assert trunk < 91e6 + folds * 4e6


def test_a_transposed_weight_is_turned_once_and_for_all():
    rng = np.random.default_rng(0)
    weight, x = rng.normal(size=(4, 6)).astype(np.float32), rng.normal(size=(2, 6)).astype(np.float32)
    nodes = [
        helper.make_node("Transpose", ["w"], ["wt"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "wt"], ["a"]),
        helper.make_node("Transpose", ["x"], ["xt"], perm=[1, 0]),  # of an input: stays
        helper.make_node("MatMul", ["w", "xt"], ["b"]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "g", [value("x", TensorProto.FLOAT, ["N", 6])],
        [value("a", TensorProto.FLOAT, ["N", 4]), value("b", TensorProto.FLOAT, [4, "N"])],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(weight, "unused")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    fold_transposed_weights(model)
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node] == ["MatMul", "Transpose", "MatMul"]
    assert sorted(tensor.name for tensor in model.graph.initializer) == ["w", "wt"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    a, b = session.run(None, {"x": x})
    np.testing.assert_allclose(a, x @ weight.T, atol=1e-5)
    np.testing.assert_allclose(b, weight @ x.T, atol=1e-5)
