"""One door to every fusion: the settings' type says which."""

from collections.abc import Mapping

from ..results import FusedItem
from .convex import convex
from .pos_fuse import pos_fuse
from .retrieved import Retrieved
from .settings import ConvexSettings, FusionSettings


def fuse(
    retrieved: Retrieved, judged: Mapping[int, float | None], settings: FusionSettings | None = None
) -> list[FusedItem]:
    """Every retrieved item in the fused order, with both sides' parts.

    `judged` gives scores in [0, 1] by id; None and absent mean *unjudged*. `settings` chooses Pos-Fuse (None: the
    corrected form) or the convex combination. `retrieval_part` + `judge_part` is the score, except with Pos-Fuse's
    strategies max and min. Raises InvalidInputError as `pos_fuse` and `convex` do.
    """
    if isinstance(settings, ConvexSettings):
        return convex(retrieved, judged, settings)
    return pos_fuse(retrieved.ids, judged, settings, agreement=retrieved.agreement())
