"""The front camera and what it draws on: flat polygons in metres, with light, fog and labels."""

import math
from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from .palette import Colour, Light

WIDTH, HEIGHT = 480, 270
FOCAL = 395.0  # pixels: 62 degrees across
CENTRE_X, HORIZON = 240.0, 126.0
CAMERA_HEIGHT_M = 1.5
_NEAR_M = 0.6
_SHIFT = 3  # fractional bits of a corner: edges move smoothly from frame to frame
_OUTSIDE = 4000  # pixels: farther corners would overflow cv2

Point = tuple[float, float, float]
Points = Sequence[Point]


class Canvas:
    """A picture (270, 480, 3) uint8 BGR; `labels` (270, 480) uint8 where it was asked for.

    Points are (x to the right, y up from the road, z ahead of the camera), metres. `label` goes to every pixel that
    is filled; 0 is nothing. A mirrored canvas draws what a wet road shows.
    """

    def __init__(self, picture: NDArray[np.uint8], light: Light, *, labelled: bool = False, mirrored: bool = False):
        self.picture = picture
        self.light = light
        self.labels = np.zeros((HEIGHT, WIDTH), np.uint8) if labelled else None
        self.mirrored = mirrored
        self.label = 0
        self.glows: list[tuple[float, float, float, Colour, int]] = []

    def fill(self, points: Points, colour: Colour, shade: float = 1.0, *, shines: bool = False) -> None:
        """Fills a convex polygon; what lies behind the camera is cut off."""
        corners = _clipped(points)
        if not corners:
            return
        # plain floats: an array of four corners costs more to make than to work out
        pixels = [self.pixel(corner) for corner in corners]
        left, right = min(p[0] for p in pixels), max(p[0] for p in pixels)
        top, bottom = min(p[1] for p in pixels), max(p[1] for p in pixels)
        if right < 0 or bottom < 0 or left > WIDTH or top > HEIGHT:
            return
        if self.glows:
            self._cover(pixels, left, right, top, bottom)
        fixed = np.array(pixels) * (1 << _SHIFT)
        if left < -_OUTSIDE or top < -_OUTSIDE or right > _OUTSIDE or bottom > _OUTSIDE:
            np.clip(fixed, -_OUTSIDE * (1 << _SHIFT), _OUTSIDE * (1 << _SHIFT), out=fixed)
        metres = sum(corner[2] for corner in corners) / len(corners)
        lit = self.light.on(colour, metres, shade, shines=shines)
        whole = fixed.round().astype(np.int32)
        cv2.fillConvexPoly(self.picture, whole, lit, cv2.LINE_AA, _SHIFT)
        if self.labels is not None:
            cv2.fillConvexPoly(self.labels, whole, (self.label,), cv2.LINE_8, _SHIFT)

    def pixel(self, point: Point) -> tuple[float, float]:
        """(column, row) of a point in front of the camera."""
        x, y, z = point
        scale = FOCAL / z
        return CENTRE_X + x * scale, HORIZON + (CAMERA_HEIGHT_M - (-y if self.mirrored else y)) * scale

    def _cover(self, pixels: list[tuple[float, float]], left: float, right: float, top: float, bottom: float) -> None:
        """Forgets the halos whose lamp this polygon hides."""
        for glow in self.glows[:]:
            x, y = glow[:2]
            if left < x < right and top < y < bottom and self.label != glow[4]:
                outline = np.array(pixels, np.float32)
                if cv2.pointPolygonTest(outline, (x, y), measureDist=False) > 0:
                    self.glows.remove(glow)

    def disc(
        self,
        centre: tuple[float, float, float],
        radius: float,
        colour: Colour,
        *,
        shines: bool = False,
        sides: int = 14,
    ) -> None:
        """A disc that faces the camera."""
        x, y, z = centre
        self.fill([(x + radius * u, y + radius * v, z) for u, v in circle(14)], colour, shines=shines)

    def glow(self, centre: tuple[float, float, float], radius: float, colour: Colour) -> None:
        """A lamp's halo, added at the end."""
        if centre[2] > _NEAR_M:
            x, y = self.pixel(centre)
            strength = math.exp(-self.light.fog * centre[2])
            blue, green, red = (c * strength for c in colour)
            self.glows.append((x, y, max(1.5, radius * FOCAL / centre[2]), (blue, green, red), self.label))

    def shine(self) -> None:
        """Adds the halos to the picture."""
        if not self.glows:
            return
        small = np.zeros((HEIGHT // 3, WIDTH // 3, 3), np.uint8)
        for x, y, radius, colour, _ in self.glows:
            if -50 < x < WIDTH + 50 and -50 < y < HEIGHT + 50:
                dim = tuple(c * 0.55 for c in colour)
                cv2.circle(small, (round(x / 3), round(y / 3)), max(1, round(radius / 3)), dim, -1)
        cv2.blur(small, (7, 7), dst=small)
        cv2.blur(small, (5, 5), dst=small)
        cv2.add(self.picture, cv2.resize(small, (WIDTH, HEIGHT)), dst=self.picture)


@cache
def circle(sides: int) -> tuple[tuple[float, float], ...]:
    """The corners of a regular polygon in the unit circle."""
    turns = [2 * math.pi * i / sides for i in range(sides)]
    return tuple((math.cos(turn), math.sin(turn)) for turn in turns)


def _clipped(corners: Points) -> Points:
    """The part of a convex polygon in front of the near plane (Sutherland and Hodgman)."""
    if all(corner[2] > _NEAR_M for corner in corners):
        return corners
    kept: list[Point] = []
    before = corners[-1]
    for corner in corners:
        if (before[2] > _NEAR_M) != (corner[2] > _NEAR_M):
            share = (_NEAR_M - before[2]) / (corner[2] - before[2])
            x, y = (p + (q - p) * share for p, q in zip(before[:2], corner[:2], strict=True))
            kept.append((x, y, _NEAR_M))
        if corner[2] > _NEAR_M:
            kept.append(corner)
        before = corner
    return kept
