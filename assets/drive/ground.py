"""The ground: road, markings, kerbs, junctions and roundabouts, crosswalks, bike lanes, puddles and a river."""

import numpy as np

from .canvas import Canvas, circle
from .motion import RING_M, roundabout
from .palette import ASPHALT, EARTH, GRASS, KERB, MARKING, METAL, PAVEMENT, Colour, bgr
from .plan import CROSS_ROAD_M, LANE_M, WALK_M, Plan

FAR_M = 260.0
_RIVER, _PUDDLE, _BIKE = bgr("#4f86a6"), bgr("#a9bccb"), bgr("#a8503f")
_CROSSWALK_FROM, _CROSSWALK_M = 0.8, 3.2


class Ground:
    """Draws the ground as it is when the ego has come `ego` metres; without light, which is put on it later."""

    def __init__(self, canvas: Canvas, plan: Plan, ego: float, labels: dict[str, int]):
        self.canvas, self.plan, self.ego, self.labels = canvas, plan, ego, labels

    def strip(self, x0: float, x1: float, z0: float, z1: float, colour: Colour, thing: str = "") -> None:
        """A rectangle on the ground, z in the plan."""
        a, b = max(z0 - self.ego, 0.7), z1 - self.ego
        if b > a:
            self.canvas.label = self.labels.get(thing, 0)
            self.canvas.fill([(x0, 0, a), (x1, 0, a), (x1, 0, b), (x0, 0, b)], colour)
            self.canvas.label = 0

    def disc(self, x: float, z: float, radius: float, colour: Colour, thing: str = "", flat: float = 1.0) -> None:
        """A round area."""
        self.canvas.label = self.labels.get(thing, 0)
        z -= self.ego
        self.canvas.fill([(x + radius * u, 0, z + radius * flat * v) for u, v in circle(28)], colour)
        self.canvas.label = 0

    def draw(self) -> None:
        """All of it, the lowest first."""
        plan, scene = self.plan, self.plan.scene
        near, far = self.ego, self.ego + FAR_M
        self._beside(near, far)
        self.strip(plan.kerb_left, plan.kerb_right, near, far, ASPHALT)
        if plan.bike:
            self.strip(plan.right + 0.15, plan.right + plan.bike, near, far, _BIKE, "bike lane")
        self._lines(near, far)
        if scene.road == "junction" and plan.line is not None:
            self._junction(plan.line)
        elif scene.road == "roundabout" and plan.line is not None:
            self._roundabout(plan.line)
        if plan.line is not None:
            self.strip(plan.centre + 0.2, plan.right - 0.1, plan.line - 0.4, plan.line, MARKING)
            if "crosswalk" in scene.things:
                self._crosswalk(plan.line)
        if "puddles" in scene.things:
            self._puddles()

    def _beside(self, near: float, far: float) -> None:
        plan, road = self.plan, self.plan.scene.road
        if road == "bridge":
            colour = _RIVER if "river" in plan.scene.things else EARTH
            self.strip(-400, 400, near, far, colour, "river")
        else:
            self.strip(-400, 400, near, far, EARTH if "tall buildings" in plan.scene.things else GRASS)
        if road != "highway":
            for x0, x1, kerb in (
                (plan.kerb_left - WALK_M, plan.kerb_left, plan.kerb_left - 0.22),
                (plan.kerb_right, plan.kerb_right + WALK_M, plan.kerb_right),
            ):
                self.strip(x0, x1, near, far, PAVEMENT)
                self.strip(kerb, kerb + 0.22, near, far, KERB)

    def _lines(self, near: float, far: float) -> None:
        """Lane lines: dashed between lanes of one direction, a double line between the directions."""
        plan = self.plan
        for x in (plan.left + 0.08, plan.right - 0.08):
            if plan.strip or plan.bike:
                self.strip(x - 0.07, x + 0.07, near, far, MARKING)
        for x in (plan.centre - 0.16, plan.centre + 0.16) if plan.own > 1 else (plan.centre,):
            self.strip(x - 0.06, x + 0.06, near, far, bgr("#f0c33c"))
        for number in range(1, plan.own):
            for x in (LANE_M / 2 - LANE_M * number, plan.centre - LANE_M * number):
                first = np.floor(near / 9) * 9
                for z in np.arange(first, first + 90, 9):
                    self.strip(x - 0.07, x + 0.07, float(z), float(z) + 3.4, MARKING)

    def _junction(self, line: float) -> None:
        plan = self.plan
        z0, z1 = line + 4.4, line + 4.4 + CROSS_ROAD_M - 4.4
        self.strip(-400, 400, z0 - 2.4, z1 + 2.4, PAVEMENT)
        self.strip(-400, 400, z0, z1, ASPHALT)
        self.strip(plan.kerb_left, plan.kerb_right, z0 - 2.5, z1 + 2.5, ASPHALT)
        middle = (z0 + z1) / 2
        for x in (plan.kerb_left - 80, plan.kerb_right):
            self.strip(x, x + 80, middle - 0.07, middle + 0.07, bgr("#f0c33c"))

    def _roundabout(self, line: float) -> None:
        x, z = roundabout(self.plan, line)
        self.strip(-400, 400, z - 4.0, z + 4.0, ASPHALT)
        self.disc(x, z, RING_M + 5.2, KERB)
        self.disc(x, z, RING_M + 5.0, ASPHALT)
        self.disc(x, z, RING_M - 2.3, KERB)
        self.disc(x, z, RING_M - 2.6, bgr("#5d9a45"))
        self.disc(x, z, 2.4, bgr("#c4568a"))

    def _crosswalk(self, line: float) -> None:
        plan = self.plan
        for x in np.arange(plan.kerb_left + 0.3, plan.kerb_right - 0.4, 1.1):
            z = line + _CROSSWALK_FROM
            self.strip(float(x), float(x) + 0.6, z, z + _CROSSWALK_M, bgr("#f4f4f0"), "crosswalk")

    def _puddles(self) -> None:
        rng = np.random.default_rng(5)
        for number in range(24):
            x, z = float(rng.uniform(-4.5, 2.6)), 7 + 6.5 * number + float(rng.uniform(-2, 2))
            if z - self.ego > 3:
                self.disc(x, z, float(rng.uniform(0.7, 1.3)), _PUDDLE, "puddles", flat=1.7)


def railing(canvas: Canvas, x: float, near: float, label: int = 0) -> None:
    """A rail at the side of a bridge or a highway, in camera metres."""
    canvas.label = label
    for low, high in ((0.45, 0.75), (0.95, 1.05)) if not label else ((0.45, 0.85),):
        canvas.fill([(x, low, 0.7), (x, high, 0.7), (x, high, 120), (x, low, 120)], METAL)
    for z in np.arange(near, near + 60, 4.0):
        if z > 0.8:
            canvas.fill([(x - 0.05, 0, z), (x + 0.05, 0, z), (x + 0.05, 0.95, z), (x - 0.05, 0.95, z)], METAL, 0.8)
    canvas.label = 0
