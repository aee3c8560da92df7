"""Integer matrix products: weights int8 per output channel, the input rounded at run time (dynamic quantisation).

onnxruntime.quantization does the plain products. What it cannot do is done here: products with a fold axis
(weights (K, in, out)), and embeddings whose rows become float32 only when a query asks for them. Everything
large that stays float32 in the arithmetic is stored in int8 (int8_weights.py).

Weights have 7 bits. A processor without VNNI instructions adds two 8-bit products in 16 bits, which overflow;
with |code| ≤ 63 they cannot, so a bundle that passed the gate on one processor is as good on every other.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from .int8_rows import after_gelu, before_gelu, scale_rows
from .int8_weights import add_constant, drop_unused, gather_rows, quantise, store_weights

PEAK = 63  # largest code of a weight that enters an integer product
MIN_WIDTH = 32  # a thinner product (rank-8 deltas) is slower in int8: rounding its input costs more than it saves

# what stays float32 in the arithmetic, fastest first
FLOAT_NOTHING, FLOAT_DOWN, FLOAT_FEED_FORWARD = "nothing", "feed-forward outputs", "feed-forward layers"


def integer_products(source: Path, target: Path, *, floats: str = FLOAT_NOTHING, folds: bool = True) -> None:
    """Writes `source` with its constant-weight products as integer ones, except what `floats` names.

    `folds` False leaves products with a fold axis in float32: a graph without plain products then gives vectors that
    do not depend on the rest of their batch.
    """
    model = onnx.load(source)
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    plain, stacked = [], []
    for node in _integer_nodes(graph, floats):
        dims = weights[node.input[1]].dims
        if len(dims) == 2:
            plain.append(node)
        elif folds and len(dims) == 3 and min(dims[1:]) >= MIN_WIDTH:
            stacked.append(node)
    for node in stacked:
        _fold_product(graph, node, numpy_helper.to_array(weights[node.input[1]]))
    scale_rows(graph, _feed_forward(graph, plain))
    gather_rows(graph)
    drop_unused(graph)
    if all(entry.domain != "com.microsoft" for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    work = target.with_suffix(".part.onnx")
    onnx.save_model(model, work, save_as_external_data=False)
    if plain:
        _quantise_plain(work, [node.name for node in plain])
    store_weights(work, target)
    work.unlink()


def _users(graph: onnx.GraphProto) -> dict[str, list[onnx.NodeProto]]:
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    return users


def _integer_nodes(graph: onnx.GraphProto, floats: str) -> list[onnx.NodeProto]:
    made_by = {name: node for node in graph.node for name in node.output}
    used_by, weights = _users(graph), {tensor.name for tensor in graph.initializer}
    products = [node for node in graph.node if node.op_type in {"MatMul", "Gemm"} and node.input[1] in weights]
    if floats != FLOAT_NOTHING:
        products = [node for node in products if not after_gelu(node, made_by)]
    if floats == FLOAT_FEED_FORWARD:
        products = [node for node in products if not before_gelu(node, used_by)]
    return products


def _feed_forward(graph: onnx.GraphProto, plain: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    made_by, used_by = {name: node for node in graph.node for name in node.output}, _users(graph)
    # Gemm adds its bias inside: scaling rows after it would scale the bias
    return [n for n in plain if n.op_type == "MatMul" and (after_gelu(n, made_by) or before_gelu(n, used_by))]


def _quantise_plain(path: Path, nodes: list[str]) -> None:
    with quiet_library():
        quantize_dynamic(
            path,
            path,
            op_types_to_quantize=["MatMul", "Gemm"],
            nodes_to_quantize=nodes,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )


@contextmanager
def quiet_library() -> Iterator[None]:
    """Silences onnxruntime.quantization, which advises on the root logger what has been done already."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)


def _fold_product(graph: onnx.GraphProto, node: onnx.NodeProto, weight: NDArray[np.float32]) -> None:
    # the library gives such a weight one zero point per channel over all folds, which the kernel rejects
    name = node.input[1]
    codes, scale = quantise(weight, {"MatMul"}, peak=PEAK)
    add_constant(graph, f"{name}.codes", codes)
    add_constant(graph, f"{name}.steps", scale)
    twin = helper.make_node(
        "DynamicQuantizeMatMul",
        [node.input[0], f"{name}.codes", f"{name}.steps"],
        list(node.output),
        name=node.name,
        domain="com.microsoft",
    )
    node.CopyFrom(twin)
