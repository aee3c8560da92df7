"""Queries with truth: paraphrases, compositions, and the hard negatives of swapped elements."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..phantoms.streams import stream
from .actions import ACTIONS, ACTORS
from .facts import Fact, facts_of
from .truth import Agent, Scene, possible
from .vocabulary import COLOURS, TIMES, WEATHERS
from .wording import say

PARAPHRASES, SWAPS = 2, 2  # a scene
SECOND_COMPOSITION = 0.5  # the share of scenes that have one
NEW = 0.5  # of the queries may use wordings that no caption uses
PLAIN = 0.5  # of a composition's parts are said as elements say them
ATTRIBUTES = ("colour", "object", "action", "weather", "time")
_FRAMES = ("{body}", "{body}", "find {body}", "a scene with {body}", "show me {body}")
_ADVERBIAL = ("road", "weather", "time")


@dataclass(frozen=True)
class Query:
    """A line of queries.jsonl, without the scenes that it fits."""

    id: str
    kind: str
    scene: str
    text: str
    facts: tuple[Fact, ...]
    unseen: tuple[str, ...]
    swap: tuple[str, Fact, Fact] | None = None  # attribute, the scene's fact, the other in its place


def queries_of(scenes: Sequence[Scene], seed: int) -> Iterator[dict[str, Any]]:
    """The lines of queries.jsonl; `relevant` are all of `scenes` whose truth has every fact asked for."""
    having: dict[Fact, set[int]] = defaultdict(set)
    for number, scene in enumerate(scenes):
        for fact in facts_of(scene):
            having[fact].add(number)
    for scene in scenes:
        for query in _of_scene(scene, seed):
            fits = sorted(set.intersection(*(having[fact] for fact in query.facts)))
            yield _line(query, [scenes[number].name for number in fits])


def _line(query: Query, relevant: list[str]) -> dict[str, Any]:
    line: dict[str, Any] = {
        "id": query.id,
        "kind": query.kind,
        "text": query.text,
        "scene": query.scene,
        "relevant": relevant,
        "elements": [fact.element for fact in query.facts],
        "unseen": list(query.unseen),
    }
    if query.swap:
        attribute, fact, other = query.swap
        line["swapped"] = {"element": fact.element, "by": other.element, "attribute": attribute}
    return line


def _of_scene(scene: Scene, seed: int) -> Iterator[Query]:
    rng = stream(seed, "queries", scene.name)
    for number in range(PARAPHRASES):
        yield _paraphrase(scene, number, rng)
    for number in range(2 if rng.random() < SECOND_COMPOSITION else 1):
        agent = scene.agents[int(rng.integers(len(scene.agents)))]
        facts = (Fact("agent", agent), Fact("weather", scene.weather), Fact("time", scene.time))
        yield _worded(scene, f"c{number + 1}", facts, rng, plain=PLAIN)
    done = 0
    for attribute in rng.permutation(ATTRIBUTES):
        swap = _swap(scene, str(attribute), rng) if done < SWAPS else None
        if swap is not None:
            done += 1
            yield _swapped(scene, f"s{done}", swap, rng)


def _paraphrase(scene: Scene, number: int, rng: np.random.Generator) -> Query:
    """Two to four facts, a road user first; the number of lanes is too dull to be asked for."""
    agents = [Fact("agent", scene.agents[i]) for i in rng.permutation(len(scene.agents))]
    others = [fact for fact in facts_of(scene) if fact.aspect not in {"agent", "lanes"}] + agents[1:2]
    chosen = [others[i] for i in rng.permutation(len(others))[: int(rng.integers(1, 4))]]
    return _worded(scene, f"p{number + 1}", (agents[0], *chosen), rng, plain=0.0)


def _swapped(scene: Scene, name: str, swap: tuple[str, Fact, Fact], rng: np.random.Generator) -> Query:
    """A query for the swapped fact and one or two that stay as they are."""
    fact = swap[1]
    user = fact if fact.aspect == "agent" else Fact("agent", scene.agents[int(rng.integers(len(scene.agents)))])
    facts = [user, Fact("weather", scene.weather), Fact("time", scene.time)]
    spare = [other for other in facts[1:] if other != fact]
    if rng.random() < 0.5:
        facts.remove(spare[int(rng.integers(len(spare)))])
    return replace(_worded(scene, name, tuple(facts), rng, plain=PLAIN), swap=swap)


def _worded(scene: Scene, name: str, facts: tuple[Fact, ...], rng: np.random.Generator, *, plain: float) -> Query:
    new = bool(rng.random() < NEW)
    said = [say(fact, rng, plain=plain, new=new) for fact in facts]
    nouns = [s.text for fact, s in zip(facts, said, strict=True) if fact.aspect not in _ADVERBIAL]
    adverbials = [s.text for fact, s in zip(facts, said, strict=True) if fact.aspect in _ADVERBIAL]
    body = " ".join([" and ".join([", ".join(nouns[:-1]), nouns[-1]] if nouns[1:] else nouns), *adverbials])
    text = _FRAMES[int(rng.integers(len(_FRAMES)))].format(body=body)
    kind = {"p": "paraphrase", "c": "composition", "s": "swapped"}[name[0]]
    unseen = tuple(dict.fromkeys(word for s in said for word in s.unseen))
    return Query(f"{scene.name}-{name}", kind, scene.name, text, facts, unseen)


def _swap(scene: Scene, attribute: str, rng: np.random.Generator) -> tuple[str, Fact, Fact] | None:
    """One fact of the scene and what it is not; None where nothing plausible is left."""
    if attribute in {"weather", "time"}:
        value = getattr(scene, attribute)
        others = [Fact(attribute, v) for v in (WEATHERS if attribute == "weather" else TIMES) if v != value]
        return attribute, Fact(attribute, value), others[int(rng.integers(len(others)))]
    pairs = [(agent, other) for agent in scene.agents for other in _unlike(scene, agent, attribute)]
    if not pairs:
        return None
    # road users first, then what becomes of them: one with many choices is not asked for more often
    agents = list(dict.fromkeys(agent for agent, _ in pairs))
    agent = agents[int(rng.integers(len(agents)))]
    choices = [other for held, other in pairs if held == agent]
    return attribute, Fact("agent", agent), Fact("agent", choices[int(rng.integers(len(choices)))])


def _unlike(scene: Scene, agent: Agent, attribute: str) -> list[Agent]:
    """What the road user could be instead, possible here, and like nobody who is there in kind and colour."""
    if attribute == "colour":
        others = [replace(agent, colour=colour) for colour in COLOURS if agent.kind != "worker"]
    elif attribute == "object":
        others = [replace(agent, kind=kind) for kind in ACTIONS[agent.action].who]
    else:
        return [
            Agent(agent.kind, agent.colour, action.name)
            for action in ACTORS[agent.kind]
            if action.name != agent.action and possible(scene, replace(agent, action=action.name))
        ]
    there = {(a.kind, a.colour) for a in scene.agents}
    return [other for other in others if (other.kind, other.colour) not in there]
