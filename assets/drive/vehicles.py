"""Cars, vans, trucks and buses as boxes with windows, wheels and lamps; heading is any angle."""

import math
from dataclasses import dataclass

from .canvas import CAMERA_HEIGHT_M, Canvas, Points, circle
from .motion import Pose
from .palette import GLASS, METAL, PAINT, RUBBER, Colour, bgr

HALF_LENGTH_M = {"car": 2.2, "van": 2.5, "truck": 3.9, "bus": 5.2}
_TAIL, _BRAKE, _HEAD = bgr("#a3141c"), bgr("#ff3a2e"), bgr("#fff3cf")
_PLATE, _SIGN = bgr("#e8e8e0"), bgr("#ffcf4a")


@dataclass(frozen=True)
class Box:
    """A box in the vehicle's frame (x right, y up, z ahead); the roof is drawn in by `inset` (x) and `slope` (z)."""

    width: float
    low: float
    high: float
    rear: float
    front: float
    colour: Colour
    inset: float = 0.0
    slope: float = 0.0
    roof: Colour | None = None

    def faces(self) -> list[tuple[str, Points]]:
        """(name, corners) of the five faces that can be seen."""
        a, b = self.width / 2, self.width / 2 - self.inset
        r, f, rt, ft = self.rear, self.front, self.rear + self.slope, self.front - self.slope * 1.2
        y, t = self.low, self.high
        return [
            ("rear", [(-a, y, r), (a, y, r), (b, t, rt), (-b, t, rt)]),
            ("front", [(a, y, f), (-a, y, f), (-b, t, ft), (b, t, ft)]),
            ("left", [(-a, y, f), (-a, y, r), (-b, t, rt), (-b, t, ft)]),
            ("right", [(a, y, r), (a, y, f), (b, t, ft), (b, t, rt)]),
            ("roof", [(-b, t, rt), (b, t, rt), (b, t, ft), (-b, t, ft)]),
        ]


@dataclass(frozen=True)
class Lamps:
    """Which of a vehicle's lamps are lit, besides those of the night."""

    braking: bool
    blink: bool
    parked: bool


_SHADE = {"rear": 0.94, "front": 0.97, "left": 0.80, "right": 0.84, "roof": 1.06}


def boxes_of(kind: str, paint: Colour) -> list[Box]:
    """What a vehicle is built of, lower parts first."""
    if kind == "car":
        return [
            Box(1.82, 0.28, 0.86, -2.2, 2.2, paint, 0.04, 0.06),
            Box(1.66, 0.86, 1.46, -1.75, 0.85, GLASS, 0.16, 0.42, roof=paint),
        ]
    if kind == "van":
        return [Box(1.95, 0.32, 1.15, -2.5, 2.5, paint), Box(1.95, 1.15, 2.12, -2.5, 2.2, paint, 0.1, 0.16)]
    if kind == "truck":
        return [
            Box(2.2, 0.45, 0.95, -3.9, 3.9, METAL),
            Box(2.35, 0.5, 2.6, 2.1, 3.9, paint, 0.05, 0.1),
            Box(2.5, 0.95, 3.35, -3.9, 1.9, paint),
        ]
    return [Box(2.5, 0.32, 3.1, -5.2, 5.2, paint, 0.04, 0.05)]


def draw_vehicle(
    canvas: Canvas, kind: str, colour: str, pose: Pose, *, blink: bool = False, parked: bool = False
) -> None:
    """Draws it at `pose`, where z is metres from the camera."""
    frame = Frame(pose)
    boxes = boxes_of(kind, PAINT[colour])
    frame.shadow(canvas, boxes[0].width, HALF_LENGTH_M[kind])
    if kind == "truck":  # the cab and the load stand side by side: the farther one first
        boxes[1:] = sorted(boxes[1:], key=lambda box: -frame.place(0, 0, (box.rear + box.front) / 2)[2])
    for box in boxes:
        for name, corners in box.faces():
            if frame.seen(corners):
                face = box.roof if name == "roof" and box.roof else box.colour
                canvas.fill(frame.points(corners), face, _SHADE[name])
                _details(canvas, frame, kind, box, name, Lamps(pose.braking, blink, parked))


class Frame:
    """The vehicle's frame on the ground."""

    def __init__(self, pose: Pose):
        self.x, self.z = pose.x, pose.z
        self.sin, self.cos = math.sin(pose.turn), math.cos(pose.turn)

    def place(self, x: float, y: float, z: float) -> tuple[float, float, float]:
        """A point of the vehicle as the camera has it."""
        return self.x + x * self.cos + z * self.sin, y, self.z - x * self.sin + z * self.cos

    def points(self, corners: Points) -> Points:
        """Many of them."""
        return [self.place(*corner) for corner in corners]

    def seen(self, corners: Points) -> bool:
        """Whether the outside of a face is towards the camera."""
        (ax, ay, az), (bx, by, bz), (dx, dy, dz) = (self.place(*corners[i]) for i in (0, 1, 3))
        ux, uy, uz, vx, vy, vz = bx - ax, by - ay, bz - az, dx - ax, dy - ay, dz - az
        inward = (uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx)
        return inward[0] * ax + inward[1] * (ay - CAMERA_HEIGHT_M) + inward[2] * az > 0

    def shadow(self, canvas: Canvas, width: float, half: float) -> None:
        """The dark ground under it."""
        a = width / 2 + 0.12
        corners = [(-a, 0.01, -half), (a, 0.01, -half), (a, 0.01, half), (-a, 0.01, half)]
        if not canvas.mirrored:
            label, canvas.label = canvas.label, 0
            canvas.fill(self.points(corners), bgr("#2b2d30"), 0.9)
            canvas.label = label


def _details(canvas: Canvas, frame: Frame, kind: str, box: Box, face: str, lamps: Lamps) -> None:
    if face in {"rear", "front"} and box.low < 0.6:
        _lamps(canvas, frame, kind, box, face, lamps)
    if kind == "car":
        if face in {"left", "right"} and box.low < 0.5:
            _wheels(canvas, frame, box, face, 1.35, 0.34)
        return
    if face in {"left", "right"}:
        _side(canvas, frame, kind, box, face)
    elif face != "roof":
        _end(canvas, frame, kind, box, face)


def _pane(canvas: Canvas, frame: Frame, corners: Points, colour: Colour, *, shines: bool = False) -> None:
    canvas.fill(frame.points(corners), colour, 1.0, shines=shines)


def _side(canvas: Canvas, frame: Frame, kind: str, box: Box, face: str) -> None:
    x = (box.width / 2 + 0.01) * (1 if face == "right" else -1)
    lit = canvas.light.lamps and kind == "bus"
    glass = bgr("#f6dd97") if lit else GLASS
    panes: list[tuple[float, float, float, float]] = []
    if kind == "bus":
        panes = [(z, z + 1.45, 1.35, 2.45) for z in (-4.9 + 1.65 * i for i in range(6))]
    elif kind == "van" and box.low > 1:
        panes = [(0.55, 1.75, 1.25, 1.85)]
    elif kind == "truck" and box.front > 3 and box.high > 1.5:
        panes = [(2.7, 3.6, 1.5, 2.3)]
    for z0, z1, y0, y1 in panes:
        corners = [(x, y0, z0), (x, y0, z1), (x, y1, z1), (x, y1, z0)]
        _pane(canvas, frame, corners, glass, shines=lit)
    if box.low < 0.6:
        _wheels(canvas, frame, box, face, {"bus": 3.3, "van": 1.55, "truck": 2.6}[kind], 0.46)


def _end(canvas: Canvas, frame: Frame, kind: str, box: Box, face: str) -> None:
    z = box.front + 0.02 if face == "front" else box.rear - 0.02
    half = box.width / 2 - 0.2
    panes: list[tuple[float, float, Colour]] = []
    if kind == "bus":
        panes = [(1.25, 2.35, GLASS), (2.55, 2.95, _SIGN if face == "front" else GLASS)]
    elif kind == "van" and box.low > 1:
        panes = [(1.25, 1.85, GLASS)]
    elif kind == "truck" and box.high < 3 and box.high > 1.5 and face == "front":
        panes = [(1.45, 2.35, GLASS)]
    elif kind == "truck" and box.high > 3 and face == "rear":  # the doors of the load
        for x in (-0.03, 0.03):
            _pane(canvas, frame, [(x, 1.0, z), (x + 0.05, 1.0, z), (x + 0.05, 3.3, z), (x, 3.3, z)], METAL)
    for y0, y1, colour in panes:
        _pane(canvas, frame, [(-half, y0, z), (half, y0, z), (half, y1, z), (-half, y1, z)], colour)


def _lamps(canvas: Canvas, frame: Frame, kind: str, box: Box, face: str, lamps: Lamps) -> None:
    lit = canvas.light.lamps and not lamps.parked
    colour = _HEAD if face == "front" else _BRAKE if lamps.braking or lit else _TAIL
    z = box.front + 0.03 if face == "front" else box.rear - 0.03
    y, size = (0.58, 0.2) if kind == "car" else (0.72, 0.22)
    if kind == "truck":
        y = 0.62
    for side in (-1, 1):
        x = side * (box.width / 2 - 0.26)
        corners = [(x - size, y, z), (x + size, y, z), (x + size, y + size, z), (x - size, y + size, z)]
        shines = lit or lamps.braking or lamps.blink
        _pane(canvas, frame, corners, bgr("#ffb020") if lamps.blink else colour, shines=shines)
        if face == "front" and lit:
            canvas.glow(frame.place(x, y + 0.1, z), 0.75, _HEAD)
        elif face == "rear" and (lamps.braking or lamps.blink):
            canvas.glow(frame.place(x, y + 0.1, z), 0.4, _BRAKE)
    if face == "rear":
        _pane(canvas, frame, [(-0.26, 0.42, z), (0.26, 0.42, z), (0.26, 0.54, z), (-0.26, 0.54, z)], _PLATE)


def _wheels(canvas: Canvas, frame: Frame, box: Box, face: str, reach: float, radius: float) -> None:
    x = (box.width / 2 + 0.02) * (1 if face == "right" else -1)
    for z in (-reach, reach):
        for r, colour in ((radius, RUBBER), (radius * 0.5, METAL)):
            corners = [(x, radius + r * u, z + r * v) for u, v in circle(12)]
            canvas.fill(frame.points(corners), colour, 0.9)
