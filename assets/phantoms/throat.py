"""The throat through the open mouth: soft palate, uvula, tonsils, posterior wall, tongue."""

import numpy as np

from .fluids import pus, redden, white_mucus
from .scene import Scene
from .shapes import Field, bell, capsule, ellipse, merge, noise, soft

_MUCOSA = (0.84, 0.50, 0.45)


def paint(scene: Scene) -> None:
    """Paints an oropharynx with the scene's finding."""
    rng = scene.body("anatomy")
    arch = (float(rng.uniform(0.60, 0.66)), float(rng.uniform(0.56, 0.64)))
    opening = ellipse(scene.x, scene.y, (0.0, 0.22), arch)
    _posterior_wall(scene)
    for side in (-1, 1):
        _tonsil(scene, side, arch[0], float(rng.uniform(0.9, 1.1)))
    _palate(scene, opening, rng)
    _tongue(scene, rng)


def _lining(scene: Scene, name: str, mask: Field) -> None:
    s = scene.surface
    s.paint(mask * scene.vessels(f"{name} vessels"), (0.66, 0.20, 0.20), 0.5)
    s.height += mask * np.float32(0.005) * noise(scene.body(name, "relief"), 18, 3)
    if scene.has("erythema"):
        redden(scene, mask, 0.45 + 0.5 * scene.amount)


def _posterior_wall(scene: Scene) -> None:
    s, a, rng = scene.surface, scene.amount, scene.eye("wall")
    everywhere = np.ones_like(scene.x)
    s.paint(everywhere, scene.tissue("wall", (0.78, 0.42, 0.38)))
    s.light[:] = 0.66 - 0.25 * np.clip(np.abs(scene.x) - 0.15, 0, 1) + 0.1 * np.clip(0.3 - scene.y, -1, 1)
    s.gloss[:] = 0.5
    _lining(scene, "wall", everywhere)
    s.height += 0.010 * noise(scene.body("follicles"), 11, 2)
    if scene.has("granular posterior wall"):
        inside = soft(ellipse(scene.x, scene.y, (0.0, 0.22), (0.48, 0.46)), 0.1)
        for k, (count, size) in enumerate([(round(9 + 8 * a), 0.055), (round(14 + 14 * a), 0.035)]):
            grains = scene.dots(f"grains{k}", inside, count, (size * 0.7, size * 1.3))
            s.paint(grains, (0.90, 0.50, 0.42), 0.75)
            s.height += np.float32(0.05) * grains
            s.light += 0.25 * grains
    if scene.has("purulent discharge"):
        x0 = float(rng.uniform(-0.12, 0.12))
        d = scene.stroke([(x0 + 0.08, -0.4), (x0, 0.05), (x0 + 0.05, 0.4), (x0 - 0.02, 0.9)], 0.06 + 0.09 * a)
        pus(scene, d)
    if scene.has("white mucus"):
        d = scene.stroke([(-0.42, 0.05), (-0.1, 0.20), (0.2, 0.14), (0.45, 0.28)], 0.03 + 0.035 * a)
        d = np.minimum(d, scene.stroke([(-0.2, 0.5), (0.05, 0.36), (0.18, 0.1), (0.28, -0.2)], 0.03 + 0.035 * a))
        white_mucus(scene, d)


def _tonsil(scene: Scene, side: int, half_arch: float, size: float) -> None:
    s, a = scene.surface, scene.amount
    grow = 0.35 + 0.65 * a if scene.has("tonsillar hypertrophy") else 0.0
    if scene.has("tonsillar exudate"):
        grow = 0.22
    radii = ((0.15 + 0.17 * grow) * size, (0.27 + 0.15 * grow) * size)
    centre = (side * (half_arch - 0.06 - 0.16 * grow), 0.24)
    if scene.has("scar"):
        radii, centre = (0.20, 0.32), (side * (half_arch - 0.08), 0.24)
    d = ellipse(scene.x, scene.y, centre, radii, -8.0 * side) + np.float32(0.012) * noise(
        scene.body("tonsil", side), 9, 2
    )
    if scene.has("scar"):
        bed = s.layer(
            d,
            scene.tissue("bed", (0.72, 0.44, 0.40)),
            rise=-0.06,
            width=0.2,
            edge=0.06,
            shadow=0.2,
            light=0.8,
        )
        s.paint(bed, (0.86, 0.72, 0.66), 0.6)
        for k in range(6):
            y0 = 0.02 + 0.085 * k
            band = scene.stroke([(side * 0.74, y0 + 0.06), (side * 0.58, y0), (side * 0.42, y0 + 0.05)], 0.012)
            s.paint(soft(band, 0.03) * soft(d - 0.03, 0.1), (1.06, 0.98, 0.93), 0.9)
            s.height += bell(band, 0.02) * np.float32(0.012)
        return
    mask = s.layer(
        d,
        scene.tissue("tonsil", (0.86, 0.47, 0.42)),
        rise=0.20 + 0.12 * grow,
        width=0.24,
        shadow=0.6,
        light=0.88,
    )
    _lining(scene, f"tonsil{side}", mask)
    crypts = scene.dots(f"crypts{side}", soft(d + 0.04, 0.02), 11, (0.008, 0.018))
    s.paint(crypts, (0.42, 0.14, 0.13), 0.65)
    s.height -= crypts * np.float32(0.03)
    if scene.has("tonsillar exudate"):
        redden(scene, mask, 0.45)
        for k, (count, size_) in enumerate([(round(3 + 4 * a), 0.05), (round(6 + 8 * a), 0.025)]):
            spots = scene.dots(f"exudate{side}{k}", soft(d + 0.03, 0.02), count, (size_ * 0.7, size_ * 1.4))
            s.paint(spots, (0.96, 0.93, 0.78), 0.95)
            s.height += spots * np.float32(0.02)


def _palate(scene: Scene, opening: Field, rng: np.random.Generator) -> None:
    s, x, y = scene.surface, scene.x, scene.y
    swell = scene.amount if scene.has("edema") else 0.0
    length = float(rng.uniform(0.30, 0.42)) + 0.16 * swell
    lean = float(rng.uniform(-0.04, 0.04))
    thick = float(rng.uniform(0.060, 0.075)) + 0.10 * swell
    uvula = capsule(x, y, (0.0, -0.42), (lean, -0.36 + length), (thick * 1.15, thick))
    d = merge(-opening, uvula, 0.16)
    skin = scene.tissue("palate", _MUCOSA)
    mask = s.layer(d, skin, rise=0.26, width=0.34, edge=0.025, shadow=0.6, reach=0.13, gloss=0.55)
    _lining(scene, "palate", mask)
    s.paint(bell(opening - 0.10, 0.04) * mask * soft(-y - 0.1, 0.3), (0.92, 0.62, 0.55), 0.35)  # anterior pillars
    if swell:
        body = soft(capsule(x, y, (0.0, -0.30), (lean, -0.36 + length), (thick, thick)), 0.1)
        s.paint(body, (0.93, 0.66, 0.62), 0.30 + 0.35 * swell)
        s.gloss += body * np.float32(0.3)


def _tongue(scene: Scene, rng: np.random.Generator) -> None:
    s = scene.surface
    top = float(rng.uniform(0.60, 0.70))
    d = ellipse(scene.x, scene.y, (0.0, top + 0.50), (0.92, 0.50))
    mask = s.layer(
        d,
        scene.tissue("tongue", (0.82, 0.52, 0.49)),
        rise=0.28,
        width=0.45,
        shadow=0.7,
        reach=0.12,
        gloss=0.45,
    )
    papillae = noise(scene.body("papillae"), 60, 1)
    s.height += mask * np.float32(0.008) * papillae
    s.paint(mask * np.clip(0.35 + 0.3 * papillae, 0, 1), (0.90, 0.78, 0.73), 0.6)
    s.paint(mask * bell(scene.x - 0.01, 0.018), (0.62, 0.32, 0.31), 0.45)
