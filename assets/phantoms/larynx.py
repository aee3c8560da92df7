"""The larynx through a rigid telescope: arytenoids above, vocal cords, crescent epiglottis below.

Open cords leave a dark triangle with its tip at the anterior commissure (below); closed cords meet in a line.
"""

import numpy as np

from .fluids import redden, white_mucus
from .scene import Scene
from .shapes import Field, Point, bell, capsule, ellipse, merge, noise, soft
from .tissue import vessels

_MUCOSA = (0.80, 0.46, 0.41)
_CORD = (0.93, 0.86, 0.80)


def paint(scene: Scene, *, closed: bool) -> None:
    """Paints a larynx with the scene's finding, cords open or closed."""
    rng = scene.body("anatomy")
    gap = 0.0 if closed else float(scene.eye("gap").uniform(0.20, 0.30))
    front: Point = (float(rng.uniform(-0.02, 0.02)), float(rng.uniform(0.34, 0.40)))
    back = float(rng.uniform(-0.34, -0.28))
    thick = float(rng.uniform(0.075, 0.095))
    swell = scene.amount if scene.has("edema") else 0.0
    _vestibule(scene)
    _glottis(scene, front, back, gap)
    for side in (-1, 1):
        _cord(scene, side, front, back, gap, thick, swell)
    _on_cords(scene, front, back, gap)
    for side in (-1, 1):
        _folds(scene, side, gap, front, swell)
    _epiglottis(scene, rng)


def _lining(scene: Scene, name: str, mask: Field) -> None:
    s = scene.surface
    s.paint(mask * vessels(scene.body(name, "vessels"), 16, width=1.2), (0.66, 0.20, 0.19), 0.5)
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


def _glottis(scene: Scene, front: Point, back: float, gap: float) -> None:
    """The airway between the cords: rings of the trachea that fade into the dark."""
    if not gap:
        return
    s, x, y = scene.surface, scene.x, scene.y
    airway = scene.polygon(
        [front, (-gap - 0.05, back - 0.03), (0.0, back - 0.14), (gap + 0.05, back - 0.03)], 0.02
    )
    s.paint(airway, (0.30, 0.11, 0.10))
    rings = soft(np.sin(30 * y + 9 * np.square(x)) - 0.2, 0.9)
    s.paint(airway * rings, (0.46, 0.22, 0.19), 0.5)
    s.light += airway * (np.clip(0.10 + 0.22 * (y + 0.1), 0.05, 0.22) - s.light)
    s.gloss -= airway * s.gloss


def _cord(scene: Scene, side: int, front: Point, back: float, gap: float, thick: float, swell: float) -> None:
    s, x, y = scene.surface, scene.x, scene.y
    wide = thick * (1 + 0.75 * swell)
    process = (side * (gap + wide + (0.004 if not gap else 0.0)), back)
    tip = (front[0] + side * (wide * 0.92 + 0.004), front[1])
    d = capsule(x, y, process, tip, (wide, wide * 0.92))
    if gap and not swell:
        d = d + np.float32(0.01) * np.sin(4 * y)
    if scene.has("scar") and side == (1 if scene.eye("scar").random() < 0.5 else -1):
        d = d + np.float32(0.035) * bell(y - np.float32(front[1] - 0.34), 0.13) * (0.5 + 0.5 * scene.amount)
    skin = scene.tissue("cord", _CORD, 0.5)
    mask = s.layer(
        d,
        skin,
        rise=0.05 + 0.09 * swell,
        width=0.10,
        edge=0.02,
        shadow=0.55,
        reach=0.035,
        gloss=0.6,
        light=0.98,
    )
    s.paint(mask * vessels(scene.body("cord", side), 14, width=0.8), (0.78, 0.36, 0.33), 0.35)
    if scene.has("erythema"):
        redden(scene, mask, 0.45 + 0.5 * scene.amount)
    if swell:
        s.paint(mask, (0.90, 0.74, 0.66), 0.45)
        s.paint(mask * bell(d + wide * 0.7, wide * 0.35), (0.97, 0.88, 0.80), 0.5)
        s.gloss += mask * np.float32(0.3)


def _on_cords(scene: Scene, front: Point, back: float, gap: float) -> None:
    s, x, y, a, rng = scene.surface, scene.x, scene.y, scene.amount, scene.eye("cords")

    def edge(t: float, side: int, inset: float = 0.0) -> Point:
        """A point of a cord's free edge: t = 0 in front, 1 behind."""
        return (front[0] * (1 - t) + side * (gap * t + inset + 0.01), front[1] + t * (back - front[1]))

    if scene.has("vocal cord nodule"):
        for side in (-1, 1):
            at = edge(0.42, side, 0.028)
            r = (0.050 + 0.040 * a) * float(rng.uniform(0.9, 1.1))
            d = ellipse(x, y, at, (r * 0.85, r))
            mask = s.layer(
                d,
                scene.tissue("nodule", (0.97, 0.90, 0.84), 0.5),
                rise=0.10,
                width=r,
                shadow=0.6,
                reach=0.05,
                gloss=0.75,
            )
            s.paint(mask * bell(d, 0.025), (0.84, 0.48, 0.44), 0.75)
    if scene.has("polyp"):
        side = 1 if rng.random() < 0.5 else -1
        r = 0.085 + 0.085 * a
        d = scene.bend(ellipse(x, y, edge(0.42, side, 0.03), (r, r * 1.12)), 0.012)
        mask = s.layer(
            d,
            scene.tissue("polyp", (0.80, 0.26, 0.24)),
            rise=0.17,
            width=r,
            shadow=0.7,
            reach=0.06,
            gloss=0.9,
        )
        s.paint(mask * vessels(scene.eye("polyp"), 30, width=1.0), (0.50, 0.05, 0.08), 0.6)
    if scene.has("leukoplakia"):
        for k in range(2 + round(3 * a)):
            side = 1 if k % 2 else -1
            at = edge(float(rng.uniform(0.22, 0.78)), side, 0.07)
            r = float(rng.uniform(0.06, 0.09)) * (0.7 + 0.5 * a)
            d = ellipse(x, y, at, (r * 0.8, r * 1.5), -20.0 * side) + np.float32(0.035) * noise(rng, 18, 3)
            mask = s.film(d, (1.12, 1.10, 1.04), opacity=1.0, rise=0.05, gloss=0.1, edge=0.02)
            s.height += mask * np.float32(0.025) * noise(rng, 40, 2)
    if scene.has("scar"):
        side = 1 if scene.eye("scar").random() < 0.5 else -1
        t = (front[1] - 0.34 - front[1]) / (back - front[1])
        a0, a1 = edge(t - 0.32, side, 0.055), edge(t + 0.30, side, 0.075)
        groove = capsule(x, y, a0, a1, (0.020, 0.020))
        s.height -= bell(groove, 0.035) * np.float32(0.05)
        s.paint(bell(groove, 0.04), (0.55, 0.25, 0.22), 0.75)
        s.paint(bell(groove + 0.01, 0.016), (1.1, 1.06, 1.0), 1.0)
        web = capsule(x, y, edge(t, side, 0.0), (side * 0.36, a1[1] + 0.10), (0.030, 0.055))
        mask = s.layer(
            web, scene.tissue("scar", (0.98, 0.92, 0.88), 0.4), rise=0.05, width=0.05, shadow=0.4, reach=0.04
        )
        s.paint(mask * soft(noise(rng, 34, 2), 0.8), (1.08, 1.04, 1.0), 0.6)
    if scene.has("white mucus"):
        wide = 0.018 + 0.022 * a
        d = scene.stroke([(-gap - 0.20, -0.05), (-0.04, 0.04), (0.06, -0.02), (gap + 0.22, 0.06)], wide)
        d = np.minimum(
            d, scene.stroke([(-gap * 0.5 - 0.18, 0.20), (0.0, 0.16), (gap * 0.5 + 0.2, 0.24)], wide)
        )
        blob = ellipse(x, y, edge(0.35, 1, 0.05), (0.07 + 0.04 * a, 0.09 + 0.04 * a))
        white_mucus(scene, np.minimum(d, scene.bend(blob, 0.03)))


def _folds(scene: Scene, side: int, gap: float, front: Point, swell: float) -> None:
    """The false cord, the aryepiglottic fold and the arytenoid of one side."""
    s, x, y = scene.surface, scene.x, scene.y
    out = 0.30 + 0.55 * gap
    false_cord = capsule(x, y, (side * (out + 0.02), -0.24), (side * 0.29, front[1] + 0.05), (0.10, 0.09))
    mask = s.layer(
        false_cord, scene.tissue("false", (0.82, 0.47, 0.42)), rise=0.13, width=0.12, shadow=0.5, reach=0.05
    )
    _lining(scene, f"false{side}", mask)
    apex = (side * (0.15 + 0.85 * gap), -0.50 - 0.10 * gap)
    fold = capsule(x, y, (side * 0.52, 0.42), (side * 0.46, -0.34), (0.085, 0.095))
    fold = merge(fold, capsule(x, y, (side * 0.46, -0.34), apex, (0.095, 0.10)), 0.06)
    knob = ellipse(x, y, apex, (0.135 + 0.03 * swell, 0.125 + 0.03 * swell))
    mask = s.layer(
        merge(fold, knob, 0.08),
        scene.tissue("fold", (0.84, 0.52, 0.46)),
        rise=0.24,
        width=0.16,
        shadow=0.6,
        reach=0.08,
        gloss=0.65,
    )
    _lining(scene, f"fold{side}", mask)
    if swell:
        s.paint(mask, (0.90, 0.62, 0.56), 0.35)


def _epiglottis(scene: Scene, rng: np.random.Generator) -> None:
    s, x, y = scene.surface, scene.x, scene.y
    lift = float(rng.uniform(-0.04, 0.04))
    if scene.has("omega-shaped epiglottis"):
        a = scene.amount
        neck, belly = 0.30 - 0.14 * a, 0.30
        points = [
            (-neck - 0.28, 0.10),
            (-neck - 0.04, 0.20),
            (-belly - 0.02, 0.44),
            (-0.20, 0.68 + lift),
            (0.0, 0.74 + lift),
            (0.20, 0.68 + lift),
            (belly + 0.02, 0.44),
            (neck + 0.04, 0.20),
            (neck + 0.28, 0.10),
        ]
        d = scene.stroke(points, 0.085 + 0.02 * a)
        width = 0.1
    else:
        outer = ellipse(x, y, (0.0, 0.50 + lift), (0.72, 0.40))
        inner = ellipse(x, y, (0.0, 0.34 + lift), (0.64, 0.34))
        d = np.maximum(outer, -inner)
        width = 0.12
    mask = s.layer(
        d,
        scene.tissue("epiglottis", (0.90, 0.62, 0.52)),
        rise=0.22,
        width=width,
        shadow=0.6,
        reach=0.09,
        gloss=0.6,
    )
    _lining(scene, "epiglottis", mask)
    s.paint(mask * bell(d + 0.015, 0.025), (0.97, 0.82, 0.70), 0.5)
