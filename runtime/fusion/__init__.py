"""Fusing rankings: Pos-Fuse, as the challenge's system published it and in its corrected form."""

from .decays import DECAYS, position_probabilities
from .pos_fuse import pos_fuse
from .settings import JUDGE_SIDES, STRATEGIES, VARIANTS, PosFuseSettings

__all__ = [
    "DECAYS",
    "JUDGE_SIDES",
    "STRATEGIES",
    "VARIANTS",
    "PosFuseSettings",
    "pos_fuse",
    "position_probabilities",
]
