"""What stands at the road, as (place, how to draw it): buildings, trees, lamps, signals, signs, cones, a bus stop."""

from collections.abc import Callable, Iterator

import numpy as np

from .canvas import Canvas, circle
from .motion import bench, bus_stop, cones
from .palette import METAL, RUBBER, SIGNAL_LAMPS, Colour, bgr
from .plan import CROSS_ROAD_M, WALK_M, Plan

Draw = Callable[[Canvas, float, float], None]  # canvas, x, z: metres from the camera
Placed = tuple[float, float, str, Draw]  # x, z in the plan, the thing or "", how to draw it
_WALLS = tuple(bgr(c) for c in ("#b98f6f", "#9aa3ad", "#c7b58f", "#8796a5", "#a97c6c", "#b9b3a6"))
_ROOFS = tuple(bgr(c) for c in ("#9c4a35", "#7c4a3d", "#5f6570", "#a35c3a"))
_LEAVES = tuple(bgr(c) for c in ("#3f7f3a", "#4f9444", "#356f3d"))
_WOOD, _CONE, _LIT = bgr("#6b4a2f"), bgr("#ff6a13"), bgr("#ffd98a")


def standing_things(plan: Plan, ego: float) -> Iterator[Placed]:
    """All that stands between the ego and 90 m ahead."""
    things = plan.scene.things
    side = {1: plan.kerb_right + WALK_M, -1: plan.kerb_left - WALK_M}
    edge = {1: plan.kerb_right + 0.6, -1: plan.kerb_left - 0.6}
    for number, z in _every(12.0, ego, 2):
        for way in (1, -1):
            if _cross_road(plan, z, 8.0):
                continue
            if "tall buildings" in things:
                yield side[way] + 6.2 * way, z, "tall buildings", _building(number * 2 + way, way)
            elif "houses" in things:
                yield side[way] + 5.6 * way, z, "houses", _house(number * 2 + way, way)
    for number, z in _every(11.0, ego, 1):
        for way in (1, -1):
            if "trees" in things and not _cross_road(plan, z + 4, 2.0):
                x = side[way] - 0.5 * way if plan.scene.road != "highway" else edge[way] + 3.5 * way
                yield x, z + 4, "trees", _tree(number * 2 + way)
    for number, z in _every(20.0, ego, 1):
        way = 1 if number % 2 else -1
        if "street lamps" in things and not _cross_road(plan, z, 1.0):
            yield edge[way], z, "street lamps", _lamp(way)
    yield from _single(plan, ego, edge, side)


def _single(plan: Plan, ego: float, edge: dict[int, float], side: dict[int, float]) -> Iterator[Placed]:
    things, line = plan.scene.things, plan.line
    if plan.scene.signal != "none" and line is not None:
        beyond = line + (CROSS_ROAD_M if plan.scene.road == "junction" else 5.0)
        yield edge[1], line + 0.6, "signal", _signal(plan.scene.signal, 0.0)
        yield edge[1], beyond + 1.0, "signal", _signal(plan.scene.signal, edge[1] - 0.2)
    if "bus stop" in things:
        yield edge[1] + 1.2, bus_stop(plan), "bus stop", _bus_stop
    if "bench" in things:
        yield edge[1] + 1.5, bench(plan), "bench", _bench
    if "traffic cones" in things:
        for number in range(5):
            yield plan.right - 0.25 + 0.12 * number, cones(plan) + 2.6 * number, "traffic cones", _cone
    if "road work barrier" in things:
        yield plan.right + 1.2, cones(plan) + 14, "road work barrier", _barrier
    for thing, period, x, draw in (
        ("speed limit sign", 45.0, edge[1], _speed_sign),
        ("stop sign", 45.0, edge[1] + 0.2, _stop_sign),
        ("billboard", 80.0, side[-1] - 1.0, _billboard),
        ("trash bins", 24.0, edge[-1], _bins),
    ):
        if thing in things:
            for _, z in _every(period, ego - 14, 1):
                yield x, z + 14, thing, draw


def _every(period: float, ego: float, behind: int) -> Iterator[tuple[int, float]]:
    first = int(np.floor(ego / period)) - behind + 1
    for number in range(first, first + int(90 / period) + 1 + behind):
        yield number, number * period


def _cross_road(plan: Plan, z: float, room: float) -> bool:
    """Whether a side road runs here, with so many metres on both sides."""
    if plan.line is None or plan.scene.road not in {"junction", "roundabout"}:
        return False
    deep = CROSS_ROAD_M if plan.scene.road == "junction" else 34.0
    return plan.line - room < z < plan.line + deep + room


def _wall(canvas: Canvas, x: float, z0: float, z1: float, y0: float, y1: float, colour: Colour, shade: float) -> None:
    canvas.fill([(x, y0, z0), (x, y0, z1), (x, y1, z1), (x, y1, z0)], colour, shade)


def _front(canvas: Canvas, x0: float, x1: float, y0: float, y1: float, z: float, colour: Colour, **how: bool) -> None:
    canvas.fill([(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)], colour, shines=how.get("shines", False))


def _building(number: int, way: int) -> Draw:
    rng = np.random.default_rng(abs(number) + 11)
    colour, high = _WALLS[int(rng.integers(len(_WALLS)))], 3.2 * int(rng.integers(4, 9))
    lit = rng.random(40) < 0.45

    def draw(canvas: Canvas, x: float, z: float) -> None:
        inner, half = x - 6 * way, 5.6
        _front(canvas, x - 6, x + 6, 0, high, z - half, colour)
        _wall(canvas, inner, z - half, z + half, 0, high, colour, 0.86)
        dark = bgr("#51606d")
        for floor in range(int(high / 3.2)):
            low = floor * 3.2 + 1.0
            for part in range(3):
                shines = canvas.light.lamps and bool(lit[(floor * 3 + part) % 40])
                z0 = z - half + 0.7 + part * 3.6
                pane = [(inner, low, z0), (inner, low, z0 + 2.6), (inner, low + 1.6, z0 + 2.6), (inner, low + 1.6, z0)]
                canvas.fill(pane, _LIT if shines else dark, 0.9, shines=shines)
            _front(canvas, x - 5, x + 5, low, low + 1.4, z - half - 0.02, dark)

    return draw


def _house(number: int, way: int) -> Draw:
    rng = np.random.default_rng(abs(number) + 5)
    colour, roof = _WALLS[int(rng.integers(len(_WALLS)))], _ROOFS[int(rng.integers(len(_ROOFS)))]

    def draw(canvas: Canvas, x: float, z: float) -> None:
        a, half = x - 4 * way, 4.2
        _front(canvas, x - 4, x + 4, 0, 4.2, z - half, colour)
        canvas.fill([(x - 4.4, 4.2, z - half), (x + 4.4, 4.2, z - half), (x, 7.4, z - half)], roof, 0.9)
        _wall(canvas, a, z - half, z + half, 0, 4.2, colour, 0.88)
        eaves = a - 0.4 * way
        canvas.fill([(eaves, 4.1, z - half), (eaves, 4.1, z + half), (x, 7.4, z + half), (x, 7.4, z - half)], roof)
        for z0 in (z - 2.8, z + 0.8):
            shines = canvas.light.lamps
            pane = [(a, 1.3, z0), (a, 1.3, z0 + 1.8), (a, 2.9, z0 + 1.8), (a, 2.9, z0)]
            canvas.fill(pane, _LIT if shines else bgr("#51606d"), 0.9, shines=shines)

    return draw


def _tree(number: int) -> Draw:
    rng = np.random.default_rng(abs(number) + 3)
    high, blobs = float(rng.uniform(2.2, 3.0)), rng.uniform(-1, 1, (4, 2))

    def draw(canvas: Canvas, x: float, z: float) -> None:
        _front(canvas, x - 0.16, x + 0.16, 0, high, z, _WOOD)
        for i, (u, v) in enumerate(blobs):
            canvas.disc((x + 0.7 * u, high + 0.9 + 0.7 * v, z - 0.01 * i), 1.15, _LEAVES[i % 3])

    return draw


def _lamp(way: int) -> Draw:
    def draw(canvas: Canvas, x: float, z: float) -> None:
        _front(canvas, x - 0.08, x + 0.08, 0, 6.4, z, METAL)
        end = x - 1.7 * way
        _front(canvas, min(x, end), max(x, end), 6.3, 6.42, z, METAL)
        lit = canvas.light.lamps
        _front(canvas, end - 0.4, end + 0.4, 6.12, 6.32, z, _LIT if lit else bgr("#d9dadb"), shines=lit)
        if lit:
            canvas.glow((end, 6.2, z), 1.3, bgr("#ffd27a"))

    return draw


def _signal(state: str, arm: float) -> Draw:
    """A post with a box of three lamps; `arm` metres long over the road, or at head height beside it."""

    def draw(canvas: Canvas, x: float, z: float) -> None:
        top = 5.9 if arm else 3.6
        _front(canvas, x - 0.09, x + 0.09, 0, top, z, METAL)
        at, low, size = (x - arm, 4.3, 1.3) if arm else (x, 2.15, 1.0)
        if arm:
            _front(canvas, at, x, 5.75, 5.9, z, METAL)
        _front(canvas, at - 0.42 * size, at + 0.42 * size, low, low + 1.75 * size, z - 0.02, bgr("#b9bcc0"))
        _front(canvas, at - 0.34 * size, at + 0.34 * size, low + 0.06, low + 1.68 * size, z - 0.03, RUBBER)
        for i, name in enumerate(("green", "yellow", "red")):
            centre = (at, low + (0.33 + 0.54 * i) * size, z - 0.05)
            on = name == state
            canvas.disc(centre, 0.24 * size, SIGNAL_LAMPS[name] if on else bgr("#3a3d40"), shines=on)
            if on:
                canvas.glow(centre, 0.55 * size, SIGNAL_LAMPS[name])

    return draw


def _bus_stop(canvas: Canvas, x: float, z: float) -> None:
    _front(canvas, x - 1.3, x + 1.6, 0.1, 2.3, z + 1.0, bgr("#9fc3cf"))
    for u in (-1.3, 1.5):
        _front(canvas, x + u, x + u + 0.1, 0, 2.4, z - 1.0, METAL)
    canvas.fill(
        [(x - 1.5, 2.4, z - 1.2), (x + 1.8, 2.4, z - 1.2), (x + 1.8, 2.5, z + 1.2), (x - 1.5, 2.5, z + 1.2)], METAL
    )
    _front(canvas, x - 1.5, x + 1.8, 2.35, 2.6, z - 1.2, bgr("#2c5aa0"))
    _front(canvas, x - 1.75, x - 1.67, 0, 3.2, z - 1.3, METAL)
    canvas.disc((x - 1.71, 3.2, z - 1.32), 0.45, bgr("#f5d033"))
    _front(canvas, x - 1.93, x - 1.49, 3.08, 3.32, z - 1.34, bgr("#1f6b3c"))


def _bench(canvas: Canvas, x: float, z: float) -> None:
    _front(canvas, x - 0.9, x + 0.9, 0.42, 0.54, z, bgr("#a86b38"))
    _front(canvas, x - 0.9, x + 0.9, 0.65, 0.95, z + 0.15, bgr("#a86b38"))
    for u in (-0.75, 0.65):
        _front(canvas, x + u, x + u + 0.1, 0, 0.95, z + 0.1, RUBBER)


def _cone(canvas: Canvas, x: float, z: float) -> None:
    _front(canvas, x - 0.3, x + 0.3, 0, 0.07, z, RUBBER)
    canvas.fill([(x - 0.23, 0.06, z), (x + 0.23, 0.06, z), (x + 0.05, 0.85, z), (x - 0.05, 0.85, z)], _CONE)
    canvas.fill([(x - 0.16, 0.34, z), (x + 0.16, 0.34, z), (x + 0.11, 0.55, z), (x - 0.11, 0.55, z)], bgr("#fafafa"))


def _barrier(canvas: Canvas, x: float, z: float) -> None:
    for u in (-1.2, 1.1):
        _front(canvas, x + u, x + u + 0.1, 0, 1.0, z, METAL)
    for i in range(6):
        colour = bgr("#d8262c") if i % 2 else bgr("#fafafa")
        _front(canvas, x - 1.3 + i * 0.44, x - 0.86 + i * 0.44, 0.55, 1.05, z - 0.05, colour)


def _speed_sign(canvas: Canvas, x: float, z: float) -> None:
    _front(canvas, x - 0.05, x + 0.05, 0, 2.6, z, METAL)
    canvas.disc((x, 2.7, z - 0.02), 0.52, bgr("#d8262c"))
    canvas.disc((x, 2.7, z - 0.03), 0.40, bgr("#fafafa"))
    for u in (-0.18, 0.05):
        _front(canvas, x + u, x + u + 0.13, 2.52, 2.88, z - 0.04, RUBBER)


def _stop_sign(canvas: Canvas, x: float, z: float) -> None:
    _front(canvas, x - 0.05, x + 0.05, 0, 2.4, z, METAL)
    for radius, colour in ((0.58, bgr("#fafafa")), (0.52, bgr("#c8161d"))):
        canvas.fill([(x + radius * u, 2.5 + radius * v, z - 0.02) for u, v in circle(8)], colour)
    _front(canvas, x - 0.34, x + 0.34, 2.42, 2.58, z - 0.04, bgr("#fafafa"))


def _billboard(canvas: Canvas, x: float, z: float) -> None:
    for u in (-1.6, 1.5):
        _front(canvas, x + u, x + u + 0.2, 0, 4.0, z, METAL)
    _front(canvas, x - 2.9, x + 2.9, 3.0, 6.2, z - 0.02, bgr("#f7f3e8"))
    _front(canvas, x - 2.7, x + 2.7, 3.2, 6.0, z - 0.03, bgr("#3aa6a0"))
    canvas.disc((x - 1.2, 4.6, z - 0.04), 0.95, bgr("#ffd45c"))
    for v in (4.0, 4.6, 5.2):
        _front(canvas, x + 0.2, x + 2.3, v, v + 0.3, z - 0.04, bgr("#fafafa"))


def _bins(canvas: Canvas, x: float, z: float) -> None:
    for u, colour in ((-0.6, bgr("#2f6d46")), (0.25, bgr("#4a4e55"))):
        _front(canvas, x + u, x + u + 0.62, 0.08, 1.05, z, colour)
        _front(canvas, x + u - 0.04, x + u + 0.66, 1.05, 1.16, z - 0.02, RUBBER)
