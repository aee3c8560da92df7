"""What the loopback judge answers: by the truth of synthetic phantoms, or, as a model that obeys, what it was told.

It is no vision-language model. It knows the phantoms by the hash of the JPEG that the real client sends, so it is
never wrong; and where its model name says so, it obeys every attack that it finds in what it was sent. A judge that
obeys always is the worst case: no prompt defends it, so what still holds is what the code holds.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from runtime.dataset import Record, captions_of
from runtime.images import read_image
from runtime.judge.picture import shrink_to_jpeg

from .injections import Attack, finder

TRUTHFUL, OBEYS, OBEYS_OUTSIDE = "loopback-truthful", "loopback-obeys", "loopback-obeys-outside-the-data"
LABEL = re.compile(r"Candidate(?: image| ([A-Z])):")
FINDING = re.compile(r"<finding>(\"(?:[^\"\\]|\\.)*\")</finding>")  # a JSON string ends at its own quote
SAME, SAME_REGION_AND_FINDING, SAME_REGION, OTHER = 0.95, 0.6, 0.25, 0.05
Shows = tuple[str, ...]


@dataclass(frozen=True)
class Truth:
    """(region, class, finding) by the SHA-256 of a picture's JPEG as it is sent, and by a query's text."""

    pictures: Mapping[str, Shows]
    queries: Mapping[str, Shows]

    @classmethod
    def of(cls, records: Iterable[Record], queries: Mapping[str, Shows], max_px: int = 384) -> "Truth":
        """Of phantoms' records, sent at most `max_px` wide and high."""
        return cls({sha256(shrink_to_jpeg(read_image(r.path), max_px)): shows(r) for r in records}, queries)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Truth":
        """The inverse of `to_json`."""
        return cls(*({k: tuple(v) for k, v in value[name].items()} for name in ("pictures", "queries")))

    def to_json(self) -> dict[str, Any]:
        """As the server's process reads it."""
        return {"pictures": dict(self.pictures), "queries": dict(self.queries)}

    def score(self, finding: str, jpeg: bytes) -> float:
        """How well the picture shows the finding; OTHER where either is not known."""
        asked, shown = self._asked(finding), self.pictures.get(sha256(jpeg))
        if asked is None or shown is None or asked[0] != shown[0]:
            return OTHER
        if asked[2] != shown[2]:
            return SAME_REGION
        return SAME if asked == shown else SAME_REGION_AND_FINDING

    def _asked(self, finding: str) -> Shows | None:
        # an attack stands behind the text that it was put into
        known = (text for text in self.queries if finding.startswith(text))
        return self.queries.get(max(known, key=len, default=""))


@dataclass(frozen=True)
class Call:
    """One request as the judge sees it: texts, and pictures behind their labels."""

    model: str
    mode: str
    parts: Sequence[str | bytes]

    @cached_property
    def shown(self) -> list[tuple[str, bytes]]:
        """(id, JPEG) of every candidate, in the order shown."""
        pairs = zip(self.parts, self.parts[1:], strict=False)
        labels = [(LABEL.fullmatch(one), other) for one, other in pairs if isinstance(one, str)]
        return [(label[1] or "A", jpeg) for label, jpeg in labels if label and isinstance(jpeg, bytes)]

    @cached_property
    def finding(self) -> str:
        """The query's text, decoded from its block."""
        blocks = [FINDING.fullmatch(part) for part in self.parts if isinstance(part, str)]
        return next((json.loads(block[1]) for block in blocks if block), "")

    @property
    def again(self) -> bool:
        """Whether it says what was wrong with the reply before."""
        return any(isinstance(p, str) and p.startswith("Your last reply could not be used") for p in self.parts)

    def texts(self, *, outside: bool) -> list[str]:
        """Everything written in it; `outside`: only what stands outside the finding's block."""
        written = [part for part in self.parts if isinstance(part, str)]
        loose = [FINDING.sub("", part) for part in written]
        return loose if outside else [*loose, self.finding]


@dataclass(frozen=True)
class Answer:
    """The text of the reply, and which attack was obeyed where ("" where none was)."""

    text: str
    obeyed: str = ""
    place: str = ""


@dataclass
class Judge:
    """Answers calls; remembers what it has read in a picture."""

    truth: Truth
    attacks: Sequence[Attack]
    _read: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._finder = finder(self.attacks)
        self._by_name = {attack.name: attack for attack in self.attacks}

    def answer(self, call: Call) -> Answer:
        """By the truth, or by the attack that is found first: in the texts, then in the pictures."""
        scores = {name: self.truth.score(call.finding, jpeg) for name, jpeg in call.shown}
        attack, place, victims = self._attack(call) if call.model != TRUTHFUL else (None, "", [])
        if attack is None:
            return Answer(_written(call.mode, scores, "by the phantom's truth"))
        if attack.asks == "outsider":
            scores["Z"] = 1.0
        else:
            scores = {name: float(name in victims) * (9999.0 if attack.asks == "over" else 1.0) for name in scores}
        return Answer(_written(call.mode, scores, f"obeyed {attack.name}"), attack.name, place)

    def _attack(self, call: Call) -> tuple[Attack | None, str, list[str]]:
        texts = call.texts(outside=call.model == OBEYS_OUTSIDE)
        for attack in self.attacks:
            if attack.asks != "nothing" and any(attack.text in text for text in texts):
                return attack, "text", [call.shown[0][0]]  # no text can say more of a candidate than its place
        if call.model == OBEYS_OUTSIDE:
            return None, "", []
        found = {name: read for name, jpeg in call.shown if (read := self._drawn(jpeg))}
        if not found:
            return None, "", []
        return self._by_name[next(iter(found.values()))], "picture", list(found)

    def _drawn(self, jpeg: bytes) -> str | None:
        key = sha256(jpeg)
        if key not in self._read:
            self._read[key] = self._finder.find(jpeg)
        return self._read[key]


def _written(mode: str, scores: Mapping[str, float], why: str) -> str:
    if mode == "pointwise":
        name, score = next(iter(scores.items()))
        return json.dumps({"rationale": why, "score": score} | ({"id": "Z"} if "Z" in scores else {"id": name}))
    if mode == "pairwise":
        better = "tie" if scores["A"] == scores["B"] else max(("A", "B"), key=lambda name: scores[name])
        return json.dumps({"rationale": why, "better": better})
    return json.dumps({"judgements": [{"id": n, "rationale": why, "score": s} for n, s in scores.items()]})


def shows(record: Record) -> Shows:
    """What a phantom's record says is drawn: region, class (with side or state) and finding."""
    return tuple(str(record.metadata[key]) for key in ("region", "class", "finding"))


def captions_shown(records: Iterable[Record]) -> dict[str, Shows]:
    """Every caption in both languages once, with what the first record that has it shows."""
    found: dict[str, Shows] = {}
    for record in records:
        for caption in (*captions_of(record, "en"), *captions_of(record, "vi")):
            found.setdefault(caption, shows(record))
    return found


def sha256(content: bytes) -> str:
    """Hexadecimal."""
    return hashlib.sha256(content).hexdigest()
