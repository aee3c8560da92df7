"""The nasal cavity from the front: septum, inferior and middle turbinate, dark meatus between them.

+x is medial: in the right nostril the septum stands on the image's right side, in the left one on its left.
"""

import numpy as np

from .fluids import blood, clear_mucus, pus, redden, white_mucus, whiten
from .scene import Scene
from .shapes import Field, Point, bell, capsule, ellipse, merge, noise, soft
from .tissue import vessels

_MUCOSA = (0.82, 0.47, 0.43)


def paint(scene: Scene) -> None:
    """Paints a nostril with the scene's finding."""
    rng = scene.body("anatomy")
    swell = {"edema": 0.25 * scene.amount}.get(scene.finding, 0.0)
    septum_at = float(rng.uniform(0.20, 0.30))
    inferior = (float(rng.uniform(-0.56, -0.48)), float(rng.uniform(0.28, 0.40)))
    middle = (float(rng.uniform(-0.16, -0.08)), float(rng.uniform(-0.62, -0.52)))
    _cavity(scene)
    mouth = (middle[0] - 0.26, middle[1] + 0.36)  # of the middle meatus
    if scene.has("polyp"):
        _polyp(scene, mouth)
    if scene.has("purulent discharge"):
        _pus_stream(scene, mouth, inferior)
    _middle_turbinate(scene, middle, swell)
    _inferior_turbinate(scene, inferior, swell, rng)
    _septum(scene, septum_at, rng)
    _on_top(scene, septum_at, inferior, mouth)


def _cavity(scene: Scene) -> None:
    s, x, y = scene.surface, scene.x, scene.y
    s.paint(np.ones_like(x), scene.tissue("depth", (0.56, 0.24, 0.21)))
    # the lamp reaches a little way into the cavity, along its floor
    s.light[:] = 0.20 + 0.35 * np.clip(y + 0.2, 0, 1) * bell(x + 0.02, 0.35)
    s.height[:] = 0.10 * np.clip(np.abs(x) - 0.05, 0, 0.4)
    s.gloss[:] = 0.2
    vestibule = np.minimum(1.0 - np.hypot(x * 0.96, y), x + 0.82)
    s.layer(vestibule, scene.tissue("wall", _MUCOSA), rise=0.3, width=0.4, shadow=0.2, reach=0.4, light=0.75)
    floor = 0.66 + 0.16 * np.square(x) - y
    s.layer(
        floor,
        scene.tissue("floor", _MUCOSA),
        rise=0.10,
        width=0.4,
        edge=0.06,
        shadow=0.3,
        reach=0.25,
        light=0.75,
    )


def _mucosa(scene: Scene, name: str, mask: Field) -> None:
    """Vessels, and the findings that change the whole lining, on a body that has just been laid."""
    s = scene.surface
    s.paint(mask * scene.vessels(f"{name} vessels"), (0.66, 0.18, 0.20), 0.5)
    s.height += mask * np.float32(0.006) * noise(scene.body(name, "relief"), 16, 3)
    if scene.has("erythema"):
        redden(scene, mask, 0.45 + 0.5 * scene.amount)
    if scene.has("pale mucosa"):
        whiten(scene, mask, scene.amount)
    if scene.has("edema"):
        s.paint(mask, (0.88, 0.58, 0.56), 0.35)
        s.gloss += mask * np.float32(0.2)


def _middle_turbinate(scene: Scene, middle: Point, swell: float) -> None:
    d = ellipse(scene.x, scene.y, middle, (0.19 + 0.3 * swell, 0.52 + 0.4 * swell), 6)
    mask = scene.surface.layer(
        d,
        scene.tissue("middle", _MUCOSA),
        rise=0.16,
        width=0.2,
        shadow=0.55,
        reach=0.10,
        gloss=0.55,
        light=0.62,
    )
    _mucosa(scene, "middle", mask)


def _inferior_turbinate(scene: Scene, inferior: Point, swell: float, rng: np.random.Generator) -> None:
    radii = (float(rng.uniform(0.42, 0.50)) + 0.9 * swell, float(rng.uniform(0.32, 0.38)) + 0.8 * swell)
    d = ellipse(scene.x, scene.y, inferior, radii, float(rng.uniform(4, 16)))
    side = ellipse(scene.x, scene.y, (-0.98, 0.25), (0.36, 0.75))
    mask = scene.surface.layer(
        merge(d, side, 0.2),
        scene.tissue("inferior", _MUCOSA),
        rise=0.34,
        width=0.42,
        shadow=0.65,
        reach=0.13,
        gloss=0.6,
    )
    _mucosa(scene, "inferior", mask)


def _septum(scene: Scene, at: float, rng: np.random.Generator) -> None:
    y = scene.y
    wave = np.float32(at) + np.float32(rng.uniform(-0.05, 0.05)) * np.sin(2.2 * y + np.float32(rng.uniform(0, 6)))
    if scene.has("septal deviation"):
        bow = float(scene.eye("deviation").uniform(-0.15, 0.2))
        wave = wave - np.float32(0.16 + 0.30 * scene.amount) * np.exp(-np.square((y - bow) / 0.42))
    d = wave - scene.x + np.float32(0.10) * np.clip(-y - 0.3, 0, None)
    if scene.has("septal spur"):
        level = float(scene.eye("spur").uniform(0.12, 0.38))
        reach = 0.20 + 0.32 * scene.amount
        tip = capsule(scene.x, y, (at + 0.12, level - 0.06), (at - reach, level + 0.03), (0.22, 0.03))
        d = merge(d, tip, 0.16)
    mask = scene.surface.layer(
        d,
        scene.tissue("septum", (0.86, 0.55, 0.50)),
        rise=0.30,
        width=0.62,
        shadow=0.6,
        reach=0.12,
        gloss=0.5,
    )
    _mucosa(scene, "septum", mask)
    if scene.has("septal spur"):
        ridge = capsule(scene.x, y, (at + 0.20, level - 0.06), (at - reach + 0.03, level + 0.02), (0.03, 0.012))
        scene.surface.height += bell(ridge, 0.07) * np.float32(0.10) * mask
        scene.surface.paint(bell(ridge, 0.06) * mask, (0.96, 0.80, 0.74), 0.6)


def _polyp(scene: Scene, mouth: Point) -> None:
    """A smaller grape behind; the large one is laid in front of the turbinates later."""
    size = 0.10 + 0.12 * scene.amount
    _grape(scene, (mouth[0] + 0.02, mouth[1] + 0.05), size, 0)


def _grape(scene: Scene, at: Point, r: float, k: int) -> None:
    """A pale, glassy drop of swollen mucosa on a stalk."""
    s = scene.surface
    body = ellipse(scene.x, scene.y, at, (r * 0.88, r * 1.08), 8)
    stalk = capsule(scene.x, scene.y, (at[0] - 0.04, at[1] - 1.5 * r), at, (0.45 * r, 0.6 * r))
    d = scene.bend(merge(body, stalk, 0.6 * r), 0.012, 5)
    skin = scene.tissue("polyp", (0.80, 0.60, 0.52))
    mask = s.layer(d, skin, rise=0.6 * r, width=0.95 * r, edge=0.04, shadow=0.55, reach=0.08, gloss=0.85, light=0.9)
    s.paint(mask * soft(d + 0.5 * r, 0.8 * r), (0.88, 0.80, 0.70), 0.9)
    s.paint(mask * vessels(scene.eye("grape", k), 22, width=0.8), (0.74, 0.34, 0.30), 0.45)


def _pus_stream(scene: Scene, mouth: Point, inferior: Point) -> None:
    wide = 0.055 + 0.075 * scene.amount
    path = [
        (mouth[0] + 0.05, mouth[1] - 0.25),
        mouth,
        (mouth[0] + 0.02, mouth[1] + 0.2),
        (mouth[0] + 0.2, inferior[1] + 0.1),
    ]
    pus(scene, scene.stroke(path, wide + 0.03))


def _on_top(scene: Scene, septum_at: float, inferior: Point, mouth: Point) -> None:
    """Findings that lie on the finished lining."""
    a, rng = scene.amount, scene.eye("on top")
    if scene.has("polyp"):
        # the largest grape comes forward, in front of the turbinates
        r = 0.15 + 0.20 * a
        _grape(scene, (mouth[0] + 0.16, mouth[1] + 0.16 + 0.3 * r), r, 9)
    _secretions(scene, septum_at, inferior, mouth)
    if scene.has("bleeding"):
        start = (septum_at + 0.22, float(rng.uniform(-0.15, 0.1)))
        d = ellipse(scene.x, scene.y, start, (0.10 + 0.08 * a, 0.12 + 0.08 * a))
        d = np.minimum(d, scene.stroke([start, (start[0] - 0.04, 0.45), (start[0] - 0.1, 0.95)], 0.04 + 0.05 * a))
        blood(scene, scene.bend(np.minimum(d, ellipse(scene.x, scene.y, (0.1, 0.95), (0.45, 0.2))), 0.03))
    if scene.has("scar"):
        y0 = float(rng.uniform(0.05, 0.2))
        left, right = inferior[0] + 0.18, septum_at + 0.20
        for k in range(5):
            fan = (k - 2) * (0.05 + 0.03 * a)
            path = [
                (left, y0 + 1.5 * fan),
                ((left + right) / 2, y0 - 0.02 + 0.55 * fan),
                (right, y0 - 0.04 + 1.5 * fan),
            ]
            scene.surface.layer(
                scene.stroke(path, 0.034),
                scene.tissue(f"scar{k}", (0.93, 0.72, 0.65)),
                rise=0.04,
                width=0.05,
                edge=0.04,
                shadow=0.35,
                reach=0.05,
                light=0.95,
            )
            scene.surface.paint(bell(scene.stroke(path, 0.0), 0.016), (1.05, 0.96, 0.90), 0.6)


def _secretions(scene: Scene, septum_at: float, inferior: Point, mouth: Point) -> None:
    """Pus and mucus that flow over the finished lining."""
    a, rng = scene.amount, scene.eye("on top")
    top = inferior[1] - 0.36
    if scene.has("purulent discharge"):
        wide = 0.05 + 0.07 * a
        path = [
            mouth,
            (mouth[0] + 0.04, top),
            (mouth[0] - 0.06, top + 0.24),
            (mouth[0] - 0.02, top + 0.30 + 0.4 * a),
        ]
        d = scene.stroke(path, wide)
        pus(scene, np.minimum(d, ellipse(scene.x, scene.y, path[0], (0.15, 0.10 + 0.06 * a))))
    if scene.has("white mucus"):
        d = scene.stroke([(septum_at + 0.1, -0.1), (0.0, 0.0), (-0.25, 0.12), (-0.52, 0.08)], 0.03 + 0.03 * a)
        d = np.minimum(d, scene.stroke([(-0.5, 0.2), (-0.1, 0.38), (septum_at + 0.15, 0.30)], 0.03 + 0.03 * a))
        d = np.minimum(d, scene.bend(ellipse(scene.x, scene.y, (0.0, 0.84), (0.45, 0.10 + 0.08 * a)), 0.04))
        white_mucus(scene, d)
    if scene.has("watery mucus"):
        d = scene.bend(ellipse(scene.x, scene.y, (-0.05, 0.74), (0.55, 0.24 + 0.14 * a)), 0.05)
        for k in range(4):
            left = inferior[0] - 0.1 + 0.17 * k + float(rng.normal(0, 0.03))
            drop = float(rng.uniform(0.25, 0.6))
            d = merge(
                d,
                scene.stroke([(left, -0.1), (left + 0.03, 0.2), (left + 0.02, drop)], 0.03 + 0.03 * a),
                0.08,
            )
        for k in range(3):
            d = np.minimum(
                d,
                scene.stroke([(septum_at + 0.16 * k + 0.1, -0.3 + 0.2 * k), (septum_at + 0.13 * k, 0.7)], 0.04),
            )
        mask = clear_mucus(scene, d)
        foam = scene.dots("foam", mask, 26, (0.012, 0.035))
        scene.surface.height += np.float32(0.02) * foam
        scene.surface.paint(foam, (0.92, 0.92, 0.93), 0.25)
