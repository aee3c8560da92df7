"""The ear: canal, tympanic membrane, malleus handle, cone of light.

+x is anterior. Seen by the examiner, the right ear's handle comes from one o'clock to the umbo and the cone
of light leaves it towards five o'clock; the left ear is its mirror image (eleven and seven o'clock).
"""

import cv2
import numpy as np

from .fluids import PUS, pus, redden, white_mucus
from .scene import Scene
from .shapes import SIZE, Field, Point, bell, capsule, ellipse, merge, noise, soft


def paint(scene: Scene) -> None:
    """Paints an ear with the scene's finding."""
    rng = scene.body("anatomy")
    centre = (float(rng.uniform(-0.05, 0.05)), float(rng.uniform(-0.05, 0.05)))
    size = float(rng.uniform(0.64, 0.72))
    drum = ellipse(scene.x, scene.y, centre, (size, size * float(rng.uniform(1.02, 1.12))), float(rng.uniform(-15, 15)))
    umbo = (centre[0] + float(rng.uniform(-0.04, 0.02)), centre[1] + float(rng.uniform(0.03, 0.10)))
    tilt = np.radians(rng.uniform(18, 32))
    knob = (umbo[0] + 0.50 * float(np.sin(tilt)), umbo[1] - 0.50 * float(np.cos(tilt)))
    _canal(scene, drum)
    _drum(scene, drum, centre, umbo, knob)
    _cone(scene, umbo, float(rng.uniform(28, 42)))
    _behind(scene, drum, centre)
    _in_canal(scene, drum, centre, size)


def _canal(scene: Scene, drum: Field) -> None:
    s = scene.surface
    skin = scene.tissue("skin", (0.86, 0.62, 0.50))
    s.paint(np.ones_like(drum), skin)
    # folds run along the tunnel: noise that varies with the angle much faster than with depth
    texture = noise(scene.body("folds"), 16, 2)
    ring = np.float32(SIZE / 2) * (0.62 + 0.12 * drum) / np.maximum(cv2.magnitude(scene.x, scene.y), 0.05)
    across, down = scene.x * ring + SIZE / 2, scene.y * ring + SIZE / 2
    folds = cv2.remap(texture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    s.tint(np.clip(0.5 + 0.4 * folds, 0, 1), (0.84, 0.76, 0.72))
    s.paint(scene.vessels("canal vessels"), (0.70, 0.32, 0.28), 0.35)
    s.height[:] = 0.55 * np.clip(drum, -0.1, 1) + 0.008 * folds
    s.gloss[:] = 0.30
    s.light[:] = 0.66 + 0.75 * np.clip(drum, 0, 0.6)
    if scene.has("edema"):
        redden(scene, soft(-drum, 0.1), 0.35 * scene.amount)


def _drum(scene: Scene, drum: Field, centre: Point, umbo: Point, knob: Point) -> None:
    s, x, y = scene.surface, scene.x, scene.y
    body = s.layer(
        drum,
        scene.tissue("drum", (0.60, 0.555, 0.515)),
        rise=0.0,
        edge=0.03,
        shadow=0.45,
        reach=0.07,
        gloss=0.34,
        light=0.86,
    )
    to_umbo = cv2.magnitude(x - np.float32(umbo[0]), y - np.float32(umbo[1]))
    s.height -= body * np.float32(0.16) * np.clip(1 - to_umbo / 0.7, 0, 1)
    s.paint(body * soft(y - np.float32(centre[1] - 0.42), 0.5), (0.82, 0.58, 0.52), 0.5)  # pars flaccida
    s.paint(
        body * soft(x - np.float32(centre[0] - 0.15), 0.5) * soft(y - np.float32(centre[1]), 0.6),
        (0.66, 0.55, 0.50),
        0.35,
    )
    if scene.has("erythema"):
        redden(scene, body, 0.62 + 0.38 * scene.amount)
    if scene.has("thickened membrane"):
        cloud = np.clip(0.9 + 0.12 * noise(scene.eye("cloud"), 6), 0.6, 1)
        s.paint(body * cloud, (0.88, 0.80, 0.66), 0.70 + 0.28 * scene.amount)
        s.height += body * np.float32(0.022) * noise(scene.eye("thick"), 9, 2) * scene.amount
        s.gloss -= body * np.float32(0.22)
    s.paint(bell(drum + 0.015, 0.028), (0.93, 0.88, 0.80), 0.65)  # annulus
    s.height += bell(drum + 0.01, 0.03) * np.float32(0.018)
    rays = scene.vessels("drum vessels")
    s.paint(rays * body * np.clip(0.25 + to_umbo, 0, 1), (0.70, 0.26, 0.25), 0.45)
    _malleus(scene, umbo, knob)


def _malleus(scene: Scene, umbo: Point, knob: Point) -> None:
    s, x, y = scene.surface, scene.x, scene.y
    hidden = 0.65 * scene.amount if scene.has("thickened membrane") else 0.0
    handle = capsule(x, y, knob, umbo, (0.036, 0.024))
    s.paint(bell(handle - 0.02, 0.03), (0.74, 0.30, 0.28), 0.45 * (1 - hidden))  # vessels along the handle
    mask = soft(handle, 0.03)
    s.paint(mask, (0.94, 0.87, 0.74), 0.92 * (1 - hidden))
    bulge = soft(cv2.magnitude(x - np.float32(knob[0]), y - np.float32(knob[1])) - np.float32(0.055), 0.04)
    s.paint(bulge, (0.96, 0.91, 0.82), 0.9 * (1 - hidden))
    s.height += (mask * np.float32(0.035) + bulge * np.float32(0.05)) * (1 - hidden)
    # the fold behind the short process
    fold = capsule(x, y, knob, (knob[0] - 0.34, knob[1] - 0.02), (0.012, 0.004))
    s.paint(bell(fold, 0.02), (0.90, 0.78, 0.70), 0.5)


def _cone(scene: Scene, umbo: Point, degrees: float) -> None:
    """The cone of light: towards +x and down; dull on a thick or inflamed membrane."""
    dulled = {"thickened membrane": 0.9, "erythema": 0.45, "effusion": 0.55}.get(scene.finding, 0.0)
    a, spread = np.radians(degrees), np.radians(11)
    tips = [(umbo[0] + 0.50 * float(np.sin(b)), umbo[1] + 0.50 * float(np.cos(b))) for b in (a - spread, a + spread)]
    light = scene.polygon([(umbo[0] + 0.01, umbo[1] + 0.03), *tips], 0.014)
    distance = cv2.magnitude(scene.x - np.float32(umbo[0]), scene.y - np.float32(umbo[1]))
    light *= np.clip(1.25 - 1.3 * distance, 0.2, 1)
    scene.surface.paint(light, (1.22, 1.18, 1.06), 0.92 * (1 - dulled * (0.6 + 0.4 * scene.amount)))


def _behind(scene: Scene, drum: Field, centre: Point) -> None:
    """Findings of the membrane itself and of the middle ear behind it."""
    s, x, y, rng = scene.surface, scene.x, scene.y, scene.eye("lesion")
    if scene.has("perforation"):
        at = (centre[0] + float(rng.uniform(-0.26, 0.18)), centre[1] + float(rng.uniform(0.12, 0.30)))
        r = (0.13 + 0.24 * scene.amount) * float(rng.uniform(0.9, 1.08))
        hole = scene.bend(ellipse(x, y, at, (r * float(rng.uniform(1.0, 1.2)), r), float(rng.uniform(0, 180))), 0.02)
        hole = np.maximum(hole, drum + 0.07)
        s.paint(bell(hole, 0.045), (0.78, 0.36, 0.30), 0.8)
        inner = soft(hole, 0.02)
        s.paint(inner, scene.tissue("promontory", (0.52, 0.27, 0.22)))
        s.height += inner * np.float32(-0.10)
        s.light += inner * (np.clip(0.20 + 0.9 * np.clip(-hole, 0, 0.3), 0, 0.42) - s.light)
        s.paint(bell(hole - 0.012, 0.014), (0.95, 0.82, 0.72), 0.7)
    if scene.has("scar"):
        arc = np.radians(rng.uniform(100, 250))
        for k in range(5):
            b = arc + 0.42 * k
            at = (centre[0] + 0.40 * float(np.cos(b)), centre[1] + 0.42 * float(np.sin(b)))
            size = float(rng.uniform(0.10, 0.17)) * (0.65 + 0.4 * scene.amount)
            plaque = scene.bend(ellipse(x, y, at, (size * 1.3, size * 0.8), float(np.degrees(b)) + 90), 0.05)
            mask = soft(np.maximum(plaque, drum + 0.05), 0.05)
            s.paint(mask, (1.0, 0.98, 0.92), 0.92)
            s.height += mask * np.float32(0.012)
    if scene.has("effusion"):
        level = centre[1] - 0.28 * (scene.amount - 0.65) + 0.04 * np.square(x) - y
        fluid = soft(np.maximum(level, drum + 0.04), 0.03)
        s.tint(fluid, (1.04, 0.80, 0.42))
        s.paint(bell(level, 0.013) * soft(drum + 0.04, 0.05), (0.98, 0.92, 0.75), 0.75)
        _bubbles(scene, soft(np.maximum(np.abs(level - 0.10) - 0.12, drum + 0.16), 0.02))


def _bubbles(scene: Scene, where: Field) -> None:
    rng = scene.eye("bubbles")
    rows, columns = np.nonzero(where > 0.5)
    for i in rng.integers(0, max(1, len(rows)), 6 if len(rows) else 0):
        r = float(rng.uniform(0.035, 0.075))
        at = (float(scene.x[rows[i], columns[i]]), float(scene.y[rows[i], columns[i]]))
        d = ellipse(scene.x, scene.y, at, (r, r))
        scene.surface.paint(bell(d, 0.011), (1.0, 0.94, 0.78), 0.8)
        scene.surface.height += soft(d, 0.02) * np.float32(0.02)


def _in_canal(scene: Scene, drum: Field, centre: Point, size: float) -> None:
    """Findings that lie in the canal, in front of the membrane."""
    s, x, y, rng = scene.surface, scene.x, scene.y, scene.eye("canal")
    if scene.has("edema"):
        narrow = size * (1.02 - 0.62 * scene.amount)
        lumen = scene.bend(ellipse(x, y, centre, (narrow * 0.85, narrow * 1.1), float(rng.uniform(-25, 25))), 0.05, 4)
        swollen = scene.tissue("skin", (0.86, 0.47, 0.42))
        s.layer(-lumen, swollen, rise=0.32, width=0.5, edge=0.03, shadow=0.5, reach=0.12, gloss=0.55)
    if scene.has("cerumen"):
        _lumps(scene, drum, rng, (0.47, 0.26, 0.09), count=3 + round(4 * scene.amount))
    if scene.has("purulent discharge"):
        level = centre[1] + 0.50 - 0.62 * scene.amount
        d = level + np.float32(0.16) * np.square(x) - y + np.float32(0.05) * noise(rng, 4, 3)
        for side in (-1, 1):
            tongue = ellipse(x, y, (side * 0.62, level - 0.05), (0.24, 0.16 + 0.22 * scene.amount), 20.0 * side)
            d = merge(d, tongue, 0.15)
        pus(scene, d, fill=0.9)
        s.paint(soft(d + 0.04, 0.05) * np.clip(0.4 * noise(rng, 12, 2), 0, 1), np.asarray(PUS) * 1.15, 0.6)
    if scene.has("fungal debris"):
        start = float(rng.uniform(0, 2 * np.pi))
        for k in range(3 + round(3 * scene.amount)):
            b, r = start + 0.75 * k, float(rng.uniform(0.32, 0.72))
            at = (centre[0] + r * float(np.cos(b)), centre[1] + r * float(np.sin(b)))
            d = ellipse(
                x,
                y,
                at,
                (float(rng.uniform(0.16, 0.27)), float(rng.uniform(0.13, 0.2))),
                float(rng.uniform(0, 180)),
            )
            d = d + np.float32(0.07) * noise(rng, 16, 3)
            mask = white_mucus(scene, d)
            s.gloss -= 0.75 * mask * s.gloss
            s.height += mask * np.float32(0.007) * noise(rng, 45, 2)
            spores = scene.dots(f"spores{k}", soft(d + 0.02, 0.02), 24, (0.006, 0.014))
            s.paint(spores, (0.06, 0.06, 0.05), 0.9)


def _lumps(scene: Scene, drum: Field, rng: np.random.Generator, colour: tuple[float, float, float], count: int) -> None:
    start = float(rng.uniform(0, 2 * np.pi))
    for k in range(count):
        b, r = start + float(rng.normal(0.62 * k, 0.15)), float(rng.uniform(0.40, 0.80)) - 0.03 * count
        at = (r * float(np.cos(b)), r * float(np.sin(b)))
        big = float(rng.uniform(0.17, 0.29)) * (0.75 + 0.35 * scene.amount)
        d = ellipse(scene.x, scene.y, at, (big * 1.3, big), float(np.degrees(b)) + 90)
        d = d + np.float32(0.05) * noise(rng, 6, 2)
        shade = np.asarray(colour) * float(rng.uniform(0.8, 1.5))
        wax = shade.astype(np.float32)[:, None, None] * (1 + np.float32(0.16) * noise(rng, 20, 3))
        mask = scene.surface.layer(d, wax, rise=0.07, width=0.16, edge=0.045, shadow=0.3, reach=0.06, gloss=0.6)
        scene.surface.height += mask * np.float32(0.008) * noise(rng, 18, 2)
