"""How a query says a fact: in synonyms that the elements do not use, or plainly."""

from dataclasses import dataclass

import numpy as np

from . import surroundings, synonyms
from .captions import article_of
from .facts import Fact, agent_element, article
from .truth import Agent

_TABLES = {
    "thing": surroundings.THINGS,
    "signal": surroundings.SIGNALS,
    "weather": surroundings.WEATHERS,
    "time": surroundings.TIMES,
    "road": surroundings.ROADS,
}
_PLAIN = {"weather": surroundings.PLAIN_WEATHERS, "time": surroundings.PLAIN_TIMES, "road": surroundings.PLAIN_ROADS}


@dataclass(frozen=True)
class Said:
    """A fact in a query's words, and those of its wordings that neither captions nor elements ever use."""

    text: str
    unseen: tuple[str, ...] = ()


def say(fact: Fact, rng: np.random.Generator, *, plain: float, new: bool) -> Said:
    """The fact in a query; each part is said plainly, as elements say it, with probability `plain`.

    `new` allows wordings that no caption uses.
    """
    if isinstance(fact.value, Agent):
        return _agent(fact.value, rng, plain, new)
    if rng.random() < plain:
        return Said(_plain(fact))
    return _option(_TABLES[fact.aspect][str(fact.value)], rng, new)


def _agent(agent: Agent, rng: np.random.Generator, plain: float, new: bool) -> Said:
    plain_noun = agent_element(agent).removesuffix(f" {agent.action}")
    if rng.random() < plain:
        colour, noun = Said(agent.colour), Said(article(plain_noun))
    else:
        colour = _option(synonyms.COLOURS[agent.colour], rng, new)
        template = _option(synonyms.KINDS[agent.kind], rng, new)
        noun = Said(article_of(template.text, colour.text), tuple(t.format(c="…") for t in template.unseen))
    action = Said(agent.action) if rng.random() < plain else _option(synonyms.ACTIONS[agent.action], rng, new)
    return Said(f"{noun.text} {action.text}", (*colour.unseen, *noun.unseen, *action.unseen))


def _option(wordings: synonyms.Wordings, rng: np.random.Generator, new: bool) -> Said:
    captions, queries = wordings
    if not new:
        queries = tuple(text for text in queries if text in captions)
    text = queries[int(rng.integers(len(queries)))]
    return Said(text, () if text in captions else (text,))


def _plain(fact: Fact) -> str:
    if fact.aspect in _PLAIN:
        return _PLAIN[fact.aspect][str(fact.value)]
    plural = fact.element.endswith("s")
    return fact.element if plural else article(fact.element)
