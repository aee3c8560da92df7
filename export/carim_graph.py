"""tokens.onnx: a continuation of another bundle's text.onnx, from its last hidden states to one unit vector a token.

Protobuf merges messages that stand one after the other, so the bytes of text.onnx followed by those of tokens.onnx
are one complete graph; alone the continuation is none.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, TensorProto, numpy_helper
from onnx.helper import make_node, make_tensor_value_info

from runtime.errors import BundleError
from runtime.files import write_bytes
from train.carim.model import TokenHead

Floats = NDArray[np.float32]
NEAR = 1e-4  # of hidden states of size 1: those of another layer differ by more than a tenth
PREFIX = "carim."


def continued(text_model: Path, continuation: bytes) -> "ort.InferenceSession":
    """A CPU session on the graph that both make together; raises BundleError where they make none."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    try:
        graph = text_model.read_bytes() + continuation
        return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's errors have no other common base
        raise BundleError(f"{text_model}: cannot be continued to token vectors ({error})") from error


def find_hidden_states(text_model: Path, scale: Floats, feeds: Mapping[str, Any], expected: Floats) -> str:
    """Name of the tensor (N, T, W) in `text_model` that holds the frozen trunk's last hidden states.

    Candidates are the outputs of every LayerNormalization with the weights `scale` (W,); folds with private vectors
    normalise these by the same weights, so the one is taken whose values for `feeds` are `expected`. Raises
    BundleError where none is: the graph's text tower is another.
    """
    graph = onnx.load(text_model, load_external_data=False).graph
    weights = {tensor.name: tensor for tensor in graph.initializer if list(tensor.dims) == list(scale.shape)}
    names = [
        node.output[0]
        for node in graph.node
        if node.op_type == "LayerNormalization"
        and node.input[1] in weights
        and np.array_equal(numpy_helper.to_array(weights[node.input[1]]), scale)
    ]
    nearest: dict[str, float] = {}
    if names:
        seen = GraphProto(output=[make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names])
        session = continued(text_model, ModelProto(graph=seen).SerializePartialToString())
        for name, value in zip(names, session.run(names, dict(feeds)), strict=True):
            if value.shape == expected.shape:
                nearest[name] = float(np.abs(value - expected).max())
    best = min(nearest, key=nearest.__getitem__, default=None)
    if best is None or not nearest[best] <= NEAR:
        raise BundleError(
            f"{text_model}: no tensor holds the hidden states that the run was trained on "
            f"({len(names)} candidates, the nearest off by {min(nearest.values(), default=float('nan')):.1e}); give "
            "--text the bundle whose text tower is the rounded MiniLM, assets/bundles/kger"
        )
    return best


def write_continuation(head: TokenHead, hidden: str, path: Path) -> None:
    """Writes Linear and normalisation after the tensor `hidden`; the output is `tokens` (N, T, D)."""
    weight = head.project.weight.detach().cpu().numpy()
    tensors = {"weight": np.ascontiguousarray(weight.T), "bias": head.project.bias.detach().cpu().numpy()}
    nodes = [
        make_node("MatMul", [hidden, f"{PREFIX}weight"], [f"{PREFIX}product"], name=f"{PREFIX}matmul"),
        make_node("Add", [f"{PREFIX}product", f"{PREFIX}bias"], [f"{PREFIX}projected"], name=f"{PREFIX}add"),
        make_node("LpNormalization", [f"{PREFIX}projected"], ["tokens"], name=f"{PREFIX}norm", axis=-1, p=2),
    ]
    graph = GraphProto(
        node=nodes,
        initializer=[numpy_helper.from_array(value, PREFIX + name) for name, value in tensors.items()],
        output=[make_tensor_value_info("tokens", TensorProto.FLOAT, ["N", "T", len(weight)])],
    )
    write_bytes(path, ModelProto(graph=graph).SerializePartialToString())


def check_whole(text_model: Path, continuation: Path) -> None:
    """Raises BundleError where the two files together are no valid ONNX graph."""
    try:
        onnx.checker.check_model(onnx.load_from_string(text_model.read_bytes() + continuation.read_bytes()))
    except (onnx.checker.ValidationError, ValueError) as error:
        raise BundleError(f"{continuation}: no valid graph together with {text_model} ({error})") from error
