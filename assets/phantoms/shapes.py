"""Fields over the scene: coordinates, noise, and signed distances (negative inside), all each
(SIZE, SIZE) float32.

A scene is a square of half width EXTENT; the round field of view is the unit disc in its middle, the rest is
margin for the camera's shift and rotation. Distances are in units of the disc's radius.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Point = tuple[float, float]

SIZE = 480
EXTENT = 1.25
PIXEL = 2 * EXTENT / SIZE

_AXIS = ((np.arange(SIZE, dtype=np.float32) + 0.5) * PIXEL - EXTENT).astype(np.float32)
X: Field = np.repeat(_AXIS[None, :], SIZE, axis=0)  # grows to the image's right
Y: Field = np.repeat(_AXIS[:, None], SIZE, axis=1)  # grows downwards


def noise(rng: np.random.Generator, cells: int, octaves: int = 3) -> Field:
    """Smooth fractal noise, mean about 0 and standard deviation about 0.7, `cells` coarse bumps across."""
    # octaves are summed on a small grid, two samples a bump of the finest, and enlarged once
    finest = cells * 2 ** (octaves - 1) + 2
    size = min(SIZE, 2 * finest)
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        n = cells * 2**octave + 2
        coarse = rng.standard_normal((n, n), dtype=np.float32)
        total += cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC) * np.float32(0.5**octave)
    return cv2.resize(total, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)


def soft(d: Field, width: float) -> Field:
    """1 inside, 0 outside, with a smooth edge of `width` centred on d = 0."""
    t = np.clip(0.5 - d / np.float32(width), 0, 1)
    return t * t * (3 - 2 * t)


def bell(d: Field, width: float) -> Field:
    """A Gaussian ridge along d = 0."""
    return np.exp(-np.square(d / np.float32(width)))


def ellipse(x: Field, y: Field, centre: Point, radii: Point, degrees: float = 0.0) -> Field:
    """Distance to an ellipse, exact on its rim and scaled by the smaller radius elsewhere."""
    u, v = x - np.float32(centre[0]), y - np.float32(centre[1])
    if degrees:
        c, s = np.float32(np.cos(np.radians(degrees))), np.float32(np.sin(np.radians(degrees)))
        u, v = c * u + s * v, c * v - s * u
    r = cv2.magnitude(u * np.float32(1 / radii[0]), v * np.float32(1 / radii[1]))
    return (r - 1) * np.float32(min(radii))


def capsule(x: Field, y: Field, start: Point, end: Point, radii: Point) -> Field:
    """Distance to a straight rod whose radius goes from radii[0] at `start` to radii[1] at `end`."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    u, v = x - np.float32(start[0]), y - np.float32(start[1])
    t = np.clip((u * np.float32(dx) + v * np.float32(dy)) / np.float32(dx * dx + dy * dy), 0, 1)
    return cv2.magnitude(u - t * np.float32(dx), v - t * np.float32(dy)) - (
        np.float32(radii[0]) + t * np.float32(radii[1] - radii[0])
    )


def merge(a: Field, b: Field, radius: float) -> Field:
    """Union of two shapes with a fillet of `radius` (polynomial smooth minimum)."""
    h = np.clip(radius - np.abs(a - b), 0, None) / np.float32(radius)
    return np.minimum(a, b) - h * h * np.float32(radius / 4)


def pixels(points: Sequence[Point], mirror: int = 1) -> NDArray[np.int32]:
    """Scene points as cv2 coordinates with 4 fractional bits; `mirror` -1 swaps left and right."""
    xy = np.asarray(points, np.float64) * (mirror, 1)
    return np.round(((xy + EXTENT) / PIXEL - 0.5) * 16).astype(np.int32)


def smooth_line(points: Sequence[Point], count: int = 60) -> list[Point]:
    """A Catmull-Rom curve through `points`, as about `count` points."""
    p = np.asarray([points[0], *points, points[-1]], np.float64)
    per = max(2, count // (len(points) - 1))
    t = np.linspace(0, 1, per, endpoint=False)[:, None]
    parts = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    return [(float(u), float(v)) for u, v in np.concatenate([*parts, p[-1:]])]


def stroke(points: Sequence[Point], radius: float, mirror: int = 1) -> Field:
    """Distance to a curve through `points`, thickened to `radius`."""
    canvas = np.full((SIZE, SIZE), 255, np.uint8)
    cv2.polylines(canvas, [pixels(smooth_line(points), mirror)], False, 0, 1, cv2.LINE_8, 4)
    return cv2.distanceTransform(canvas, cv2.DIST_L2, 5) * np.float32(PIXEL) - np.float32(radius)


def extent(mask: Field) -> tuple[slice, slice]:
    """The rows and columns where `mask` is not zero, so that small things cost little to paint."""
    rows = np.flatnonzero(mask.any(1))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def polygon(points: Sequence[Point], blur: float, mirror: int = 1) -> Field:
    """A filled polygon as a mask 0..1, blurred with standard deviation `blur`."""
    canvas = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillPoly(canvas, [pixels(points, mirror)], 255, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(canvas, (0, 0), blur / PIXEL).astype(np.float32) / 255
