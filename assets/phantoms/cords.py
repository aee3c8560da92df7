"""The vocal cords' course, and the findings on them."""

from dataclasses import dataclass

import numpy as np

from .fluids import white_mucus
from .scene import Scene
from .shapes import Field, Point, bell, capsule, ellipse, merge, noise, soft
from .tissue import vessels


@dataclass(frozen=True)
class Glottis:
    """Where the cords run: from the anterior commissure `front` up to `back`, there `gap` off the midline."""

    front: Point
    back: float
    gap: float
    swell: float

    def edge(self, t: float, side: int, inset: float = 0.0) -> Point:
        """A point `inset` lateral of a cord's free edge: t = 0 in front, 1 behind."""
        return (
            self.front[0] + side * (self.gap * t + inset),
            self.front[1] + t * (self.back - self.front[1]),
        )

    def inward(self, scene: Scene, side: int) -> tuple[Field, Field]:
        """How far lateral of the free edge every point lies, and its t."""
        t = (scene.y - np.float32(self.front[1])) * np.float32(1 / (self.back - self.front[1]))
        bow = np.float32(0.03 * bool(self.gap)) * np.sin(np.float32(np.pi) * np.clip(t, 0, 1))
        free = np.float32(self.gap) * np.clip(t, -0.1, 1.2) + bow
        return np.float32(side) * (scene.x - np.float32(self.front[0])) - free, t


def scarred_side(scene: Scene) -> int:
    """Which cord the scar is on, 1 or -1."""
    return 1 if scene.eye("scar").random() < 0.5 else -1


def paint_under_folds(scene: Scene, glottis: Glottis) -> None:
    """Findings of the cords themselves: the false cords, laid later, may cover their lateral part."""
    painters = {"vocal cord nodule": _nodules, "polyp": _polyp, "scar": _scar}
    if scene.finding in painters:
        painters[scene.finding](scene, glottis)


def paint_over_folds(scene: Scene, glottis: Glottis) -> None:
    """Findings that lie on everything between the folds."""
    painters = {"white mucus": _mucus, "leukoplakia": _leukoplakia}
    if scene.finding in painters:
        painters[scene.finding](scene, glottis)


def _nodules(scene: Scene, glottis: Glottis) -> None:
    rng = scene.eye("cords")
    for side in (-1, 1):
        r = (0.055 + 0.035 * scene.amount) * float(rng.uniform(0.9, 1.1))
        d = ellipse(scene.x, scene.y, glottis.edge(0.42, side, 0.012 if glottis.gap else 0.55 * r), (r * 0.8, r))
        mask = scene.surface.layer(
            d,
            scene.tissue("nodule", (1.0, 0.92, 0.84)),
            rise=0.06,
            width=r,
            edge=0.03,
            shadow=0.5,
            reach=0.05,
            gloss=0.75,
        )
        scene.surface.paint(mask * bell(d, 0.025), (0.84, 0.46, 0.42), 0.8)


def _polyp(scene: Scene, glottis: Glottis) -> None:
    side = 1 if scene.eye("cords").random() < 0.5 else -1
    r = 0.085 + 0.085 * scene.amount
    d = scene.bend(ellipse(scene.x, scene.y, glottis.edge(0.42, side, 0.03), (r, r * 1.12)), 0.012)
    skin = scene.tissue("polyp", (0.80, 0.28, 0.26))
    mask = scene.surface.layer(d, skin, rise=0.13, width=r, edge=0.03, shadow=0.6, reach=0.06, gloss=0.85)
    scene.surface.paint(mask * vessels(scene.eye("polyp"), 30, width=1.0), (0.50, 0.05, 0.08), 0.6)


def _leukoplakia(scene: Scene, glottis: Glottis) -> None:
    s, rng, a = scene.surface, scene.eye("cords"), scene.amount
    for k in range(3 + round(2 * a)):
        side = 1 if k % 2 else -1
        r = float(rng.uniform(0.07, 0.095)) * (0.7 + 0.5 * a)
        at = glottis.edge(float(rng.uniform(0.2, 0.8)), side, 0.09)
        u, _ = glottis.inward(scene, side)
        d = ellipse(scene.x, scene.y, at, (r * 0.95, r * 1.5), -18.0 * side if glottis.gap else 0.0)
        d = np.maximum(d + np.float32(0.03) * noise(rng, 14, 2), 0.01 - u)
        s.paint(bell(d, 0.03), (0.70, 0.30, 0.26), 0.6)
        mask = s.film(d, (1.2, 1.18, 1.13), opacity=1.0, rise=0.03, gloss=0.2, edge=0.02, lift=0.9)
        s.height += mask * np.float32(0.010) * noise(rng, 36, 2)


def _scar(scene: Scene, glottis: Glottis) -> None:
    s, side, rng = scene.surface, scarred_side(scene), scene.eye("cords")
    groove = capsule(scene.x, scene.y, glottis.edge(0.12, side, 0.075), glottis.edge(0.9, side, 0.075), (0.01, 0.01))
    s.height -= bell(groove, 0.03) * np.float32(0.05)
    s.paint(bell(groove, 0.035), (0.58, 0.25, 0.22), 0.85)
    for k in range(4):
        t = 0.30 + 0.12 * k + float(rng.normal(0, 0.02))
        band = scene.stroke(
            [glottis.edge(t, side, 0.04), glottis.edge(t + 0.05, side, 0.14), glottis.edge(t, side, 0.24)],
            0.014,
        )
        s.paint(soft(band, 0.03), (1.12, 1.06, 1.0), 0.95)
        s.height += bell(band, 0.025) * np.float32(0.02)


def _mucus(scene: Scene, glottis: Glottis) -> None:
    gap, wide = glottis.gap, 0.022 + 0.022 * scene.amount
    top, low = glottis.edge(0.62, 1)[1], glottis.edge(0.3, 1)[1]
    d = scene.stroke(
        [(-gap - 0.16, top - 0.03), (-0.04, top + 0.05), (0.06, top - 0.02), (gap + 0.18, top + 0.05)], wide
    )
    d = np.minimum(d, scene.stroke([(-gap * 0.5 - 0.18, low + 0.04), (0.0, low), (gap * 0.5 + 0.2, low + 0.06)], wide))
    blob = ellipse(scene.x, scene.y, glottis.edge(0.40, 1, 0.06), (0.13, 0.17))
    white_mucus(scene, merge(d, scene.bend(blob, 0.03), 0.05))
