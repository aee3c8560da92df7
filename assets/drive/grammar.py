"""Draws scenes: a place, its weather and hour, what stands there, and 3 to 9 road users who may be there."""

from dataclasses import replace

import numpy as np

from ..phantoms.streams import stream
from .actions import ACTORS
from .truth import Agent, Scene, possible
from .vocabulary import COLOURS, LOCATIONS, ROADS, THINGS, TIMES, WEATHERS

FEWEST_AGENTS, MOST_AGENTS = 3, 9
_ROAD_WEIGHTS = (0.24, 0.20, 0.14, 0.24, 0.09, 0.09)
_WEATHER_WEIGHTS = (0.45, 0.33, 0.22)
_TIME_WEIGHTS = (0.22, 0.32, 0.18, 0.28)
_LANES = {
    "city street": (2, 4),
    "residential street": (2,),
    "highway": (4, 6),
    "junction": (2, 4),
    "roundabout": (2,),
    "bridge": (2, 4),
}
_KIND_WEIGHTS = {
    "car": 3.2,
    "van": 1.2,
    "truck": 1.2,
    "bus": 1.0,
    "motorcycle": 1.0,
    "cyclist": 1.3,
    "scooter rider": 0.7,
    "pedestrian": 2.0,
    "child": 0.7,
    "worker": 0.8,
}
_THING_SHARE = {"crosswalk": 0.6, "street lamps": 0.5, "trees": 0.5, "tall buildings": 0.5, "houses": 0.7}
_WORKER_COLOURS = ("orange", "yellow", "green")
_MOST_ALIKE = 2  # road users with the same action in one scene: more would hide each other


def draw_scene(seed: int, name: str, *, road: str = "", weather: str = "", time: str = "") -> Scene:
    """The scene of this name; the same seed and name give the same scene. What is given is not drawn."""
    rng = stream(seed, "scene", name)
    road = road or _weighted(rng, ROADS, _ROAD_WEIGHTS)
    weather = weather or _weighted(rng, WEATHERS, _WEATHER_WEIGHTS)
    place = Scene(
        name=name,
        road=road,
        lanes=int(rng.choice(_LANES[road])),
        location=str(rng.choice(LOCATIONS)),
        weather=weather,
        time=time or _weighted(rng, TIMES, _TIME_WEIGHTS),
        signal=_signal(rng, road),
        things=_things(rng, road, weather),
        agents=(),
    )
    return replace(place, agents=_agents(rng, place))


def _weighted(rng: np.random.Generator, values: tuple[str, ...], weights: tuple[float, ...]) -> str:
    shares = np.array(weights) / np.sum(weights)
    return values[int(rng.choice(len(values), p=shares))]


def _signal(rng: np.random.Generator, road: str) -> str:
    if road == "junction":
        return _weighted(rng, ("red", "yellow", "green", "none"), (0.42, 0.1, 0.3, 0.18))
    if road == "city street":
        return _weighted(rng, ("red", "yellow", "green", "none"), (0.14, 0.08, 0.18, 0.6))
    return "none"


def _things(rng: np.random.Generator, road: str, weather: str) -> tuple[str, ...]:
    """What stands there; a river and a guard rail belong to their roads, puddles need rain."""
    there = []
    for thing, roads in THINGS.items():
        share = {"river": 0.8, "guard rail": 0.7}.get(thing, _THING_SHARE.get(thing, 0.28))
        drawn = rng.random() < (share if thing != "puddles" else 0.5)
        if drawn and road in roads and (thing != "puddles" or weather == "rain"):
            there.append(thing)
    return tuple(there)


def _agents(rng: np.random.Generator, place: Scene) -> tuple[Agent, ...]:
    """Road users with different looks: no two are alike in kind and colour, so that an element names one of them."""
    agents: list[Agent] = []
    wanted = int(rng.integers(FEWEST_AGENTS, MOST_AGENTS + 1))
    kinds = tuple(_KIND_WEIGHTS)
    for _ in range(60):
        if len(agents) == wanted:
            break
        kind = _weighted(rng, kinds, tuple(_KIND_WEIGHTS.values()))
        colour = str(rng.choice(_WORKER_COLOURS if kind == "worker" else COLOURS))
        choices = [a for a in ACTORS[kind] if possible(place, Agent(kind, colour, a.name))]
        if not choices:
            continue
        action = _weighted(rng, tuple(a.name for a in choices), tuple(a.weight for a in choices))
        alike = sum(agent.action == action for agent in agents)
        if alike < _MOST_ALIKE and all((a.kind, a.colour) != (kind, colour) for a in agents):
            agents.append(Agent(kind, colour, action))
    return tuple(agents)
