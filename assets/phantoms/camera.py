"""The endoscope's camera: field of view, pose, vignette, colour, blur and sensor noise."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .shapes import PIXEL, SIZE
from .streams import stream

WIDTH, HEIGHT = 640, 480
_SHOULDER = 0.72


@dataclass(frozen=True)
class Pose:
    """One view: field in image pixels, scene shift and zoom in field radii, lamp, colour, blur, noise."""

    centre: tuple[float, float]
    radius: float
    degrees: float
    shift: tuple[float, float]
    zoom: float
    lamp: tuple[float, float]
    exposure: float
    gains: tuple[float, float, float]
    vignette: float
    blur: float
    noise: float
    black: int


def pose(seed: int, patient: int, view: int) -> Pose:
    """The pose of one view of one patient. The radius may exceed half the height: the field is then cut."""
    body, eye = stream(seed, "camera", patient), stream(seed, "pose", patient, view)
    warm = body.uniform(-0.05, 0.05)
    radius = float(np.clip(body.uniform(200, 246) + eye.normal(0, 4), 195, 250))
    return Pose(
        centre=(WIDTH / 2 + float(eye.uniform(-38, 38)), HEIGHT / 2 + float(eye.uniform(-12, 12))),
        radius=radius,
        degrees=float(np.clip(eye.normal(0, 5), -11, 11)),
        shift=(float(eye.uniform(-0.07, 0.07)), float(eye.uniform(-0.07, 0.07))),
        zoom=float(eye.uniform(0.95, 1.08)),
        lamp=(float(eye.uniform(-0.25, 0.25)), float(eye.uniform(-0.3, 0.2))),
        exposure=float(eye.uniform(0.88, 1.1)),
        gains=(1 + warm, 1.0, 1 - warm + float(eye.normal(0, 0.012))),
        vignette=float(eye.uniform(0.30, 0.55)),
        blur=float(eye.uniform(0.5, 1.25)),
        noise=float(eye.uniform(1.2, 3.2)),
        black=int(eye.integers(0, 5)),
    )


def photograph(scene: NDArray[np.float32], at: Pose, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The (480, 640, 3) uint8 RGB picture of a lit scene (3, SIZE, SIZE); black outside the field."""
    # only the square around the field is worked on
    left, top = (max(0, int(c - at.radius - 2)) for c in at.centre)
    right, bottom = (
        min(WIDTH, int(at.centre[0] + at.radius + 3)),
        min(HEIGHT, int(at.centre[1] + at.radius + 3)),
    )
    turn = cv2.getRotationMatrix2D((SIZE / 2, SIZE / 2), at.degrees, at.radius * PIXEL * at.zoom)
    turn[:, 2] += np.array(at.centre) - SIZE / 2 + np.array(at.shift) * at.radius - (left, top)
    x = (np.arange(left, right, dtype=np.float32) - np.float32(at.centre[0]))[None, :]
    y = (np.arange(top, bottom, dtype=np.float32) - np.float32(at.centre[1]))[:, None]
    r = np.sqrt(x * x + y * y)
    fall = np.float32(at.exposure) * (1 - np.float32(at.vignette) * np.clip(r / np.float32(at.radius), 0, 1) ** 3)
    field = np.clip((np.float32(at.radius) - r) / 2.5 + 0.5, 0, 1)
    grain = rng.standard_normal(r.shape, dtype=np.float32) * np.float32(at.noise)
    picture = np.full((HEIGHT, WIDTH, 3), at.black, np.uint8)
    for channel, (plane, gain) in enumerate(zip(scene, at.gains, strict=True)):
        seen = cv2.warpAffine(plane, turn, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
        seen = cv2.GaussianBlur(seen, (0, 0), at.blur) * (fall * np.float32(gain))
        # a shoulder instead of a hard clip: highlights bleach softly, as a sensor's tone curve does
        over = np.clip(seen - np.float32(_SHOULDER), 0, None)
        seen = np.minimum(seen, np.float32(_SHOULDER)) + over / (1 + over / np.float32(1 - _SHOULDER))
        seen = at.black + (seen * 255 + grain - at.black) * field
        picture[top:bottom, left:right, channel] = np.clip(np.round(seen), 0, 255)
    return picture
