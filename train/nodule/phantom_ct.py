"""Phantom CT: synthetic slices drawn around LIDC's real outlines. They show no patient and prove nothing about one.

Lung background, vessels, sometimes the chest wall, a nodule in the shape that the readers drew (each pixel by the
share of readers that include it), the scanner's blur and noise. All in Hounsfield units.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .clusters import Nodule
from .lidc import Contour

Floats = NDArray[np.float32]

SIDE = 144  # pixels; the largest outline has 83
LUNG_HU, WALL_HU = -860.0, 40.0
# HU of the nodule by the readers' texture rating, 1 (ground glass) to 5 (solid)
TEXTURE_HU = {1: -580.0, 2: -450.0, 3: -250.0, 4: -80.0, 5: 20.0}
NOISE_HU = 28.0
FINER = 8  # fixed-point bits of cv2's coordinates: 1/256 pixel


@dataclass(frozen=True, eq=False)
class Drawn:
    """`hounsfield` (S, S) float32, and the typical reader's outline (P, 2) as (row, column) on it."""

    hounsfield: Floats
    outline: NDArray[np.float64]


def draw(nodule: Nodule, rng: np.random.Generator, *, side: int = SIDE) -> Drawn:
    """The slice of the typical reader's largest outline, at the scan's spacing; the nodule stands off the centre."""
    contour, spacing = nodule.typical.largest, nodule.scan.spacing_mm
    middle = (contour.points.min(0) + contour.points.max(0)) / 2
    moved = np.rint(np.array([side / 2, side / 2]) + rng.uniform(-10, 10, 2) - middle)
    canvas = _lung(side, rng)
    _add_vessels(canvas, spacing, rng)
    if rng.random() < 0.2:
        _add_wall(canvas, moved + middle, float(np.ptp(contour.points, axis=0).max()), spacing, rng)
    share = _share(nodule.outlines(contour.z_mm) or [contour], len(nodule.annotations), moved, side)
    share = cv2.GaussianBlur(share, (0, 0), 0.45 / spacing)  # the in-plane resolution of a chest CT
    hu = TEXTURE_HU.get(nodule.typical.texture, 20.0) + rng.uniform(-40, 40)
    inner = hu + 40 * _smooth_noise(side, 2.0, rng)
    canvas += share * np.maximum(inner - canvas, 0)
    canvas += NOISE_HU * _smooth_noise(side, 0.7, rng)
    return Drawn(np.clip(canvas, -1024, 1500), contour.points + moved)


def _lung(side: int, rng: np.random.Generator) -> Floats:
    return np.float32(LUNG_HU + rng.uniform(-30, 30)) + 30 * _smooth_noise(side, 3.0, rng)


def _smooth_noise(side: int, sigma: float, rng: np.random.Generator) -> Floats:
    """(S, S) float32 of unit variance, correlated over `sigma` pixels."""
    noise = cv2.GaussianBlur(rng.standard_normal((side, side)).astype(np.float32), (0, 0), sigma)
    scaled: Floats = noise / noise.std()
    return scaled


def _add_vessels(canvas: Floats, spacing: float, rng: np.random.Generator) -> None:
    """Bent tubes of 0.8 to 3 mm, and some cut across, which look like small nodules."""
    side = len(canvas)
    layer = np.zeros_like(canvas)
    for _ in range(int(rng.integers(5, 12))):
        start, heading = rng.uniform(0, side, 2), rng.uniform(0, 2 * np.pi)
        width = rng.uniform(0.8, 3.0) / spacing
        for _ in range(int(rng.integers(4, 14))):
            end = start + 7 * np.array([np.cos(heading), np.sin(heading)])
            cv2.line(layer, _fixed(start), _fixed(end), 1.0, max(1, round(width)), cv2.LINE_AA, FINER)
            start, heading, width = end, heading + rng.normal(0, 0.25), width * 0.94
    for _ in range(int(rng.integers(2, 7))):
        radius = rng.uniform(0.5, 1.6) / spacing
        cv2.circle(layer, _fixed(rng.uniform(0, side, 2)), round(radius * 256), 1.0, -1, cv2.LINE_AA, FINER)
    layer = cv2.GaussianBlur(layer, (0, 0), 0.45 / spacing)
    canvas += layer * (rng.uniform(-100, 40) - LUNG_HU)


def _add_wall(canvas: Floats, centre: Floats, extent: float, spacing: float, rng: np.random.Generator) -> None:
    """Chest wall beyond a line that passes the nodule at 1 to 12 mm."""
    angle = rng.uniform(0, 2 * np.pi)
    away = extent / 2 + rng.uniform(1, 12) / spacing
    rows, columns = np.mgrid[: len(canvas), : len(canvas)]
    depth = (rows - centre[0]) * np.cos(angle) + (columns - centre[1]) * np.sin(angle) - away
    share = np.clip(depth * spacing / 0.8 + 0.5, 0, 1).astype(np.float32)
    canvas += share * (WALL_HU - canvas)


def _share(contours: Sequence[Contour], readers: int, moved: NDArray[np.float64], side: int) -> Floats:
    """(S, S) float32 in [0, 1]: how many of the readers that outlined this slice include the pixel."""
    inside, drawn = np.zeros((side, side), np.float32), 0
    for contour in contours:
        points = np.rint(contour.points + moved).astype(np.int32)[:, ::-1]
        mask = np.zeros((side, side), np.uint8)
        cv2.fillPoly(mask, [np.ascontiguousarray(points)], 1)
        drawn += contour.inclusion
        inside += mask if contour.inclusion else -mask.astype(np.float32)
    return np.clip(inside / max(1, min(readers, drawn)), 0, 1)


def _fixed(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[1]) * 256), round(float(point[0]) * 256)
