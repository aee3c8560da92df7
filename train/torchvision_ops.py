"""Lets torchvision's CUDA wheel be imported beside a torch without CUDA; import before open_clip, timm or torchvision.

That wheel's operators cannot be loaded then, and its import ends with "operator torchvision::nms does not exist".
The schemas alone are enough for transforms and towers; nothing here calls the operators.
"""

import importlib.util
from pathlib import Path

import torch

SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_LIBRARIES: list[torch.library.Library] = []  # a schema lives as long as its library object


def define_missing_ops() -> bool:
    """Defines `nms` and `qnms` where torchvision cannot bring its own; True where it did so now."""
    if hasattr(torch.ops.torchvision, "nms") or torch.version.cuda is not None or not _wheel_links_cuda():
        return False
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}{SCHEMA}")
    _LIBRARIES.append(library)
    return True


def _wheel_links_cuda() -> bool:
    # read, not imported: the import is what fails; torchvision's CPU wheel defines the schemas itself
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return False
    version = Path(spec.origin).with_name("version.py")
    return version.is_file() and "+cu" in version.read_text("utf-8")


define_missing_ops()
