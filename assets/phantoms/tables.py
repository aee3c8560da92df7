"""The tables of a phantom set: the four ENTRep files, the truth, and a note on what this is."""

import csv
import io
import json
from collections import defaultdict

from .cohort import Item
from .streams import stream

TRUTH = (
    "file", "patient", "region", "class", "side", "state", "finding", "severity",
    "caption", "caption_vi", "caption_2", "caption_vi_2",
)  # fmt: skip
_README = """Synthetic phantom images of ear, nose, throat and larynx, drawn by a program
(python -m assets.phantoms). They show no person, are not clinical images, and must not be
used for diagnosis or to claim clinical performance.

imgs/         640 x 480 PNG
cls.json      image -> class number
data.json     one record an image: Path, Classification, Type, Description (Vietnamese), DescriptionEN
t2i.json      query phrase -> one image it describes
i2i.json      query image -> another image of the same class and finding
truth.csv     everything the generator knows of each image, with a second wording
phantoms.json which set this is: version, number of images, seed

The larynx is seen through a rigid telescope: arytenoids above, epiglottis below.
"""


def tables(items: list[Item], seed: int) -> dict[str, str]:
    """File name -> content of everything beside the pictures."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(TRUTH)
    for item in items:
        kind, spoken = item.kind, [phrase for pair in item.captions for phrase in pair]
        patient = f"p{item.patient:04d}"
        table.writerow(
            [
                item.file,
                patient,
                kind.region,
                kind.name,
                kind.side,
                kind.state,
                item.finding,
                item.severity,
                *spoken,
            ]
        )
    records = [
        {
            "Path": item.file,
            "Classification": item.classification,
            "Type": item.finding,
            "Description": item.captions[0][1],
            "DescriptionEN": item.captions[0][0],
        }
        for item in items
    ]
    values = {
        "cls.json": {item.file: item.kind.number for item in items},
        "data.json": records,
        "t2i.json": _phrases(items, seed),
        "i2i.json": _pairs(items, seed),
    }
    return {
        "README.txt": _README,
        "truth.csv": text.getvalue(),
        **{name: json.dumps(value, ensure_ascii=False, indent=1) + "\n" for name, value in values.items()},
    }


def _phrases(items: list[Item], seed: int) -> dict[str, str]:
    """Queries: the phrase of an eighth of the images, at least 71 where there are as many."""
    order = stream(seed, "t2i").permutation(len(items))
    found: dict[str, str] = {}
    for i in order:
        if len(found) == max(71, len(items) // 8):
            break
        found.setdefault(items[i].captions[0][0], items[i].file)
    return found


def _pairs(items: list[Item], seed: int) -> dict[str, str]:
    """Queries: pairs of one class and finding, of two patients; each image in one pair at most."""
    groups: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for i in stream(seed, "i2i").permutation(len(items)):
        groups[items[i].classification, items[i].finding].append(items[i])
    pairs = [
        (a.file, b.file)
        for group in groups.values()
        for a, b in zip(group[::2], group[1::2], strict=False)
        if a.patient != b.patient
    ]
    chosen = stream(seed, "i2i order").permutation(len(pairs))[: max(1, len(items) // 4)]
    return dict(pairs[i] for i in chosen)
