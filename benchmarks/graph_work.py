"""Operations and bytes of an ONNX graph, counted from the shapes of a real run: no formula about the architecture."""

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .floors import Work

Feeds = Mapping[str, NDArray[np.generic]]
PRODUCTS = ("MatMul", "Gemm", "Conv", "MatMulInteger", "ConvInteger", "QLinearMatMul", "QLinearConv")
OPERANDS = {"QLinearMatMul": (0, 3), "QLinearConv": (0, 3)}  # the others: inputs 0 and 1


def graph_work(path: Path, feeds: Feeds) -> Work:
    """The products of the graph at `path` for `feeds`; all else (norms, softmax, activations) is not counted.

    The graph runs once, unoptimised, with every operand of a product as an output. An operand that no input of the
    graph reaches is a weight. A product whose operands are dequantised counts as 8-bit: that is how it is executed.
    """
    import onnx  # noqa: PLC0415  the runtime environment has none
    from onnx.inliner import inline_local_functions  # noqa: PLC0415

    model = inline_local_functions(onnx.load(path))
    nodes = [node for node in model.graph.node if node.op_type in PRODUCTS]
    makers = {name: node for node in model.graph.node for name in node.output}
    moving = _reached(model)
    names = {name for node in nodes for name in (*_operands(node), node.output[0])}
    shapes = _measure(model, names, feeds)
    totals = {"float": 0, "int8": 0, "weights": 0, "activations": 0}
    read: set[str] = set()
    for node in nodes:
        operands = [_source(name, makers) for name in _operands(node)]
        sizes = [prod(shapes[name][0]) * _width(source, shapes[name][1]) for name, source in operands]
        eight_bit = "Integer" in node.op_type or "QLinear" in node.op_type or all(d for _, d in operands)
        totals["int8" if eight_bit else "float"] += _operations(node, shapes)
        for (name, _), size in zip(operands, sizes, strict=True):
            if name in moving:
                totals["activations"] += size
            elif name not in read:
                read.add(name)
                totals["weights"] += size
        shape, width = shapes[node.output[0]]
        totals["activations"] += prod(shape) * width
    return Work(totals["float"], totals["int8"], totals["weights"], totals["activations"])


def _operands(node: Any) -> tuple[str, str]:
    first, second = OPERANDS.get(node.op_type, (0, 1))
    return node.input[first], node.input[second]


def _source(name: str, makers: Mapping[str, Any]) -> tuple[str, bool]:
    """The operand, and whether it is dequantised on the spot."""
    return name, name in makers and makers[name].op_type == "DequantizeLinear"


def _width(dequantised: bool, width: int) -> int:
    return 1 if dequantised else width


def _operations(node: Any, shapes: Mapping[str, tuple[tuple[int, ...], int]]) -> int:
    left, right = (shapes[name][0] for name in _operands(node))
    out = shapes[node.output[0]][0]
    if "Conv" in node.op_type:
        return 2 * prod(out) * prod(right[1:])
    transposed = any(a.name == "transA" and a.i for a in node.attribute)
    return 2 * prod(out) * (left[0] if transposed else left[-1])


def _reached(model: Any) -> set[str]:
    """Names of tensors that depend on an input of the graph."""
    reached = {value.name for value in model.graph.input}
    for node in model.graph.node:  # stored in an order in which they can run
        if reached.intersection(node.input):
            reached.update(node.output)
    return reached


def _measure(model: Any, names: set[str], feeds: Feeds) -> dict[str, tuple[tuple[int, ...], int]]:
    """Shape and bytes per element of every name, from one run."""
    import onnx  # noqa: PLC0415
    import onnxruntime as ort  # noqa: PLC0415

    shapes = {t.name: (tuple(t.dims), _itemsize(t.data_type)) for t in model.graph.initializer}
    shapes.update({name: (value.shape, value.itemsize) for name, value in feeds.items()})
    asked = sorted(names - shapes.keys())
    existing = {value.name for value in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in asked if name not in existing)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    values = session.run(asked, dict(feeds))
    return shapes | {name: (value.shape, value.itemsize) for name, value in zip(asked, values, strict=True)}


def _itemsize(data_type: int) -> int:
    import onnx  # noqa: PLC0415

    return int(np.dtype(onnx.helper.tensor_dtype_to_np_dtype(data_type)).itemsize)
