"""A small synthetic drive, with films and with scenes that are text only."""

import json
from pathlib import Path

from assets.drive.layout import generate
from runtime.carim.rows import read_rows, write_rows

SCENES, SECONDS, SEED = 4, 4, 5
EVIL = "<img src=x onerror=alert(1)> tunnel"


def draw_scenes(folder: Path) -> Path:
    """Four drawn scenes of four seconds, and two scenes of text, one with markup in it; returns the data's folder."""
    generate(folder, scenes=SCENES, seconds=SECONDS, seed=SEED, only="drawn", ready=True)
    data = folder / "drawn"
    rows = read_rows(data)
    write_rows(data / "rows.jsonl", rows.rows)
    meta = {"weather": "snow", "time_of_day": "night", "location": "written-only"}
    with (data / "rows.jsonl").open("a", encoding="utf-8") as lines:
        for name, caption in (("text-1", "a snow plough in a tunnel"), ("text-2", EVIL)):
            row = {"id": name, "scene": name, "image": None, "timestamp": 0, "caption": caption,
                   "elements": [caption, "snow plough", "snow", "night"], "meta": meta}  # fmt: skip
            lines.write(json.dumps(row) + "\n")
    return data
