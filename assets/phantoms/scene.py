"""What every region's painter is given: coordinates bent by the anatomy, and named random streams."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from .shapes import Field, Point, X, Y, noise, polygon, stroke
from .streams import stream
from .tissue import Colour, Surface, vessels

AMOUNT = {"mild": 0.5, "moderate": 0.75, "severe": 1.0, "none": 0.85}


@dataclass
class Scene:
    """One view being painted.

    `mirror` is 1 on the patient's right and -1 on the left: with it, +x is anterior in an ear and medial in a
    nose, so one description serves both sides. `amount` is how strongly the finding shows, 0.5 to 1.
    """

    seed: int
    patient: int
    view: int
    region: str
    mirror: int
    finding: str
    amount: float
    surface: Surface = field(default_factory=Surface)
    x: Field = field(init=False)
    y: Field = field(init=False)
    net: Field = field(init=False)
    complexion: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        bend = self.body("bend")
        view = self.eye("bend")
        dx = np.float32(0.026) * noise(bend, 3, 2) + np.float32(0.006) * noise(view, 3, 1)
        dy = np.float32(0.026) * noise(bend, 3, 2) + np.float32(0.006) * noise(view, 3, 1)
        self.x = np.float32(self.mirror) * X + dx
        self.y = Y + dy
        self.net = vessels(self.body("vessels"), 30, width=1.35)
        self.complexion = stream(self.seed, "complexion", self.patient).normal(0, (0.03, 0.012, 0.012, 0.012))

    def body(self, *words: object) -> np.random.Generator:
        """A stream fixed by the patient, the region and the side: anatomy."""
        return stream(self.seed, "body", self.patient, self.region, self.mirror, *words)

    def eye(self, *words: object) -> np.random.Generator:
        """A stream fixed by the view: what differs between two pictures of one patient."""
        return stream(self.seed, "eye", self.patient, self.view, *words)

    def has(self, *findings: str) -> bool:
        """Whether the view's finding is one of these."""
        return self.finding in findings

    def tissue(self, name: str, base: Sequence[float]) -> Colour:
        """This patient's colour for a tissue that is usually `base`."""
        rng = self.body("tissue", name)
        skin = self.complexion
        shifted = np.asarray(base) * (1 + skin[0] + rng.normal(0, 0.02)) + skin[1:] + rng.normal(0, 0.008, 3)
        return [float(c) for c in shifted]

    def vessels(self, name: str) -> Field:
        """The patient's capillary net, turned over by `name` so that neighbouring bodies do not share one."""
        flip = int(self.body("flip", name).integers(4))
        return self.net[:: 1 - 2 * (flip & 1), :: 1 - (flip & 2)]

    def stroke(self, points: Sequence[Point], radius: float) -> Field:
        """Distance to a curve given in mirrored scene coordinates, with an uneven outline."""
        return self.bend(stroke(points, radius, self.mirror), 0.02)

    def polygon(self, points: Sequence[Point], blur: float) -> Field:
        """A blurred polygon given in mirrored scene coordinates."""
        return polygon(points, blur, self.mirror)

    def bend(self, d: Field, amount: float, cells: int = 7) -> Field:
        """The shape `d` with an outline that wavers by about `amount`."""
        return d + np.float32(amount) * noise(self.eye("outline"), cells, 2)

    def dots(self, name: str, where: Field, count: int, radii: tuple[float, float]) -> Field:
        """Round spots scattered where the mask `where` is above one half, as a soft mask 0..1."""
        rng = self.eye("dots", name)
        rows, columns = np.nonzero(where[::2, ::2] > 0.5)
        canvas = np.zeros(where.shape, np.uint8)
        if len(rows):
            for i in rng.integers(0, len(rows), count):
                at = (int(columns[i]) * 32 + int(rng.integers(32)), int(rows[i]) * 32 + int(rng.integers(32)))
                cv2.circle(canvas, at, int(rng.uniform(*radii) * 192 * 16), 255, -1, cv2.LINE_AA, 4)
        return cv2.GaussianBlur(canvas, (0, 0), 1.0).astype(np.float32) / 255
