"""Fusing rankings: Pos-Fuse as published and corrected, reciprocal ranks, a convex combination of calibrated scores."""

from .calibration import CALIBRATIONS, Calibration
from .convex import convex
from .decays import DECAYS, position_probabilities
from .fuse import fuse
from .pos_fuse import pos_fuse
from .retrieved import Retrieved
from .settings import JUDGE_SIDES, STRATEGIES, VARIANTS, ConvexSettings, FusionSettings, PosFuseSettings

__all__ = [
    "CALIBRATIONS",
    "DECAYS",
    "JUDGE_SIDES",
    "STRATEGIES",
    "VARIANTS",
    "Calibration",
    "ConvexSettings",
    "FusionSettings",
    "PosFuseSettings",
    "Retrieved",
    "convex",
    "fuse",
    "pos_fuse",
    "position_probabilities",
]
