"""Torch modules to ONNX files: all folds in one graph, output (B, K, D)."""

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from train.image_trunk import LiteTrunk
from train.minilm import MiniLm
from train.tower_folds import TowerFolds
from train.vit import Vit

OPSET = 20


class TextGraph(nn.Module):
    """Token ids and mask (B, T) int64 → (B, K, D) unit vectors: the trunk once, then what K folds own."""

    def __init__(self, trunk: MiniLm, towers: TowerFolds, folds: int) -> None:
        super().__init__()
        self.trunk, self.towers, self.folds = trunk, towers, folds

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Unit vectors of every fold."""
        stream = self.trunk.stream(input_ids, attention_mask, self.towers.adapt)
        return _every_fold(self.towers(stream), self.folds)


class ImageGraph(nn.Module):
    """Pixels (B, 3, S, S) float32 → (B, K, D) unit vectors: the trunk once, then what K folds own."""

    def __init__(self, trunk: LiteTrunk | Vit, towers: TowerFolds, folds: int) -> None:
        super().__init__()
        self.trunk, self.towers, self.folds = trunk, towers, folds

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Unit vectors of every fold."""
        return _every_fold(self.towers(self.trunk.stream(pixel_values, self.towers.adapt)), self.folds)


def _every_fold(vectors: Tensor, folds: int) -> Tensor:
    # folds whose weights are all identical are computed once: (1, B, D)
    return vectors.expand(folds, -1, -1).transpose(0, 1)


def write_text_graph(graph: nn.Module, path: Path) -> None:
    """Writes a text graph; batch and length are dynamic."""
    ids = torch.tensor([[101, 2019, 4540, 102], [101, 4540, 102, 0]])
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    shapes = {"input_ids": {0: batch, 1: length}, "attention_mask": {0: batch, 1: length}}
    write_graph(graph, (ids, (ids > 0).long()), path, ["input_ids", "attention_mask"], shapes)


def write_image_graph(
    graph: nn.Module, size: int, path: Path, *, channels: int = 3, outputs: Sequence[str] = ("embeddings",)
) -> None:
    """Writes an image graph for `channels` × `size` × `size` pixels; the batch is dynamic."""
    pixels = torch.zeros(2, channels, size, size)
    shapes = {"pixel_values": {0: torch.export.Dim("batch")}}
    write_graph(graph, (pixels,), path, ["pixel_values"], shapes, outputs)


def write_graph(
    graph: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    names: list[str],
    shapes: dict[str, dict[int, torch.export.Dim]],
    outputs: Sequence[str] = ("embeddings",),
) -> None:
    """Writes `graph` as ONNX without a trace of the machine: inputs `names`, dynamic where `shapes` says so."""
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # the exporter warns of its own internals
            program = torch.onnx.export(
                graph.eval(),
                example,
                dynamo=True,
                dynamic_shapes=shapes,
                input_names=names,
                output_names=list(outputs),
                opset_version=OPSET,
                verbose=False,
            )
    finally:
        quiet.setLevel(level)
    if program is None:
        raise RuntimeError("torch.onnx.export returned nothing")
    model = program.model_proto
    del model.metadata_props[:]
    for node in model.graph.node:  # stack traces of the exporting machine do not belong into a shipped file
        del node.metadata_props[:]
        node.doc_string = ""
    fold_transposed_weights(model)
    onnx.checker.check_model(model)
    onnx.save_model(model, path, save_as_external_data=False)


def fold_transposed_weights(model: onnx.ModelProto) -> None:
    """Replaces Transpose(weight) by the transposed weight, so that quantisation sees plain products.

    The exporter leaves the transposition of weights that two products share to the runtime.
    """
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    for node in [n for n in graph.node if n.op_type == "Transpose" and n.input[0] in weights]:
        order = next((list(a.ints) for a in node.attribute if a.name == "perm"), None)
        turned = np.ascontiguousarray(numpy_helper.to_array(weights[node.input[0]]).transpose(order))
        graph.initializer.append(numpy_helper.from_array(turned, node.output[0]))
        graph.node.remove(node)
    used = {name for node in graph.node for name in node.input}
    for tensor in list(graph.initializer):
        if tensor.name not in used:
            graph.initializer.remove(tensor)
