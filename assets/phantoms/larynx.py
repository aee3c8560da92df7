"""The larynx through a rigid telescope: arytenoids above, vocal cords, crescent epiglottis below.

Open cords leave a dark triangle with its tip at the anterior commissure (below); closed cords meet in a line.
"""

import numpy as np

from . import cords
from .cords import Glottis, scarred_side
from .fluids import redden
from .scene import Scene
from .shapes import Field, bell, capsule, ellipse, merge, noise, soft

_MUCOSA = (0.80, 0.46, 0.41)
_CORD = (0.83, 0.70, 0.62)


def paint(scene: Scene, *, closed: bool) -> None:
    """Paints a larynx with the scene's finding, cords open or closed."""
    rng = scene.body("anatomy")
    gap = 0.0 if closed else float(scene.eye("gap").uniform(0.19, 0.28))
    glottis = Glottis(
        front=(float(rng.uniform(-0.02, 0.02)), float(rng.uniform(0.33, 0.39))),
        back=float(rng.uniform(-0.36, -0.30)),
        gap=gap,
        swell=scene.amount if scene.has("edema") else 0.0,
    )
    _vestibule(scene)
    _airway(scene, glottis)
    for side in (-1, 1):
        _cord(scene, side, glottis)
    if closed:
        line = capsule(scene.x, scene.y, glottis.edge(0.02, 1), glottis.edge(1.0, 1), (0.004, 0.010))
        scene.surface.paint(bell(line, 0.012), (0.24, 0.08, 0.07), 0.9)
        scene.surface.height -= bell(line, 0.02) * np.float32(0.03)
    cords.paint_under_folds(scene, glottis)
    for side in (-1, 1):
        _folds(scene, side, glottis)
    cords.paint_over_folds(scene, glottis)
    _epiglottis(scene, rng)


def _lining(scene: Scene, name: str, mask: Field) -> None:
    s = scene.surface
    s.paint(mask * scene.vessels(f"{name} vessels"), (0.66, 0.20, 0.19), 0.5)
    s.height += mask * np.float32(0.005) * noise(scene.body(name, "relief"), 18, 3)
    if scene.has("erythema"):
        redden(scene, mask, 0.30 + 0.45 * scene.amount)


def _vestibule(scene: Scene) -> None:
    """The pharynx around, with the dark piriform sinuses, and the floor of the vestibule."""
    s, x, y = scene.surface, scene.x, scene.y
    s.paint(np.ones_like(x), scene.tissue("pharynx", (0.76, 0.42, 0.37)))
    s.light[:] = 0.78
    s.height[:] = 0.25 * np.clip(np.hypot(x, y) - 0.6, 0, None)
    for side in (-1, 1):
        sinus = ellipse(x, y, (side * 0.72, -0.12), (0.15, 0.44), 14.0 * side)
        s.light *= 1 - 0.82 * soft(sinus, 0.22)
    _lining(scene, "pharynx", np.ones_like(x))
    s.layer(
        ellipse(x, y, (0.0, 0.02), (0.50, 0.56)),
        scene.tissue("floor", (0.68, 0.34, 0.30)),
        rise=-0.06,
        light=0.62,
    )


def _airway(scene: Scene, glottis: Glottis) -> None:
    """What lies between and behind the cords: the posterior wall, and rings of the trachea that fade away."""
    s, x, y, gap = scene.surface, scene.x, scene.y, glottis.gap
    wall = ellipse(x, y, (0.0, glottis.back - 0.10), (0.16 + gap, 0.14))
    s.layer(wall, scene.tissue("commissure", _MUCOSA), rise=0.08, width=0.14, shadow=0.2, light=0.6)
    if not gap:
        return
    corners = [
        glottis.edge(0, 1),
        glottis.edge(1.05, -1, 0.04),
        (0.0, glottis.back - 0.10),
        glottis.edge(1.05, 1, 0.04),
    ]
    airway = scene.polygon(corners, 0.012)
    airway = np.maximum(
        airway, scene.polygon([glottis.edge(0, 1), glottis.edge(1, -1, 0.1), glottis.edge(1, 1, 0.1)], 0.01)
    )
    s.paint(airway, (0.34, 0.13, 0.11))
    rings = soft(np.sin(30 * y + 9 * np.square(x)) - 0.2, 0.9)
    s.paint(airway * rings, (0.50, 0.24, 0.20), 0.5)
    s.light += airway * (np.clip(0.10 + 0.22 * (y + 0.1), 0.05, 0.20) - s.light)
    s.gloss -= airway * s.gloss


def _cord(scene: Scene, side: int, glottis: Glottis) -> None:
    """A pearly band, pinker where it runs under the false cord."""
    s, swell = scene.surface, glottis.swell
    u, t = glottis.inward(scene, side)
    if swell:
        puff = np.sin(np.float32(np.pi) * np.clip(t, 0, 1)) + np.float32(0.25) * noise(scene.eye("puff"), 4, 1)
        u = u + np.float32(0.10 * swell if glottis.gap else 0.02) * puff
    if scene.has("scar") and side == scarred_side(scene):
        u = u - np.float32(0.05) * bell(t - np.float32(0.48), 0.16)
    d = np.maximum(-u, np.maximum(-t, t - np.float32(1.08)) * np.float32(0.68))
    mask = s.layer(
        np.maximum(d, u - np.float32(0.34)),
        scene.tissue("cord", _CORD),
        rise=0.05 + 0.12 * swell,
        width=0.07 + 0.07 * swell,
        edge=0.018,
        shadow=0.3,
        reach=0.03,
        gloss=0.6,
        light=0.88,
    )
    s.paint(mask * soft(np.float32(0.19 + 0.1 * swell) - u, 0.12), (0.82, 0.50, 0.45), 0.9)
    s.paint(mask * scene.vessels(f"cord {side}"), (0.78, 0.36, 0.33), 0.35)
    if scene.has("erythema"):
        redden(scene, mask, 0.45 + 0.5 * scene.amount)
    if swell:
        s.paint(mask * soft(u - 0.25, 0.1), (0.96, 0.66, 0.50), 0.85)
        s.paint(mask * soft(np.abs(u - np.float32(0.10)) - 0.02, 0.10), (1.04, 0.88, 0.76), 0.6)
        s.gloss += mask * np.float32(0.3)


def _folds(scene: Scene, side: int, glottis: Glottis) -> None:
    """One body a side: false cord, aryepiglottic fold and arytenoid, flowing into one another."""
    s, x, y, gap, swell = scene.surface, scene.x, scene.y, glottis.gap, glottis.swell
    rear, fore = glottis.edge(0.85, side, 0.36 + 0.10 * swell), glottis.edge(-0.05, side, 0.33 + 0.08 * swell)
    false_cord = capsule(x, y, rear, fore, (0.17, 0.15))
    apex = (side * (0.16 + 0.80 * gap), -0.47 - 0.10 * gap)
    fold = capsule(x, y, (side * 0.66, 0.40), (side * 0.60, -0.32), (0.09, 0.10))
    fold = merge(fold, capsule(x, y, (side * 0.60, -0.32), apex, (0.10, 0.11)), 0.10)
    knob = ellipse(x, y, apex, (0.15 + 0.05 * swell, 0.13 + 0.06 * swell))
    fold = merge(fold, knob, 0.08)
    mask = s.layer(
        merge(false_cord, fold, 0.10),
        scene.tissue("fold", (0.82, 0.49, 0.43)),
        rise=0.16,
        width=0.16,
        edge=0.025,
        shadow=0.5,
        reach=0.045,
        gloss=0.6,
        light=0.92,
    )
    s.height += mask * np.float32(0.10) * soft(fold + 0.05, 0.16)
    s.paint(mask * soft(fold + 0.03, 0.12), scene.tissue("rim", (0.88, 0.58, 0.51)), 0.8)
    _lining(scene, f"fold{side}", mask)
    if swell:
        s.paint(mask, (0.90, 0.62, 0.56), 0.35)


def _epiglottis(scene: Scene, rng: np.random.Generator) -> None:
    s, x, y = scene.surface, scene.x, scene.y
    lift = float(rng.uniform(-0.04, 0.04))
    if scene.has("omega-shaped epiglottis"):
        # a leaf rolled into a tube: round, with a keyhole that opens upwards between its curled edges
        ring = np.abs(ellipse(x, y, (0.0, 0.47 + lift), (0.36, 0.31))) - np.float32(0.105)
        slot = capsule(x, y, (0.0, -0.1), (0.0, 0.40 + lift), (0.07, 0.05))
        d = np.maximum(ring, -slot)
        for side in (-1, 1):
            foot = capsule(x, y, (side * 0.14, 0.17 + lift), (side * 0.40, 0.06 + lift), (0.095, 0.07))
            d = merge(d, foot, 0.08)
        inside = soft(ellipse(x, y, (0.0, 0.47 + lift), (0.34, 0.29)), 0.05)
        s.paint(inside, (0.55, 0.24, 0.20), 0.75)
        s.light -= inside * np.float32(0.35) * s.light
        width = 0.10
    else:
        outer = ellipse(x, y, (0.0, 0.50 + lift), (0.76, 0.42))
        inner = ellipse(x, y, (0.0, 0.32 + lift), (0.66, 0.34))
        d = np.maximum(np.maximum(outer, -inner), np.float32(0.34 + lift) - y)
        width = 0.14
    mask = s.layer(
        d,
        scene.tissue("epiglottis", (0.92, 0.64, 0.53)),
        rise=0.18,
        width=width,
        edge=0.03,
        shadow=0.6,
        reach=0.09,
        gloss=0.6,
    )
    _lining(scene, "epiglottis", mask)
    s.paint(mask * bell(d + 0.015, 0.025), (0.97, 0.82, 0.70), 0.5)
