"""Which scenes are drawn: those whose road users all have room on one stage."""

from collections import Counter
from dataclasses import replace

from .actions import ACTIONS
from .grammar import draw_scene
from .truth import Scene
from .vocabulary import TIMES, WEATHERS

FEWEST_AGENTS, MOST_AGENTS = 4, 7
_ROADS = ("junction", "city street", "highway", "residential street", "junction", "roundabout", "bridge")
_IN_LANE = ("driving ahead", "braking ahead", "changing lanes", "merging from the right", "stopped at the bus stop")
_TURNING = ("turning left", "turning right", "entering the roundabout")
_STROLLING = ("walking a dog", "pushing a stroller", "holding an umbrella")
# those would drive through a red light, or into those who wait at it
_NOT_AT_RED = (*_IN_LANE[:4], "overtaking on the left", "riding ahead", "oncoming")


def cast(seed: int, scenes: int) -> list[Scene]:
    """The drawn scenes, `scene-0001` and on: of each one's candidates the first that can be staged.

    Weathers, hours and roads take turns: any twelve scenes in a row have every weather at every hour.
    """
    return [_staged(seed, number) for number in range(scenes)]


def _staged(seed: int, number: int) -> Scene:
    name = f"scene-{number + 1:04d}"
    turn = {"weather": WEATHERS[number % 3], "time": TIMES[(number + number // 12) % 4], "road": _ROADS[number % 7]}
    attempt = 0
    while True:  # about one candidate in eight can be staged
        scene = draw_scene(seed, f"{name}/{attempt}", **turn)
        if _has_room(scene) and _lively(scene):
            return replace(scene, name=name)
        attempt += 1


def _lively(scene: Scene) -> bool:
    """Whether something happens that belongs to the place."""
    own = sum(len(ACTIONS[agent.action].roads) < 3 for agent in scene.agents)
    return len(scene.agents) >= FEWEST_AGENTS and own >= (0 if scene.road == "bridge" else 1)


def _has_room(scene: Scene) -> bool:
    """Whether no two would stand on one spot, nor anybody run the light."""
    doing = Counter(agent.action for agent in scene.agents)
    ahead = sum(doing[action] for action in _IN_LANE)
    cars_waiting = sum(a.action == "waiting at the light" and a.kind != "cyclist" for a in scene.agents)
    red = scene.signal == "red" and any(doing[action] for action in _NOT_AT_RED)
    return (
        len(scene.agents) <= MOST_AGENTS
        and ahead <= 1
        and not red
        and sum(doing[action] for action in _TURNING) <= 2
        and doing["waiting at the light"] <= 2
        and cars_waiting <= 1
        and doing["parked on the right"] + doing["unloading on the right"] + doing["stopped at the bus stop"] <= 1
        and sum("sidewalk" in a.action or a.action in _STROLLING for a in scene.agents) <= 3
    )
