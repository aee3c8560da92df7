"""Dense captions: several sentences about all of a scene, in words that its elements do not all use."""

from collections.abc import Callable

import numpy as np

from . import surroundings, synonyms
from .facts import article
from .truth import Agent, Scene

_OPENINGS = (
    "The front camera looks ahead {road} {time}, {weather}.",
    "The vehicle drives {road} {time} {weather}.",
    "It is a scene {road}, recorded {time} and {weather}.",
)
_LANES = {
    2: ("There are two lanes.", "The road has one lane in each direction."),
    4: ("There are four lanes.", "The road has two lanes in each direction."),
    6: ("There are six lanes.", "The road has three lanes in each direction."),
}
_LIGHTS = ("{light} hangs over the road.", "The vehicle faces {light}.", "Ahead there is {light}.")
_THINGS = ("Also visible: {things}.", "Around the road there is {things}.", "The surroundings include {things}.")
_AGENTS = ("{agent} is {action}.", "{agent} can be seen {action}.", "There is {agent} {action}.")


def caption(scene: Scene, rng: np.random.Generator) -> str:
    """A caption of the whole scene; the same generator state gives the same words."""

    def pick(options: tuple[str, ...]) -> str:
        return options[int(rng.integers(len(options)))]

    light = surroundings.SIGNALS[scene.signal][0] if scene.signal != "none" else ()
    sentences = [
        pick(_OPENINGS).format(
            road=pick(surroundings.ROADS[scene.road][0]),
            time=pick(surroundings.TIMES[scene.time][0]),
            weather=pick(surroundings.WEATHERS[scene.weather][0]),
        ),
        pick(_LANES[scene.lanes]),
    ]
    if light:
        sentences.append(pick(_LIGHTS).format(light=pick(light)))
    for agent in scene.agents:
        noun, action = agent_words(agent, pick)
        sentences.append(pick(_AGENTS).format(agent=noun, action=action))
    things = [*scene.things, *(["wet road"] if scene.weather == "rain" else [])]
    if things:
        listed = [pick(surroundings.THINGS[thing][0]) for thing in things]
        sentences.append(pick(_THINGS).format(things=_listed(listed)))
    return " ".join(sentence[0].upper() + sentence[1:] for sentence in sentences)


def agent_words(agent: Agent, pick: Callable[[tuple[str, ...]], str]) -> tuple[str, str]:
    """(noun phrase with article, action) of a road user in a caption's words."""
    colour = pick(synonyms.COLOURS[agent.colour][0])
    return article_of(pick(synonyms.KINDS[agent.kind][0]), colour), pick(synonyms.ACTIONS[agent.action][0])


def article_of(noun: str, colour: str) -> str:
    """The noun with its colour and the right articles: `an orange van`, `a child in an orange jacket`."""
    return article(noun.replace("a {c}", article(colour)).replace("{c}", colour))


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
