"""Who is seen and what is found: the plan of a phantom set, before a single pixel is drawn."""

from dataclasses import dataclass

import numpy as np

from .captions import describe
from .findings import CLASSES, FINDINGS, NORMAL, SEVERITIES, View, class_named
from .streams import stream

_NORMAL_SHARE = 2  # normal views, counted in findings


@dataclass(frozen=True)
class Item:
    """One image of the set and the truth about it."""

    file: str
    patient: int
    view: int
    classification: str
    finding: str
    severity: str
    captions: tuple[tuple[str, str], ...]  # (English, Vietnamese), the main one first

    @property
    def kind(self) -> View:
        """The class the image belongs to."""
        return class_named(self.classification)


def plan(images: int, seed: int) -> list[Item]:
    """The items of a set, in file order: classes in the challenge's shares, findings in turn."""
    rng = stream(seed, "cohort", images)
    deck = [(name, finding) for name, count in _class_counts(images).items() for finding in _findings(name, count, rng)]
    order = rng.permutation(len(deck))
    items: list[Item] = []
    patient = 0
    while len(items) < images:
        patient += 1
        for view in range(min(int(rng.integers(6, 9)), images - len(items))):
            name, finding = deck[order[len(items)]]
            items.append(_item(seed, len(items), patient=patient, view=view, name=name, finding=finding))
    return items


def _item(seed: int, index: int, *, patient: int, view: int, name: str, finding: str) -> Item:
    rng = stream(seed, "item", index, name, finding)
    kind = class_named(name)
    graded = FINDINGS[kind.region].get(finding, False)
    severity = SEVERITIES[int(rng.integers(3))] if graded else "none"
    captions = tuple(describe(kind, finding, severity, rng))
    return Item(f"phantom_{index + 1:05d}.png", patient, view, name, finding, severity, captions)


def _class_counts(images: int) -> dict[str, int]:
    """`images` divided by the classes' weights, largest remainders first."""
    total = sum(kind.weight for kind in CLASSES)
    exact = {kind.name: images * kind.weight / total for kind in CLASSES}
    counts = {name: int(share) for name, share in exact.items()}
    for name in sorted(exact, key=lambda name: counts[name] - exact[name])[: images - sum(counts.values())]:
        counts[name] += 1
    return counts


def _findings(name: str, count: int, rng: np.random.Generator) -> list[str]:
    """`count` findings of one class, drawn from reshuffled decks so that each comes equally often."""
    deck = [NORMAL] * _NORMAL_SHARE + list(FINDINGS[class_named(name).region])
    drawn: list[str] = []
    while len(drawn) < count:
        drawn += [deck[i] for i in rng.permutation(len(deck))]
    return drawn[:count]
