"""People, riders and what they have with them: flat figures that face the camera."""

import math
from collections.abc import Sequence

from .canvas import Canvas, circle
from .motion import Pose
from .palette import HAIR, METAL, PAINT, RUBBER, SKIN, TROUSERS, Colour, bgr
from .truth import Agent

Flat = tuple[float, float]
_DOG, _HELMET, _STROLLER = bgr("#8a5a33"), bgr("#f0ece2"), bgr("#5b4a7d")
_HI_VIS = bgr("#e9f25a")


class Figure:
    """Draws in a plane through the person's place: u metres to the side, v metres up."""

    def __init__(self, canvas: Canvas, pose: Pose, size: float = 1.0):
        self.canvas, self.pose, self.size = canvas, pose, size
        self.way = 1.0 if math.sin(pose.turn) >= 0 else -1.0  # where a figure in profile looks
        self.profile = abs(math.sin(pose.turn)) > 0.6
        self.depth = 0.0

    def shape(self, corners: Sequence[Flat], colour: Colour, *, shines: bool = False) -> None:
        """A convex shape; each one a little nearer than the last."""
        self.depth += 0.002
        x, z, size = self.pose.x, self.pose.z - self.depth, self.size
        self.canvas.fill([(x + u * size, v * size, z) for u, v in corners], colour, shines=shines)

    def limb(self, a: Flat, b: Flat, wide: float, colour: Colour) -> None:
        """A bar from a to b."""
        along = b[0] - a[0], b[1] - a[1]
        half = wide / 2 / max(math.hypot(*along), 1e-6)
        u, v = -along[1] * half, along[0] * half
        self.shape([(a[0] + u, a[1] + v), (a[0] - u, a[1] - v), (b[0] - u, b[1] - v), (b[0] + u, b[1] + v)], colour)

    def disc(self, at: Flat, radius: float, colour: Colour) -> None:
        """A round thing."""
        self.shape([(at[0] + radius * u, at[1] + radius * v) for u, v in circle(12)], colour)

    def wheel(self, at: float, radius: float) -> None:
        """A wheel on the ground: a disc from the side, a bar from behind."""
        if self.profile:
            self.disc((at, radius), radius, RUBBER)
            self.disc((at, radius), radius * 0.72, METAL)
        else:
            self.limb((0, 0), (0, 2 * radius), 0.09, RUBBER)


def draw_person(canvas: Canvas, agent: Agent, pose: Pose, seconds: float) -> None:
    """A person on foot, on a bicycle, a kick scooter or a motorcycle, in the middle of a movement."""
    figure = Figure(canvas, pose, 0.72 if agent.kind == "child" else 1.05)
    coat = PAINT[agent.colour]
    if agent.kind in {"cyclist", "motorcycle"}:
        _rider(figure, agent, coat, seconds)
        return
    still = agent.action.startswith(("waiting", "sitting"))
    step = 0.0 if still else math.sin(seconds * (9.0 if "running" in agent.action else 5.5))
    base = 0.0
    if agent.kind == "scooter rider" or agent.action == "riding on the sidewalk":
        _kick_scooter(figure)
        base, step = 0.16, 0.25
    elif agent.action == "sitting on the bench":
        base = -0.35
    _walker(figure, agent, coat, base, step)


def _walker(figure: Figure, agent: Agent, coat: Colour, base: float, step: float) -> None:
    reach = (0.30 if figure.profile else 0.10) * step
    for leg in (1, -1):
        figure.limb((0.09 * leg, 0.85 + base), (0.09 * leg + leg * reach, max(base, 0.0)), 0.16, TROUSERS)
    long = agent.kind == "pedestrian"
    hem, wide = (0.62, 0.27) if long else (0.76, 0.24)
    figure.shape(
        [(-wide, hem + base), (wide, hem + base), (0.25, 1.2 + base), (0.17, 1.45 + base), (-0.17, 1.45 + base),
         (-0.25, 1.2 + base)],
        coat,
    )  # fmt: skip
    umbrella = agent.action == "holding an umbrella"
    swing = 0.12 * step
    figure.limb((-0.24, 1.38 + base), (-0.30 - swing, 0.9 + base), 0.13, coat)
    hand = (0.30, 1.35) if umbrella else (0.30 + swing, 0.9 + base)
    figure.limb((0.24, 1.38 + base), hand, 0.13, coat)
    figure.disc((0, 1.62 + base), 0.14, SKIN)
    _head(figure, agent, base)
    if agent.kind == "worker":
        figure.limb((-0.22, 1.0 + base), (0.22, 1.0 + base), 0.07, _HI_VIS)
        figure.limb((0.3, 0.9), (0.75, 0.05), 0.05, bgr("#7a5a3a"))
    if umbrella:
        figure.limb((0.3, 1.3), (0.3, 2.1), 0.04, METAL)
        figure.shape([(-0.45, 1.95), (1.05, 1.95), (0.8, 2.25), (0.3, 2.42), (-0.2, 2.25)], bgr("#3c3f8f"))
    if agent.action == "walking a dog":
        _dog(figure, step)
    if agent.action == "pushing a stroller":
        _stroller(figure)


def _head(figure: Figure, agent: Agent, base: float) -> None:
    helmet = agent.kind in {"worker", "scooter rider"}
    colour = bgr("#ffd22e") if agent.kind == "worker" else _HELMET if helmet else HAIR
    away = abs(figure.pose.turn) < 1.0
    low = 1.56 if away and not helmet else 1.66
    figure.shape(
        [(-0.15, low + base), (0.15, low + base), (0.13, 1.74 + base), (0, 1.80 + base), (-0.13, 1.74 + base)], colour
    )


def _kick_scooter(figure: Figure) -> None:
    half = 0.5 * figure.way if figure.profile else 0.08
    figure.wheel(-half, 0.11)
    figure.wheel(half, 0.11)
    figure.limb((-half, 0.14), (half, 0.14), 0.08, METAL)
    figure.limb((half, 0.14), (half * 0.85, 1.12), 0.06, RUBBER)
    figure.limb((half * 0.85 - 0.22, 1.1), (half * 0.85 + 0.22, 1.1), 0.06, RUBBER)


def _dog(figure: Figure, step: float) -> None:
    u = 0.95 * (figure.way if figure.profile else 1.0)
    figure.limb((0.3, 0.95), (u - 0.1, 0.5), 0.03, RUBBER)
    for leg in (-0.22, 0.22):
        figure.limb((u + leg, 0.36), (u + leg + 0.06 * step, 0.0), 0.08, _DOG)
    figure.limb((u - 0.32, 0.42), (u + 0.32, 0.42), 0.24, _DOG)
    figure.disc((u + 0.4, 0.6), 0.14, _DOG)


def _stroller(figure: Figure) -> None:
    u = 0.85 * (figure.way if figure.profile else 1.0)
    figure.limb((0.28, 1.0), (u - 0.2, 0.8), 0.05, METAL)
    figure.shape([(u - 0.32, 0.42), (u + 0.32, 0.42), (u + 0.42, 0.85), (u - 0.36, 0.85)], _STROLLER)
    figure.shape([(u - 0.36, 0.85), (u + 0.1, 0.85), (u - 0.02, 1.15), (u - 0.3, 1.08)], _STROLLER)
    for wheel in (-0.26, 0.28):
        figure.disc((u + wheel, 0.17), 0.17, RUBBER)


def _rider(figure: Figure, agent: Agent, coat: Colour, seconds: float) -> None:
    """A cyclist, whose jacket has the colour, or a motorcycle, whose body has it."""
    motor, side = agent.kind == "motorcycle", figure.profile
    way = figure.way
    reach, radius = (0.72, 0.33) if motor else (0.55, 0.36)
    pedal = 0.0 if motor or agent.action.startswith("waiting") else math.sin(seconds * 7)
    dark = bgr("#26282c")
    figure.wheel(-reach * way, radius)
    figure.wheel(reach * way, radius)
    jacket = dark if motor else coat
    if side:
        frame = coat if motor else dark
        figure.limb((-reach * way, radius), (0.1 * way, 0.8), 0.10 if not motor else 0.2, frame)
        figure.limb((0.1 * way, 0.45), (0.55 * way, 0.95), 0.3 if motor else 0.07, frame)
        figure.limb((0.5 * way, 1.0), (reach * way, radius), 0.07, METAL)
        if motor:
            figure.shape([(-0.7, 0.5), (0.55, 0.42), (0.6, 0.95), (-0.6 * 1.0, 0.86)], coat)
        figure.limb((-0.1 * way, 0.95), (0.12 * way + 0.1 * pedal, 0.3 + 0.12 * pedal), 0.15, TROUSERS)
        figure.shape(
            [(-0.30 * way, 0.9), (0.02 * way, 0.85), (0.30 * way, 1.35), (0.14 * way, 1.55), (-0.12 * way, 1.45)],
            jacket,
        )
        figure.limb((0.16 * way, 1.38), (0.52 * way, 1.05), 0.11, jacket)
        head = (0.25 * way, 1.68)
    else:
        if motor:
            figure.shape([(-0.3, 0.42), (0.3, 0.42), (0.36, 0.95), (-0.36, 0.95)], coat)
        for leg in (-1, 1):
            figure.limb((0.13 * leg, 0.95), (0.17 * leg, 0.32 + 0.14 * pedal * leg), 0.15, TROUSERS)
        figure.limb((-0.34, 1.06), (0.34, 1.06), 0.06, RUBBER)
        figure.shape([(-0.23, 0.85), (0.23, 0.85), (0.28, 1.4), (0.16, 1.55), (-0.16, 1.55), (-0.28, 1.4)], jacket)
        head = (0.0, 1.70)
    figure.disc(head, 0.16, coat if motor else _HELMET)
    _riders_lamp(figure, agent)


def _riders_lamp(figure: Figure, agent: Agent) -> None:
    if figure.profile:
        return
    away = math.cos(figure.pose.turn) > 0
    colour = bgr("#ff3a2e") if away else bgr("#fff3cf")
    shines = figure.canvas.light.lamps or figure.pose.braking
    figure.depth += 0.01
    x, z = figure.pose.x, figure.pose.z - figure.depth
    figure.canvas.disc((x, 0.72, z), 0.09, colour, shines=shines)
    if shines:
        figure.canvas.glow((x, 0.72, z), 0.45 if agent.kind == "motorcycle" and not away else 0.25, colour)
