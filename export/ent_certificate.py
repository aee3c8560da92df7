"""The field's certificate: the graph against the trained torch module, on the tower's rows and on random ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from runtime.ent.flow import STEPS, FlowGraph
from runtime.images import RgbImage
from runtime.sessions import open_session
from train.ent.backends import Backend
from train.ent.field import Flow

from .certificate import MAX_ABS_DIFFERENCE, Floats, checked_difference, reference_pixels


def certify_flow(graph: FlowGraph, flow: Flow, rows: Floats) -> dict[str, Any]:
    """Largest difference of each output over `rows` (N, D); raises BundleError above 1e-5, naming the output."""
    x = torch.from_numpy(rows)
    with torch.inference_mode():
        expected = {f"step_{n}": flow.embed(x, n).numpy() for n in STEPS}
        expected["path"] = torch.stack([flow.read_out(state) for state in flow.path(x, STEPS[-1])], dim=1).numpy()
    given = {f"step_{n}": graph.transform(rows, n) for n in STEPS} | {"path": graph.path(rows)}
    worst = {name: checked_difference(f"the field's {name} differs", given[name], expected[name]) for name in expected}
    return {"rows": len(rows), "limit": MAX_ABS_DIFFERENCE, "field_max_abs_difference": worst}


def certify_tower(path: Path, backend: Backend, images: Sequence[RgbImage]) -> dict[str, Any]:
    """Largest difference of a tower's graph to its torch module, from picture to vector."""
    session = open_session(path, provider="cpu")
    given = session.run(["embeddings"], {"pixel_values": backend.preprocessing(images)})[0][:, 0]
    with torch.inference_mode():
        expected = backend(reference_pixels(images, backend.preprocessing)).numpy()
    difference = checked_difference("the image tower differs", given, expected)
    return {"images": len(images), "image_max_abs_difference": [difference]}


def certify_single(path: Path, pixels: Floats, graph: FlowGraph, rows: Floats) -> dict[str, Any]:
    """Largest difference of the composed graph to tower and field one after the other."""
    session = open_session(path, provider="cpu")
    given = session.run(["step_10"], {"pixel_values": pixels})[0]
    difference = checked_difference("the single graph differs", given, graph.transform(rows, STEPS[-1]))
    return {"single_graph_max_abs_difference": difference}
