"""The vector field to ONNX: every RK4 step unrolled, the weights stored once."""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from onnx import compose as onnx_compose
from torch import Tensor, nn

from runtime.ent.flow import STEPS
from train.ent.backends import Backend
from train.ent.field import Flow

from .graphs import write_graph

OUTPUTS = (*(f"step_{n}" for n in STEPS), "path")


class FlowModule(nn.Module):
    """(B, D) unit rows of the tower → step_0, step_1, step_10 (B, D) and path (B, 11, D), unit rows."""

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self.field, self.flow = flow.field, flow

    def forward(self, vectors: Tensor) -> tuple[Tensor, ...]:
        """Read-outs after 0, 1 and 10 steps, and at every step of the ten."""
        ten = [self.flow.read_out(x) for x in self.flow.path(vectors, STEPS[-1])]
        return ten[0], self.flow.embed(vectors, 1), ten[-1], torch.stack(ten, dim=1)


class TowerGraph(nn.Module):
    """A torch tower as the bundle's image graph: pixels (B, 3, S, S) → (B, 1, D) unit vectors."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self.module = backend.module

    def forward(self, pixel_values: Tensor) -> Tensor:
        """One fold of unit vectors."""
        return nn.functional.normalize(self.module(pixel_values), dim=-1)[:, None]  # type: ignore[misc]


def write_flow_graph(flow: Flow, path: Path) -> None:
    """Writes `field.onnx`: input vectors (N, D), outputs as FlowModule; the batch is dynamic."""
    example = torch.nn.functional.normalize(torch.ones(2, flow.field.width) + torch.eye(2, flow.field.width), dim=1)
    shapes = {"vectors": {0: torch.export.Dim("batch")}}
    write_graph(FlowModule(flow), (example,), path, ["vectors"], shapes, OUTPUTS)


def compose(tower: Path, field: Path, folds: int, path: Path) -> None:
    """Writes tower, stacking of its folds, field and RK4 as one graph: pixel_values → step_0, step_1, step_10, path."""
    first = onnx_compose.add_prefix(onnx.load(tower), "tower/")
    second = onnx_compose.add_prefix(onnx.load(field), "field/")
    stack = _stacking(folds, first)
    version = min(first.ir_version, second.ir_version)
    for model in (first, second, stack):
        model.ir_version = version
        del model.graph.value_info[:]  # the merged graph's shapes are inferred anew
    joined = onnx_compose.merge_models(first, stack, io_map=[("tower/embeddings", "stack/in")])
    joined = onnx_compose.merge_models(joined, second, io_map=[("stack/out", "field/vectors")])
    _rename(joined, {"tower/pixel_values": "pixel_values", **{f"field/{name}": name for name in OUTPUTS}})
    onnx.checker.check_model(joined)
    onnx.save_model(joined, path, save_as_external_data=False)


def _stacking(folds: int, tower: onnx.ModelProto) -> onnx.ModelProto:
    # (N, K, D) → (N, K·D)/√K, as runtime.ensemble.stack_folds
    root = helper.make_tensor("stack/root", TensorProto.FLOAT, [], [float(np.sqrt(np.float32(folds)))])
    shape = helper.make_tensor("stack/shape", TensorProto.INT64, [2], [0, -1])
    nodes = [
        helper.make_node("Reshape", ["stack/in", "stack/shape"], ["stack/flat"]),
        helper.make_node("Div", ["stack/flat", "stack/root"], ["stack/out"]),
    ]
    graph = helper.make_graph(
        nodes,
        "stack",
        [helper.make_tensor_value_info("stack/in", TensorProto.FLOAT, ["N", "K", "D"])],
        [helper.make_tensor_value_info("stack/out", TensorProto.FLOAT, ["N", "W"])],
        [root, shape],
    )
    return helper.make_model(graph, opset_imports=tower.opset_import)


def _rename(model: onnx.ModelProto, names: dict[str, str]) -> None:
    for value in (*model.graph.input, *model.graph.output):
        value.name = names.get(value.name, value.name)
    for node in model.graph.node:
        for side in (node.input, node.output):
            for i, name in enumerate(side):
                side[i] = names.get(name, name)
