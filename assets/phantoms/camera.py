"""The endoscope's camera: field of view, pose, vignette, colour, blur and sensor noise."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .shapes import PIXEL, SIZE
from .streams import stream

WIDTH, HEIGHT = 640, 480


@dataclass(frozen=True)
class Pose:
    """One view: field of view in image pixels, scene shift and zoom in field radii, lamp, colour, blur, noise."""

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
    """The (480, 640, 3) uint8 RGB picture of a lit scene; outside the round field it is black."""
    scale = at.radius * PIXEL * at.zoom
    turn = cv2.getRotationMatrix2D((SIZE / 2, SIZE / 2), at.degrees, scale)
    turn[:, 2] += np.array(at.centre) - SIZE / 2 + np.array(at.shift) * at.radius
    image = cv2.warpAffine(
        scene, turn, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    image = cv2.GaussianBlur(image, (0, 0), at.blur)
    x = (np.arange(WIDTH, dtype=np.float32) - np.float32(at.centre[0]))[None, :]
    y = (np.arange(HEIGHT, dtype=np.float32) - np.float32(at.centre[1]))[:, None]
    r = np.sqrt(x * x + y * y)
    fall = 1 - np.float32(at.vignette) * np.clip(r / np.float32(at.radius), 0, 1) ** 3
    image *= (fall * np.float32(at.exposure))[..., None]
    image *= np.asarray(at.gains, np.float32)
    # a shoulder instead of a hard clip: highlights bleach softly, as a sensor's tone curve does
    np.clip(image, 0, None, out=image)
    image = np.where(image > 0.75, 1 - 0.25 * np.exp((0.75 - image) * 4), image) * np.float32(255)
    image += (rng.standard_normal((HEIGHT, WIDTH), dtype=np.float32) * np.float32(at.noise))[..., None]
    field = np.clip((np.float32(at.radius) - r) / 2.5 + 0.5, 0, 1)[..., None]
    image = np.float32(at.black) + (image - np.float32(at.black)) * field
    return np.clip(np.round(image), 0, 255).astype(np.uint8)
