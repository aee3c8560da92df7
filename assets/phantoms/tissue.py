"""Tissue: a surface with colour, relief, wetness and light, and how it looks under an endoscope's lamp."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from .shapes import PIXEL, SIZE, Field, X, Y, extent, noise, soft

Colour = Sequence[float]
_CAMERA_HEIGHT = 1.3  # of the lamp and lens above the scene, in radii of the field of view


def _plane(value: float) -> Field:
    return np.full((SIZE, SIZE), value, np.float32)


@dataclass
class Surface:
    """What the lens will see: colour (3, SIZE, SIZE) RGB, height in field radii, gloss and light 0..1."""

    colour: NDArray[np.float32] = field(default_factory=lambda: np.zeros((3, SIZE, SIZE), np.float32))
    height: Field = field(default_factory=lambda: _plane(0.0))
    gloss: Field = field(default_factory=lambda: _plane(0.4))
    light: Field = field(default_factory=lambda: _plane(1.0))

    def paint(self, mask: Field, colour: Colour | NDArray[np.float32], opacity: float = 1.0) -> None:
        """Blends `colour`, (3,) or (3, SIZE, SIZE), over the surface where `mask` is."""
        box = extent(mask)
        alpha = mask[box] * np.float32(opacity)
        for plane, value in zip(self.colour, np.asarray(colour, np.float32), strict=True):
            part = plane[box]
            part += alpha * ((value if value.ndim == 0 else value[box]) - part)

    def tint(self, mask: Field, factors: Colour) -> None:
        """Multiplies the colour by `factors` where `mask` is 1: a stain that keeps the texture below."""
        box = extent(mask)
        for plane, factor in zip(self.colour, factors, strict=True):
            plane[box] *= 1 + mask[box] * np.float32(factor - 1)

    def layer(
        self,
        d: Field,
        colour: Colour | NDArray[np.float32],
        *,
        rise: float = 0.15,
        width: float = 0.3,
        edge: float = 0.02,
        shadow: float = 0.5,
        reach: float = 0.08,
        gloss: float = 0.5,
        light: float = 1.0,
    ) -> Field:
        """Lays a rounded body (inside d < 0) over the surface and returns its mask.

        Its profile is a dome that reaches `rise` at `width` from the rim; it darkens what lies behind it
        by `shadow` within `reach`; `light` is how well the lamp reaches it.
        """
        mask = soft(d, edge)
        t = np.clip(-d / np.float32(width), 0, 1)
        dome = np.sqrt(t * (2 - t)) * np.float32(rise)
        self.light *= 1 - np.float32(shadow) * np.exp(-np.square(np.clip(d, 0, None) / np.float32(reach)))
        self.paint(mask, colour)
        self.height += mask * (dome - self.height)
        self.gloss += mask * (np.float32(gloss) - self.gloss)
        self.light += mask * (np.float32(light) - self.light)
        return mask

    def film(
        self,
        d: Field,
        colour: Colour,
        *,
        opacity: float,
        rise: float = 0.03,
        edge: float = 0.03,
        gloss: float = 0.9,
        lift: float = 0.5,
        fill: float = 0.0,
    ) -> Field:
        """Lays fluid (inside d < 0) on the surface and returns its mask.

        `lift` 0..1 is how far it shines out of a dark place, `fill` how far a pool levels the relief below.
        """
        mask = soft(d, edge)
        rim = soft(d + np.float32(0.03), 0.08)
        self.paint(mask * (np.float32(0.7) + np.float32(0.3) * rim), colour, opacity)
        covered = mask > 0.5
        if fill and covered.any():
            self.height += mask * np.float32(fill) * (self.height[covered].mean() - self.height)
        self.height += rim * np.float32(rise)
        self.gloss += mask * (np.float32(gloss) - self.gloss)
        self.light += mask * np.float32(lift) * (1 - self.light)
        return mask


def mottle(surface: Surface, rng: np.random.Generator) -> None:
    """Gives the surface a tissue's unevenness: blotches, fine grain, a drift between pink and yellow."""
    tone = np.float32(0.075) * noise(rng, 5, 2) + np.float32(0.022) * noise(rng, 40, 2)
    hue = np.float32(0.015) * noise(rng, 3, 2)
    surface.colour[0] *= 1 + tone
    surface.colour[1] *= 1 + tone + hue
    surface.colour[2] *= 1 + tone - hue


def vessels(rng: np.random.Generator, count: int, *, width: float = 1.0, length: int = 26) -> Field:
    """A net of branching capillaries as a mask 0..1; `width` in pixels of the thickest stems."""
    canvas = np.zeros((SIZE, SIZE), np.uint8)
    queue = [
        (
            rng.uniform(0, SIZE, 2),
            rng.uniform(0, 2 * np.pi),
            int(length * rng.uniform(0.6, 1.3)),
            width * rng.uniform(0.7, 1.4),
        )
        for _ in range(count)
    ]
    while queue:
        start, angle, steps, thick = queue.pop()
        turns = angle + np.cumsum(rng.normal(0, 0.24, steps))
        path = start + np.cumsum(np.stack([np.cos(turns), np.sin(turns)], 1) * 6.0, 0)
        line = np.round(path * 16).astype(np.int32)
        cv2.polylines(canvas, [line], False, int(150 + 80 * min(thick, 1.3)), max(1, round(thick)), cv2.LINE_AA, 4)
        if steps > 8:
            for _ in range(2):
                at = int(rng.integers(steps // 4, steps))
                queue.append(
                    (
                        path[at],
                        turns[at] + rng.choice([-1, 1]) * rng.uniform(0.4, 0.9),
                        steps // 2,
                        thick * 0.7,
                    )
                )
    return cv2.GaussianBlur(canvas, (0, 0), 0.8).astype(np.float32) / 255


def lit(surface: Surface, lamp: tuple[float, float], rng: np.random.Generator) -> NDArray[np.float32]:
    """The surface under a lamp at `lamp`: (3, SIZE, SIZE) RGB float32, about 0..1, highlights above."""
    micro = noise(rng, 26, 2)
    relief = cv2.GaussianBlur(surface.height, (0, 0), 1.3) + np.float32(0.0032) * micro * (0.3 + surface.gloss)
    k = np.float32(1 / (8 * PIXEL))
    gx = np.clip(cv2.Sobel(relief, cv2.CV_32F, 1, 0) * k, -1.8, 1.8)
    gy = np.clip(cv2.Sobel(relief, cv2.CV_32F, 0, 1) * k, -1.8, 1.8)
    n = 1 / np.sqrt(gx * gx + gy * gy + 1)
    lx, ly = np.float32(lamp[0]) - X, np.float32(lamp[1]) - Y
    lz = np.float32(_CAMERA_HEIGHT)
    distance = np.sqrt(lx * lx + ly * ly + lz * lz)
    diffuse = np.clip((lz - gx * lx - gy * ly) * n / distance, 0, None)
    # half vector between lamp and lens, which looks straight down from the middle
    hx, hy, hz = lx / distance - X * np.float32(0.5), ly / distance - Y * np.float32(0.5), lz / distance + 1
    facing = np.clip((hz - gx * hx - gy * hy) * n / np.sqrt(hx * hx + hy * hy + hz * hz), 0, 1)
    shine = np.power(facing, 90) * np.square(surface.gloss) * surface.light * np.float32(0.85)
    near = np.float32(1.35 * _CAMERA_HEIGHT) / distance * (0.30 + 0.70 * diffuse) * surface.light
    return surface.colour * near + shine
