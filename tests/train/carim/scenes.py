"""Forty invented scenes of two or three elements, with captions in other words: synthetic, for tests of training."""

from itertools import product
from pathlib import Path

from runtime.carim.rows import Row, write_rows
from runtime.files import write_json

COLOURS = {"red": "crimson", "blue": "azure", "green": "emerald", "white": "ivory", "black": "ebony"}
THINGS = {"car": "sedan", "truck": "lorry", "bus": "coach", "cyclist": "person on a bike"}
WEATHER = {"rain": "It is raining.", "fog": "The air is misty."}


def invented_rows() -> list[Row]:
    """One row a scene."""
    rows = []
    for i, (colour, thing, weather) in enumerate(product(COLOURS, THINGS, WEATHER)):
        elements = (f"{colour} {thing} ahead", weather, *(("wet road",) if weather == "rain" else ()))
        caption = f"{'An' if COLOURS[colour][0] in 'aeiou' else 'A'} {COLOURS[colour]} {THINGS[thing]} is in front. "
        rows.append(Row(f"s{i:02}", f"s{i:02}", None, 0.0, caption + WEATHER[weather], elements, {"weather": weather}))
    return rows


def write_data(folder: Path) -> Path:
    """A data folder with the invented rows."""
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / "rows.jsonl", invented_rows())
    write_json(folder / "carim.json", {"schema_version": 1, "source": "invented", "synthetic": True})
    return folder
