"""Sky, far away skyline, rain and the light on the ground: pictures made once for a scene."""

import cv2
import numpy as np
from numpy.typing import NDArray

from .canvas import CAMERA_HEIGHT_M, CENTRE_X, FOCAL, HEIGHT, HORIZON, WIDTH
from .palette import Light, bgr
from .truth import Scene

Picture = NDArray[np.uint8]
GROUND = int(HORIZON)  # the first row that may show ground


def sky_picture(scene: Scene, light: Light, rng: np.random.Generator) -> Picture:
    """(270, 480, 3) uint8 BGR: gradient, sun or moon, clouds, stars, hills or roofs far away."""
    share = np.clip(np.arange(HEIGHT) / HORIZON, 0, 1)[:, None, None] ** 0.8
    rows = np.array(light.top) * (1 - share) + np.array(light.horizon) * share
    picture = np.ascontiguousarray(np.broadcast_to(np.round(rows), (HEIGHT, WIDTH, 3)).astype(np.uint8))
    if scene.weather == "clear":
        _clear(picture, scene, rng)
    far = tuple(c * 0.55 + h * 0.35 for c, h in zip(light.top, light.horizon, strict=True))
    if scene.weather != "fog":
        _skyline(picture, scene, far, rng)
    return picture


def _clear(picture: Picture, scene: Scene, rng: np.random.Generator) -> None:
    at = (int(rng.integers(30, 150)), int(rng.integers(18, 46)))
    if scene.time == "night":
        for _ in range(60):
            x, y, bright = rng.integers(0, WIDTH), rng.integers(0, 105), int(rng.integers(90, 220))
            picture[y, x] = (bright, bright, bright)
        cv2.circle(picture, at, 10, bgr("#f2ecd0"), -1, cv2.LINE_AA)
        cv2.circle(picture, (at[0] + 5, at[1] - 3), 9, picture[at[1], 0].tolist(), -1, cv2.LINE_AA)
        return
    height = {"daytime": at[1], "morning": 84, "evening": 92}[scene.time]
    disc = bgr({"daytime": "#fff4c4", "morning": "#ffe9a8", "evening": "#ff8a3c"}[scene.time])
    cv2.circle(picture, (at[0], height), 13, disc, -1, cv2.LINE_AA)
    veil = picture.copy()
    cloud = bgr({"daytime": "#ffffff", "morning": "#fff0de", "evening": "#e58a78"}[scene.time])
    for _ in range(5):
        x, y = int(rng.integers(0, WIDTH)), int(rng.integers(15, 85))
        for _ in range(4):
            centre = (x + int(rng.integers(-34, 34)), y + int(rng.integers(-4, 4)))
            cv2.ellipse(
                veil, centre, (int(rng.integers(18, 36)), int(rng.integers(4, 8))), 0, 0, 360, cloud, -1, cv2.LINE_AA
            )
    cv2.addWeighted(veil, 0.65, picture, 0.35, 0, dst=picture)


def _skyline(picture: Picture, scene: Scene, colour: tuple[float, ...], rng: np.random.Generator) -> None:
    base = GROUND + 1
    if scene.road in {"highway", "bridge"} or "tall buildings" not in scene.things:
        x = np.arange(0, WIDTH + 20, 20)
        hill = base - 8 - 9 * np.abs(np.sin(x / 130 + rng.uniform(0, 6))) - 5 * np.abs(np.sin(x / 47))
        points = [(WIDTH, base), (0, base), *zip(x.tolist(), hill.round().tolist(), strict=True)]
        cv2.fillPoly(picture, [np.array(points, np.int32)], colour, cv2.LINE_AA)
        return
    x = 0
    while x < WIDTH:
        wide, high = int(rng.integers(14, 34)), int(rng.integers(8, 34))
        cv2.rectangle(picture, (x, base - high), (x + wide, base), colour, -1)
        if scene.time in {"night", "evening"}:
            for _ in range(5):
                at = (x + int(rng.integers(2, wide)), base - int(rng.integers(2, high)))
                cv2.rectangle(picture, at, (at[0] + 1, at[1] + 1), bgr("#e8c46a"), -1)
        x += wide + int(rng.integers(0, 6))


def ground_light(light: Light) -> tuple[Picture, Picture]:
    """(factor, sum) for the rows from GROUND on: lit = ground * factor / 255 + sum, with headlights and haze."""
    y = np.arange(GROUND, HEIGHT) - HORIZON + 0.5
    metres = np.minimum(FOCAL * CAMERA_HEIGHT_M / y, 900)[:, None]
    factor = np.broadcast_to(np.array(light.ambient), (len(y), WIDTH, 3)).copy()
    if light.lamps:
        across = (np.arange(WIDTH) - CENTRE_X)[None, :] * metres / FOCAL
        beam = 0.75 * np.exp(-metres / 20) * np.exp(-((across / (2.2 + 0.22 * metres)) ** 2))
        factor = np.minimum(1.0, factor + beam[:, :, None] * np.array([0.82, 0.96, 1.0]))
    through = np.exp(-light.fog * metres)[:, :, None]
    haze = np.broadcast_to(np.array(light.haze) * (1 - through), factor.shape)
    return np.round(factor * through * 255).astype(np.uint8), np.round(haze).astype(np.uint8)


def rain_pictures(light: Light, rng: np.random.Generator) -> list[Picture]:
    """Three layers of falling streaks, to be added in turn."""
    layers = []
    bright = 44 if light.lamps else 70
    for _ in range(3):
        layer = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for _ in range(230):
            x, y, long = int(rng.integers(0, WIDTH)), int(rng.integers(-20, HEIGHT)), int(rng.integers(9, 24))
            tone = int(bright * rng.uniform(0.4, 1.0))
            cv2.line(layer, (x, y), (x - long // 6, y + long), (tone, tone, tone - 6), 1, cv2.LINE_AA)
        layers.append(layer)
    return layers
