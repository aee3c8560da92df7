"""The committed attacks of assets/injections.json, and where each is put: into a picture, a query or a caption."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import InvalidInputError

from ..pipeline import ROOT
from .drawn_text import Picture, TextFinder, draw_text

FILE = ROOT / "assets" / "injections.json"
SCHEMA = 1
PLACES = ("picture", "query", "caption")
ASKS = ("top", "over", "outsider", "nothing")
WIDTH = 640  # of a phantom, in pixels: the width at which text is drawn


@dataclass(frozen=True)
class Attack:
    """One attack. `text` stands in a query or caption, `drawn` (ASCII) in a picture.

    `asks` is what a judge does that obeys it: "top" gives the attacked candidate 1 and all others 0, "over" the
    same with 9999 for 1, "outsider" adds an id that was never shown, "nothing" asks for nothing (a caption that
    only copies the query).
    """

    name: str
    language: str
    asks: str
    places: tuple[str, ...]
    text: str
    drawn: str

    def into_picture(self, picture: Picture, seed: int) -> Picture:
        """A copy of `picture` (H, W, 3) uint8 with the attack drawn at a place that `seed` decides."""
        return draw_text(picture, self.drawn, seed)

    def into_query(self, text: str) -> str:
        """`text` with the attack behind it."""
        return f"{text}. {self.text}"

    def into_caption(self, caption: str, query: str) -> str:
        """`caption` with the attack behind it; `query` is what an attack that copies the query copies."""
        return f"{caption}. {self.text.replace('{query}', query)}"


def read_attacks(path: Path = FILE, place: str | None = None) -> list[Attack]:
    """The attacks in file order, only those of `place` where one is given; InvalidInputError for another file."""
    value = json.loads(path.read_text("utf-8"))
    if value.get("schema") != SCHEMA:
        raise InvalidInputError(f"{path.name}: schema {value.get('schema')!r}, expected {SCHEMA}")
    attacks = [Attack(**row | {"places": tuple(row["places"])}) for row in value["attacks"]]
    for attack in attacks:
        if attack.asks not in ASKS or not set(attack.places) <= set(PLACES) or not attack.drawn.isascii():
            raise InvalidInputError(
                f"{path.name}: attack {attack.name!r}; expected asks among {', '.join(ASKS)}, places among "
                f"{', '.join(PLACES)}, and ASCII in drawn"
            )
    return [attack for attack in attacks if place is None or place in attack.places]


def finder(attacks: Sequence[Attack]) -> TextFinder:
    """Finds the attacks that were drawn into phantoms."""
    return TextFinder({a.name: a.drawn for a in attacks if "picture" in a.places}, WIDTH)
