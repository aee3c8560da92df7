"""For the torch baselines: lets transformers import torchvision's CUDA wheel beside a torch without CUDA.

The same cure as train/torchvision_ops.py, which a benchmark may not import.
"""

from importlib import metadata

import torch

_LIBRARY: list[torch.library.Library] = []  # the schemas live as long as this object


def define_missing_ops() -> None:
    """Defines the two operators whose absence ends torchvision's import; nothing here calls them."""
    if (
        hasattr(torch.ops.torchvision, "nms")
        or torch.version.cuda is not None
        or "+cpu" in metadata.version("torchvision")
    ):
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _LIBRARY.append(library)
