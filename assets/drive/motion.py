"""Where a road user is at each moment: a track from the share of the scene to place and heading."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .plan import CROSS_ROAD_M, LANE_M, Plan
from .truth import Agent


@dataclass(frozen=True)
class Pose:
    """x, z of the middle in the ground plan; `turn` 0 looks ahead, pi comes towards us, pi/2 to the right."""

    x: float
    z: float
    turn: float = 0.0
    braking: bool = False


Track = Callable[[float], Pose]


def track_of(plan: Plan, agent: Agent, slot: int, rng: np.random.Generator) -> Track:
    """The way of an agent; `slot` counts those before it with the same action."""
    line = plan.line if plan.line is not None else 40.0
    start = float(rng.uniform(0.0, 0.16)) + 0.22 * slot
    places = {
        "driving ahead": lambda: _ahead(plan, 11 + 9 * slot, 30.0, slot),
        "braking ahead": lambda: _ahead(plan, 16, -6.0, slot, braking=True),
        "riding ahead": lambda: _ahead(plan, 9 + 5 * slot, 10.0, 0, aside=1.15),
        "oncoming": lambda: _oncoming(plan, slot, start),
        "overtaking on the left": lambda: _overtaking(plan, start),
        "changing lanes": lambda: _changing(plan, slot),
        "merging from the right": lambda: _merging(plan, slot),
        "crossing the junction": lambda: _across(line, slot, start, agent),
        "turning left": lambda: _turning(line, start, to_left=True),
        "turning right": lambda: _turning(line, start, to_left=False),
        "waiting at the light": lambda: _waiting(plan, line, slot, agent),
        "entering the roundabout": lambda: _entering(plan, line, slot, start),
        "circling the roundabout": lambda: _circling(plan, line, slot),
        "riding in the bike lane": lambda: _ahead(plan, 9 + 6 * slot, 14.0, 0, aside=plan.right + plan.bike / 2),
        "crossing at the crosswalk": lambda: _over(plan, line + 2.4, slot, start),
    }
    return places[agent.action]() if agent.action in places else aside_track(plan, agent, slot, rng)


def aside_track(plan: Plan, agent: Agent, slot: int, rng: np.random.Generator) -> Track:
    """Those who keep to the side of the road, and the ones who cross it where there is no crosswalk."""
    line = plan.line if plan.line is not None else 40.0
    when = 0.3 + 0.3 * slot + float(rng.uniform(-0.06, 0.06))
    beside, side = plan.ego(when) + float(rng.uniform(10, 15)), 1 if slot == 0 else -1
    walk = {1: plan.kerb_right + 1.3, -1: plan.kerb_left - 1.3}
    action = agent.action
    if action == "crossing the road":
        return _over(plan, plan.ego(when) + 17, slot, when - 0.25)
    if action.startswith(("parked", "unloading", "stopped")):
        return _stopped(plan, action, slot, beside)
    stop = bus_stop(plan) - 1.4 + 1.2 * slot
    at = {
        "waiting at the crosswalk": Pose(walk[side] - 0.8 * side, line + 2.4, -side * np.pi / 2),
        "waiting at the bus stop": Pose(plan.kerb_right + 1 + 0.5 * slot, stop, -np.pi / 2),
        "sitting on the bench": Pose(plan.kerb_right + 2.1, bench(plan) + 0.1 - 0.5 * slot, -np.pi / 2),
        "working at the cones": Pose(plan.right + 0.1 + 0.6 * slot, cones(plan) + 4.5 + 2.2 * slot, 0.4),
    }
    if action in at:
        return lambda _: at[action]
    if "left" in action:
        side = -1
    elif "right" in action:
        side = 1
    speed = {"running on the sidewalk": 3.2, "riding on the sidewalk": 4.0}.get(action, 1.3)  # metres a second
    away = side > 0 or action == "holding an umbrella"
    middle = beside + (3.0 * slot if "sidewalk" in action else 5.0)
    x = walk[side] + 0.45 * side * slot
    way = speed if away else -speed
    return lambda u: Pose(x, middle + way * plan.seconds * (u - when), 0.0 if away else np.pi)


def bus_stop(plan: Plan) -> float:
    """Where the bus stop is."""
    return plan.ego(0.55) + (17.0 if plan.line is None else 11.0)


def bench(plan: Plan) -> float:
    """Where the bench is."""
    return plan.ego(0.4) + 10.0


def cones(plan: Plan) -> float:
    """Where the row of cones begins."""
    return plan.ego(0.45) + 9.0


def _ahead(plan: Plan, gap: float, gain: float, slot: int, *, aside: float = 0.0, braking: bool = False) -> Track:
    x = plan.own_lane(slot) + aside
    if plan.line is None:
        gain = -6.0 if braking else 3.0

    def at(u: float) -> Pose:
        return Pose(x, plan.ego(u) + gap + gain * u, 0.0, braking and u > 0.06)

    return at


def _oncoming(plan: Plan, slot: int, start: float) -> Track:
    x, length = plan.other_lane(slot), 0.5
    return lambda u: Pose(x, plan.ego(u) + 62 - 60 * (u - start) / length, np.pi)


def _overtaking(plan: Plan, start: float) -> Track:
    return lambda u: Pose(plan.own_lane(1), plan.ego(u) + 5 + 34 * max(u - start, -0.2), 0.0)


def _changing(plan: Plan, slot: int) -> Track:
    def at(u: float) -> Pose:
        share = _eased((u - 0.2 - 0.25 * slot) / 0.4)
        return Pose(-LANE_M * share, plan.ego(u) + 12 + 8 * slot + 5 * u, -0.16 * float(np.sin(np.pi * share)))

    return at


def _merging(plan: Plan, slot: int) -> Track:
    def at(u: float) -> Pose:
        share = _eased((u - 0.15 - 0.25 * slot) / 0.5)
        return Pose(6.0 * (1 - share), plan.ego(u) + 13 + 9 * slot + 4 * u, -0.14 * float(np.sin(np.pi * share)))

    return at


def _across(line: float, slot: int, start: float, agent: Agent) -> Track:
    """Near side from the left, far side from the right: traffic keeps to the right."""
    way = 1 if slot == 0 else -1
    z = line + (6.5 if way > 0 else 11.0)
    reach = 22.0 if agent.kind == "bus" else 18.0
    return lambda u: Pose(way * (2 * reach * (u - start) / 0.55 - reach), z, way * np.pi / 2)


def _turning(line: float, start: float, *, to_left: bool) -> Track:
    """Out of the ego's lane into the cross road: straight on, a quarter circle, straight on."""
    side, radius = (-1, 7.5) if to_left else (1, 4.0)
    before, arc = 6.0, radius * np.pi / 2
    first = line + (3.8 if to_left else 2.6)

    def at(u: float) -> Pose:
        way = 34.0 * (u - start) / 0.6
        if way < before:
            return Pose(0.0, first - before + way, 0.0)
        if way < before + arc:
            angle = (way - before) / radius
            x, z = side * radius * (1 - float(np.cos(angle))), first + radius * float(np.sin(angle))
            return Pose(x, z, side * angle)
        return Pose(side * (radius + way - before - arc), first + radius, side * np.pi / 2)

    return at


def _waiting(plan: Plan, line: float, slot: int, agent: Agent) -> Track:
    if agent.kind == "cyclist":
        return lambda _: Pose(plan.right - 0.5, line - 2.0 - 2.2 * slot, 0.0)
    if slot < plan.own:
        return lambda _: Pose(plan.own_lane(slot), line - (6.2 if agent.kind == "bus" else 3.4), 0.0, braking=True)
    far = line + (CROSS_ROAD_M if plan.scene.road == "junction" else 5.0) + 4.0
    return lambda _: Pose(plan.other_lane(0), far, np.pi)


def roundabout(plan: Plan, line: float) -> tuple[float, float]:
    """The middle of the roundabout."""
    return plan.centre, line + 17.0


RING_M = 8.6  # where traffic circles, from the middle


def _circling(plan: Plan, line: float, slot: int, u0: float = 0.0) -> Track:
    x, z = roundabout(plan, line)

    def at(u: float) -> Pose:
        angle = 2 * np.pi * (1.4 * (u - u0) + 0.5 * slot) - np.pi / 2  # counter-clockwise from above
        return Pose(x + RING_M * float(np.cos(angle)), z + RING_M * float(np.sin(angle)), -angle)

    return at


def _entering(plan: Plan, line: float, slot: int, start: float) -> Track:
    """From the ego's lane into the ring, and a quarter of it round."""
    x0, z0 = roundabout(plan, line)
    meet = -0.95  # radians: where the own lane meets the ring
    edge = (x0 + RING_M * float(np.cos(meet)), z0 + RING_M * float(np.sin(meet)))

    def at(u: float) -> Pose:
        share = (u - start) / 0.3
        if share < 1:
            x = edge[0] * _eased(share)
            return Pose(x, line - 7 + (edge[1] - line + 7) * share, 0.5 * _eased(share))
        angle = meet + 2.6 * (share - 1)
        return Pose(x0 + RING_M * float(np.cos(angle)), z0 + RING_M * float(np.sin(angle)), -angle)

    return at


def _over(plan: Plan, z: float, slot: int, start: float) -> Track:
    """From kerb to kerb, the second one the other way."""
    way = -1 if slot == 0 else 1
    a, b = (plan.kerb_right + 0.4, plan.kerb_left - 0.4)[::-way]

    def at(u: float) -> Pose:
        share = float(np.clip((u - start) / 0.55, -0.1, 1.1))
        return Pose(a + (b - a) * share, z, way * np.pi / 2)

    return at


def _stopped(plan: Plan, action: str, slot: int, beside: float) -> Track:
    z = beside + 2.0 + 3.0 * slot
    if action == "stopped on the shoulder":
        return lambda _: Pose(plan.right + 1.6, z + 14, 0.0, braking=True)
    if action == "stopped at the bus stop":
        return lambda _: Pose(plan.right + plan.bike + 1.25, bus_stop(plan) + 2.5, 0.0, braking=True)
    if "left" in action:
        return lambda _: Pose(plan.left - 1.25, z, np.pi)
    return lambda _: Pose(plan.right + plan.bike + 1.25, z, 0.0)


def _eased(share: float) -> float:
    share = float(np.clip(share, 0, 1))
    return share * share * (3 - 2 * share)
