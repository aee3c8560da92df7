"""int8: weights stored as one byte each, one scale per output channel, computed in float32.

In the file a weight is int8 codes, a Cast and a Mul, which onnxruntime folds when it loads (it does not fold
DequantizeLinear). A quarter of the bytes, the speed of fp32, and no dependence on the rest of the batch.

Integer products (dynamic quantisation) halve a text query's time but keep only .96 of the fp32 ensemble's top
five on phantoms, where the certificate asks for .98. Small convolutions lose most when rounded to int8, and
weigh little: they are stored as float16.
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

MIN_ELEMENTS = 4096  # biases and norms stay float32
MIN_TABLE = 1_000_000  # elements of an embedding that is worth three more nodes
MIN_INT8_KERNEL = 240_000  # elements of a convolution; measured: int8 below it costs a point of top-5 agreement
_PRODUCTS = {"MatMul", "Gemm", "Conv", "Gather"}


def store_weights(source: Path, target: Path) -> None:
    """Writes `source` with its large float32 weights stored in int8, small convolutions in float16."""
    model = onnx.load(source)
    graph = model.graph
    gather_rows(graph)
    drop_unused(graph)
    used_by: dict[str, set[str]] = {}
    for node in graph.node:
        for name in node.input:
            used_by.setdefault(name, set()).add(node.op_type)
    restore = []
    for tensor in list(graph.initializer):
        weight, kinds = numpy_helper.to_array(tensor), used_by.get(tensor.name, set()) & _PRODUCTS
        if weight.dtype != np.float32 or weight.ndim < 2 or weight.size < MIN_ELEMENTS or not kinds:
            continue
        if "Gather" in kinds and weight.shape[-1] == 1:  # already the scales of a table's rows
            continue
        name = tensor.name
        graph.initializer.remove(tensor)
        if kinds == {"Conv"} and weight.size < MIN_INT8_KERNEL:
            graph.initializer.append(numpy_helper.from_array(weight.astype(np.float16), f"{name}.float16"))
            restore.append(helper.make_node("Cast", [f"{name}.float16"], [name], to=onnx.TensorProto.FLOAT))
            continue
        codes, scale = quantise(weight, kinds)
        graph.initializer.append(numpy_helper.from_array(codes, f"{name}.int8"))
        graph.initializer.append(numpy_helper.from_array(scale, f"{name}.scale"))
        restore.append(helper.make_node("Cast", [f"{name}.int8"], [f"{name}.float"], to=onnx.TensorProto.FLOAT))
        restore.append(helper.make_node("Mul", [f"{name}.float", f"{name}.scale"], [name]))
    nodes = restore + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save_model(model, target, save_as_external_data=False)


def quantise(
    weight: NDArray[np.float32], used_by: set[str], *, peak: int = 127
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Codes int8 of the weight's shape and scales that broadcast over it: one per output channel.

    The output channel is the first axis for Conv and Gather (a row of an embedding), the last for a matrix
    product; a leading fold axis keeps scales of its own. `peak` is the largest code.
    """
    first = used_by & {"Conv", "Gather"}
    axes = tuple(range(1, weight.ndim)) if first else (weight.ndim - 2,)
    largest = np.abs(weight).max(axis=axes, keepdims=True)
    scale = np.where(largest > 0, largest / peak, 1).astype(np.float32)
    return np.clip(np.rint(weight / scale), -peak, peak).astype(np.int8), scale


def gather_rows(graph: onnx.GraphProto) -> None:
    """Looks rows of large tables up as codes and multiplies those alone.

    Restoring a whole table when the graph is opened costs its float32 size in memory, and half of the opening time.
    """
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        name = node.input[0] if node.input else ""
        table = weights.get(name)
        small = table is None or table.data_type != onnx.TensorProto.FLOAT or len(table.dims) != 2
        if node.op_type != "Gather" or small or np.prod(table.dims) < MIN_TABLE:
            nodes.append(node)
            continue
        codes, scale = quantise(numpy_helper.to_array(table), {"Gather"})
        add_constant(graph, f"{name}.codes", codes)
        add_constant(graph, f"{name}.steps", scale)
        out = node.output[0]
        nodes += [
            helper.make_node("Gather", [f"{name}.codes", node.input[1]], [f"{out}.codes"], axis=0),
            helper.make_node("Gather", [f"{name}.steps", node.input[1]], [f"{out}.steps"], axis=0),
            helper.make_node("Cast", [f"{out}.codes"], [f"{out}.float"], to=onnx.TensorProto.FLOAT),
            helper.make_node("Mul", [f"{out}.float", f"{out}.steps"], [out]),
        ]
    del graph.node[:]
    graph.node.extend(nodes)


def add_constant(graph: onnx.GraphProto, name: str, value: NDArray[np.generic]) -> None:
    """Adds the initializer `name`, once."""
    if all(tensor.name != name for tensor in graph.initializer):  # two products may share a weight
        graph.initializer.append(numpy_helper.from_array(value, name))


def drop_unused(graph: onnx.GraphProto) -> None:
    """Removes initializers that no node reads."""
    used = {name for node in graph.node for name in node.input}
    for tensor in [t for t in graph.initializer if t.name not in used]:
        graph.initializer.remove(tensor)
