"""The truth of a scene: all that the generator knows, before a word is written or a pixel drawn."""

from dataclasses import dataclass

from .actions import ACTIONS


@dataclass(frozen=True)
class Agent:
    """A road user: `colour` is a vehicle's paint or a person's garment."""

    kind: str
    colour: str
    action: str


@dataclass(frozen=True)
class Scene:
    """One scene; `things` in the order of vocabulary.THINGS."""

    name: str
    road: str
    lanes: int
    location: str
    weather: str
    time: str
    signal: str
    things: tuple[str, ...]
    agents: tuple[Agent, ...]


def possible(scene: Scene, agent: Agent) -> bool:
    """Whether this road user may do this here."""
    action = ACTIONS[agent.action]
    return (
        agent.kind in action.who
        and scene.road in action.roads
        and (not action.needs or action.needs in scene.things)
        and scene.signal in action.signals
        and (not action.weathers or scene.weather in action.weathers)
        and scene.lanes >= action.fewest_lanes
    )
