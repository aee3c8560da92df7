"""Weights rounded to what int8 storage holds, so that a bundle computes what was trained."""

import torch
from torch import nn


@torch.no_grad()
def round_weights(module: nn.Module, *, least: int = 4096, peak: int = 127) -> None:
    """Rounds large weights in place to one of 255 steps: a row of a table, an output channel of a product, each own.

    The same steps as the export's int8 storage, so that storing them loses nothing.
    """
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding) and part.weight.numel() >= least:
            step = part.weight.abs().amax(1, keepdim=True) / peak
            step = torch.where(step > 0, step, torch.ones_like(step))
            part.weight.copy_(torch.round(part.weight / step).clamp(-peak, peak) * step)
