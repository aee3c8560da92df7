"""Counted work against arithmetic, and rates that are rates."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.floors import Work, copy_gbs, matmul_gflops

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from benchmarks.floors import machine_rates  # noqa: E402
from benchmarks.graph_work import graph_work  # noqa: E402


def _save(path: Path, nodes: list, inputs: list, initializers: dict[str, np.ndarray]) -> Path:
    tensors = [numpy_helper.from_array(value, name) for name, value in initializers.items()]
    given = [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in inputs]
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", given, [out], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, path)
    return path


def test_a_product_with_a_dynamic_batch_is_two_operations_a_weight_and_row(tmp_path):
    w = np.ones((6, 4), np.float32)
    path = _save(tmp_path / "g.onnx", [helper.make_node("MatMul", ["x", "w"], ["out"])], [("x", 1, ["n", 6])], {"w": w})
    work = graph_work(path, {"x": np.ones((5, 6), np.float32)})
    assert work == Work(2 * 5 * 6 * 4, 0, 6 * 4 * 4, 5 * 6 * 4 + 5 * 4 * 4)


def test_a_product_of_two_activations_has_no_weight(tmp_path):
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "t"], ["out"]),
    ]
    path = _save(tmp_path / "g.onnx", nodes, [("x", 1, ["n", 3])], {})
    work = graph_work(path, {"x": np.ones((7, 3), np.float32)})
    assert (work.float_operations, work.weight_bytes) == (2 * 7 * 3 * 7, 0)


def test_a_grouped_convolution_counts_its_own_channels_only(tmp_path):
    kernel = np.ones((8, 1, 3, 3), np.float32)  # depthwise: eight groups
    node = helper.make_node("Conv", ["x", "k"], ["out"], group=8, pads=[1, 1, 1, 1])
    path = _save(tmp_path / "g.onnx", [node], [("x", 1, ["n", 8, 10, 10])], {"k": kernel})
    work = graph_work(path, {"x": np.ones((2, 8, 10, 10), np.float32)})
    assert work.float_operations == 2 * (2 * 8 * 10 * 10) * 9


def test_eight_bit_products_are_counted_apart_and_a_weight_that_two_share_is_read_once(tmp_path):
    w = np.ones((6, 6), np.int8)
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node("MatMulInteger", ["q", "w", "z"], ["a"]),
        helper.make_node("MatMulInteger", ["q", "w", "z"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["sum"]),
        helper.make_node("Cast", ["sum"], ["out"], to=TensorProto.FLOAT),
    ]
    path = _save(tmp_path / "g.onnx", nodes, [("x", 1, ["n", 6])], {"w": w})
    work = graph_work(path, {"x": np.ones((3, 6), np.float32)})
    assert (work.float_operations, work.int8_operations) == (0, 2 * 2 * 3 * 6 * 6)
    assert work.weight_bytes == 6 * 6


def test_a_weight_that_is_cast_when_the_session_opens_counts_as_what_is_read_in_the_pass(tmp_path):
    w = np.ones((6, 4), np.float16)
    nodes = [
        helper.make_node("Cast", ["w"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["x", "wide"], ["out"]),
    ]
    path = _save(tmp_path / "g.onnx", nodes, [("x", 1, ["n", 6])], {"w": w})
    assert graph_work(path, {"x": np.ones((5, 6), np.float32)}).weight_bytes == 6 * 4 * 4


def test_the_floor_is_the_larger_of_operations_and_bytes_at_the_machine_s_rates():
    rates = {"matmul_gflops": 100.0, "int8_gops": 400.0, "copy_gbs": 10.0}
    by_bytes = Work(100_000_000, 400_000_000, 50_000_000, 0).floor_ms(rates)
    assert by_bytes.pop("bound") == "weight bytes"
    assert by_bytes == pytest.approx({"compute_ms": 2.0, "bytes_ms": 5.0, "floor_ms": 5.0})
    assert Work(10**9, 0, 1000, 0).floor_ms(rates)["bound"] == "operations"


def test_rates_are_positive_and_two_ways_of_the_same_product_are_of_one_order():
    rates = machine_rates(1)
    assert all(value > 0 for value in rates.values())
    assert 0.05 < matmul_gflops() / rates["matmul_gflops"] < 50
    assert copy_gbs(1, megabytes=8) > 0.1
