"""Integer matrix products: weights int8 per output channel, the input rounded at run time (dynamic quantisation).

onnxruntime.quantization does the plain products. What it cannot do is done here: products with a fold axis
(weights (K, in, out)), and embeddings whose rows become float32 only when a query asks for them. Everything
large that stays float32 in the arithmetic is stored in int8 (int8_weights.py).

Weights have 7 bits. A processor without VNNI instructions adds two 8-bit products in 16 bits, which overflow;
with |code| ≤ 63 they cannot, so the vectors are the same on every processor.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from .int8_weights import quantise, store_weights

PEAK = 63  # largest code of a weight that enters an integer product
MIN_WIDTH = 32  # a thinner product (rank-8 deltas) takes longer in int8 than in float32: rounding its input costs more
MIN_TABLE = 1_000_000  # elements of an embedding that is worth three more nodes

Skip = Callable[[onnx.NodeProto, dict[str, onnx.NodeProto], dict[str, list[onnx.NodeProto]]], bool]


def nothing(_node: onnx.NodeProto, _made_by: dict, _used_by: dict) -> bool:
    """Every product is an integer one."""
    return False


def after_gelu(node: onnx.NodeProto, made_by: dict[str, onnx.NodeProto], _used_by: dict) -> bool:
    """The second product of a feed-forward layer, whose input has a few very large values."""
    source = made_by.get(node.input[0])
    return source is not None and source.op_type == "Gelu"


def around_gelu(
    node: onnx.NodeProto, made_by: dict[str, onnx.NodeProto], used_by: dict[str, list[onnx.NodeProto]]
) -> bool:
    """Both products of a feed-forward layer: only attention is integer."""
    following = used_by.get(node.output[0], [])
    while following and following[0].op_type == "Add":
        following = used_by.get(following[0].output[0], [])
    return after_gelu(node, made_by, used_by) or any(n.op_type == "Gelu" for n in following)


def integer_products(source: Path, target: Path, *, skip: Skip = nothing, folds: bool = True) -> None:
    """Writes `source` with its constant-weight products as integer ones, except those that `skip` names.

    `folds` False leaves products with a fold axis in float32 arithmetic: nothing in the graph's tail then depends
    on the rest of a batch.
    """
    model = onnx.load(source)
    made_by = {name: node for node in model.graph.node for name in node.output}
    used_by: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            used_by.setdefault(name, []).append(node)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    products = [n for n in model.graph.node if n.op_type in {"MatMul", "Gemm"} and n.input[1] in weights]
    kept = {n.name for n in products if skip(n, made_by, used_by)}
    plain = [n.name for n in products if len(weights[n.input[1]].dims) == 2 and n.name not in kept]
    if folds:
        for node in products:
            dims = weights[node.input[1]].dims
            if len(dims) == 3 and min(dims[1:]) >= MIN_WIDTH and node.name not in kept:
                _fold_product(model.graph, node, numpy_helper.to_array(weights[node.input[1]]))
    _gather_rows(model.graph)
    _drop_unused(model.graph)
    _with_contrib(model)
    work = target.with_suffix(".part.onnx")
    onnx.save_model(model, work, save_as_external_data=False)
    if plain:
        _quantise_plain(work, plain)
    store_weights(work, target)
    work.unlink()


def _quantise_plain(path: Path, nodes: list[str]) -> None:
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # the library advises a pre-processing step that the exporter has done
    try:
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
    finally:
        root.setLevel(level)


def _fold_product(graph: onnx.GraphProto, node: onnx.NodeProto, weight: NDArray[np.float32]) -> None:
    # the library gives such a weight one zero point per channel over all folds, which the kernel rejects
    name = node.input[1]
    codes, scale = quantise(weight, {"MatMul"}, peak=PEAK)
    _add(graph, f"{name}.codes", codes)
    _add(graph, f"{name}.steps", scale)
    twin = helper.make_node(
        "DynamicQuantizeMatMul",
        [node.input[0], f"{name}.codes", f"{name}.steps"],
        list(node.output),
        name=node.name,
        domain="com.microsoft",
    )
    node.CopyFrom(twin)


def _gather_rows(graph: onnx.GraphProto) -> None:
    # codes are gathered, then multiplied: restoring the whole table at load would cost its float32 size in memory
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        name = node.input[0] if node.input else ""
        table = weights.get(name)
        if node.op_type != "Gather" or table is None or len(table.dims) != 2 or np.prod(table.dims) < MIN_TABLE:
            nodes.append(node)
            continue
        codes, scale = quantise(numpy_helper.to_array(table), {"Gather"})
        _add(graph, f"{name}.codes", codes)
        _add(graph, f"{name}.steps", scale)
        out = node.output[0]
        nodes += [
            helper.make_node("Gather", [f"{name}.codes", node.input[1]], [f"{out}.codes"], axis=0),
            helper.make_node("Gather", [f"{name}.steps", node.input[1]], [f"{out}.steps"], axis=0),
            helper.make_node("Cast", [f"{out}.codes"], [f"{out}.float"], to=onnx.TensorProto.FLOAT),
            helper.make_node("Mul", [f"{out}.float", f"{out}.steps"], [out]),
        ]
    del graph.node[:]
    graph.node.extend(nodes)


def _add(graph: onnx.GraphProto, name: str, value: NDArray[np.generic]) -> None:
    if all(tensor.name != name for tensor in graph.initializer):
        graph.initializer.append(numpy_helper.from_array(value, name))


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    for tensor in [t for t in graph.initializer if t.name not in used]:
        graph.initializer.remove(tensor)


def _with_contrib(model: onnx.ModelProto) -> None:
    if all(entry.domain != "com.microsoft" for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
