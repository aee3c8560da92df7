"""int8: weights stored as one byte each, and, for transformers, integer matrix products.

Two means, both symmetric and per output channel:
- `store_weights`: int8 in the file, float32 in memory (Cast and Mul, which onnxruntime folds when it loads;
  it does not fold DequantizeLinear). A quarter of the bytes, the speed and the batch independence of fp32.
- `integer_products`: onnxruntime's dynamic quantisation, which also computes in int8. Faster on a CPU; results
  depend a little on the rest of the batch, because one activation scale serves the whole tensor.
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

MIN_ELEMENTS = 4096  # biases and norms stay float32: they weigh nothing and lose most


def integer_products(source: Path, target: Path) -> None:
    """Writes `source` with int8 weights in its two-dimensional MatMuls and Gathers, computed in integers."""
    quantize_dynamic(
        source,
        target,
        per_channel=True,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["MatMul"],
        nodes_to_exclude=_fold_products(onnx.load(source)),
    )


def store_weights(source: Path, target: Path) -> None:
    """Writes `source` with every large float32 weight stored in int8."""
    model = onnx.load(source)
    graph = model.graph
    consumers = {(name, i): node.op_type for node in graph.node for i, name in enumerate(node.input)}
    kinds: dict[str, set[str]] = {}
    for (name, _), op_type in consumers.items():
        kinds.setdefault(name, set()).add(op_type)
    added = []
    for tensor in list(graph.initializer):
        weight = numpy_helper.to_array(tensor)
        if weight.dtype != np.float32 or weight.size < MIN_ELEMENTS or weight.ndim < 2:
            continue
        if not kinds.get(tensor.name, set()) & {"MatMul", "Gemm", "Conv", "Gather"}:
            continue
        codes, scale = quantise(weight, kinds[tensor.name])
        name = tensor.name
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(codes, f"{name}.int8"))
        graph.initializer.append(numpy_helper.from_array(scale, f"{name}.scale"))
        added.append(helper.make_node("Cast", [f"{name}.int8"], [f"{name}.float"], to=onnx.TensorProto.FLOAT))
        added.append(helper.make_node("Mul", [f"{name}.float", f"{name}.scale"], [name]))
    nodes = added + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save_model(model, target, save_as_external_data=False)


def quantise(weight: NDArray[np.float32], used_by: set[str]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Codes int8 of the weight's shape and scales that broadcast over it: one per output channel.

    The output channel is the first axis for Conv and Gather (a row of an embedding), the last for a matrix
    product; a leading fold axis keeps scales of its own.
    """
    if used_by & {"Conv", "Gather"}:
        axes = tuple(range(1, weight.ndim))
    else:
        axes = (weight.ndim - 2,)
    peak = np.abs(weight).max(axis=axes, keepdims=True)
    scale = np.where(peak > 0, peak / 127, 1).astype(np.float32)
    return np.clip(np.rint(weight / scale), -127, 127).astype(np.int8), scale


def _fold_products(model: onnx.ModelProto) -> list[str]:
    """Products with a fold axis: the integer kernel takes two-dimensional weights only."""
    shapes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    return [
        node.name
        for node in model.graph.node
        if node.op_type == "MatMul" and len(shapes.get(node.input[1], [0, 0])) != 2
    ]
