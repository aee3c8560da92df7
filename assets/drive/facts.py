"""A fact: one thing that may be true of a scene, and is either seen there or not."""

from dataclasses import dataclass

from .truth import Agent, Scene
from .vocabulary import GARMENTS

ASPECTS = ("agent", "thing", "signal", "lanes", "road", "weather", "time")
_WEATHER = {"clear": "clear weather", "rain": "rain", "fog": "fog"}
_LANES = {2: "two-lane road", 4: "four-lane road", 6: "six-lane road"}


@dataclass(frozen=True)
class Fact:
    """`aspect` is one of ASPECTS; `value` an Agent, a number of lanes, or the vocabulary's word."""

    aspect: str
    value: str | int | Agent

    def holds(self, scene: Scene) -> bool:
        """Whether it is true of the scene."""
        if self.aspect == "agent":
            return self.value in scene.agents
        if self.aspect == "thing":
            return self.value in scene.things or (self.value == "wet road" and scene.weather == "rain")
        return bool(getattr(scene, self.aspect) == self.value)

    @property
    def element(self) -> str:
        """The fact as a caption element."""
        if isinstance(self.value, Agent):
            return agent_element(self.value)
        if isinstance(self.value, int):
            return _LANES[self.value]
        if self.aspect == "signal":
            return f"{self.value} traffic light"
        return _WEATHER[self.value] if self.aspect == "weather" else self.value


def agent_element(agent: Agent) -> str:
    """`red car crossing the junction`, `pedestrian with a blue coat waiting at the crosswalk`."""
    if agent.kind not in GARMENTS:
        return f"{agent.colour} {agent.kind} {agent.action}"
    return f"{agent.kind} with {article(agent.colour)} {GARMENTS[agent.kind]} {agent.action}"


def article(phrase: str) -> str:
    """The phrase with the indefinite article that its first letter wants."""
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def facts_of(scene: Scene) -> tuple[Fact, ...]:
    """All facts of a scene: its road users first, then what stands there, then road, weather and hour."""
    return (
        *(Fact("agent", agent) for agent in scene.agents),
        *(Fact("thing", thing) for thing in scene.things),
        *([Fact("thing", "wet road")] if scene.weather == "rain" else []),
        *([Fact("signal", scene.signal)] if scene.signal != "none" else []),
        Fact("lanes", scene.lanes),
        Fact("road", scene.road),
        Fact("weather", scene.weather),
        Fact("time", scene.time),
    )


def elements_of(scene: Scene) -> tuple[str, ...]:
    """The scene's elements, only what is present; at most 26: 9 road users, 11 things, 6 of the place."""
    return tuple(fact.element for fact in facts_of(scene))
