"""The weights that no fold trains: their SHA-256 stands in the run, and export proves that they did not move."""

import hashlib
import json
from pathlib import Path

from torch import nn

from runtime.errors import DatasetError
from runtime.files import write_json

from .runs import Run


def frozen_sha256(*modules: nn.Module) -> str:
    """SHA-256 over names and bytes of all weights that are not trained, running statistics included."""
    digest = hashlib.sha256()
    for module in modules:
        trained = {name for name, parameter in module.named_parameters() if parameter.requires_grad}
        for name, tensor in sorted(module.state_dict().items()):
            if name not in trained:
                digest.update(name.encode())
                digest.update(tensor.detach().cpu().contiguous().numpy())
    return digest.hexdigest()


def frozen_path(run: Run) -> Path:
    """Where a run states the SHA-256 of the weights that no fold trains."""
    return run.folder / "frozen.json"


def check_frozen(run: Run, sha256: str, *, begin: bool = False) -> None:
    """Compares with `frozen.json`, which `begin` writes where there is none; raises DatasetError where they differ."""
    path = frozen_path(run)
    if begin and not path.is_file():
        write_json(path, {"sha256": sha256})
    stated = json.loads(path.read_text("utf-8"))["sha256"] if path.is_file() else None
    if stated != sha256:
        raise DatasetError(
            f"{path}: the frozen weights have SHA-256 {sha256[:12]}, the run began with {str(stated)[:12]}; "
            "give the weights that the run was started with, or another --out"
        )
