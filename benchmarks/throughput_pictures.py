"""What throughput is measured on, and what preparing a picture costs: by size, and of large JPEGs."""

import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from assets.phantoms import generate
from runtime.encoder import DualEncoder
from runtime.ensemble import stack_folds
from runtime.images import RgbImage, decode_image, encode_image, read_image
from runtime.preprocess import Preprocessing

from .timing import paired, summary

REAL = ("vocalfolds", "tuxpaint")
PHANTOMS = 48
LARGE = (3000, 4000)  # height and width of a 12-megapixel camera
EACH = 12  # large pictures of a kind
TILE = 250


@dataclass(frozen=True)
class Material:
    """`paths` of the pictures to encode, `counts` by source, the phantoms' folder, captions of the real sets."""

    paths: list[Path]
    counts: dict[str, int]
    phantoms: Path
    real: dict[str, list[Path]]
    captions: list[str]


def make_material(work: Path, data: Path, *, images: int) -> Material:
    """`images` pictures, in turn of phantoms (drawn in `work`) and of the real sets that `data` holds."""
    generate(work / "phantoms", images=PHANTOMS, seed=7)
    sources = {"phantoms (synthetic)": sorted((work / "phantoms" / "imgs").iterdir())}
    captions: list[str] = []
    for name in REAL:
        table = data / name / "captions.jsonl"
        if table.is_file():
            rows = [json.loads(line) for line in table.read_text("utf-8").splitlines()]
            sources[name] = [data / name / "img" / row["file"] for row in rows]
            captions += [
                text for row in rows for key in ("caption", "en", "vi") if isinstance(text := row.get(key), str)
            ]
    chosen: list[Path] = []
    counts = dict.fromkeys(sources, 0)
    endless = {name: itertools.cycle(_spread(paths)) for name, paths in sources.items()}
    for name in itertools.islice(itertools.cycle(sources), images):
        chosen.append(next(endless[name]))
        counts[name] += 1
    return Material(chosen, counts, work / "phantoms", {name: sources[name] for name in REAL if name in sources},
                    captions)  # fmt: skip


def _spread(paths: Sequence[Path]) -> list[Path]:
    return [paths[i] for i in np.random.default_rng(0).permutation(len(paths))]


def preparation_rows(material: Material, preprocess: Preprocessing, *, rounds: int) -> list[dict[str, Any]]:
    """Milliseconds of decoding and of preprocessing a picture, with and without circle crop, one call after another."""
    phantom = read_image(next(iter(sorted((material.phantoms / "imgs").iterdir()))))
    variants: dict[str, Callable[[], object]] = {}
    sizes = {"640×480": (640, 480), "1024×1024": (1024, 1024), "4000×3000": LARGE[::-1]}
    plain, circle = replace(preprocess, crop="none"), replace(preprocess, crop="circle")
    for name, size in sizes.items():
        image = cv2.resize(phantom, size, interpolation=cv2.INTER_CUBIC)
        jpeg, png = encode_image(image, ".jpg"), encode_image(image, ".png")
        variants |= {
            f"{name} decode JPEG": lambda jpeg=jpeg: decode_image(jpeg),
            f"{name} decode PNG": lambda png=png: decode_image(png),
            f"{name} preprocess": lambda image=image: plain.one(image),
            f"{name} preprocess, circle crop": lambda image=image: circle.one(image),
        }
    cpu: dict[str, list[float]] = {}
    times = paired(variants, rounds=rounds, warmup=1, cpu=cpu)
    return [
        {"step": name, "median_ms": summary(s)["median_ms"], "cpu_ms": float(np.median(cpu[name])) * 1000}
        for name, s in times.items()
    ]


def large_jpeg_rows(material: Material, encoder: DualEncoder) -> list[dict[str, Any]]:
    """12-megapixel JPEGs decoded whole and at reduced scale: milliseconds to pixels, and the vectors' cosine."""
    sources = material.real or {"phantoms (synthetic)": material.paths}
    rows = [_large_row(f"{name}, enlarged", _enlarged(paths), encoder) for name, paths in sources.items()]
    rows += [_large_row(f"{name}, mosaic", _mosaics(paths), encoder) for name, paths in sources.items()]
    return rows


def _large_row(name: str, pictures: Iterator[RgbImage], encoder: DualEncoder) -> dict[str, Any]:
    preprocess = encoder.preprocess
    at_least = replace(preprocess, crop="none").decode_at_least
    seconds: dict[str, list[float]] = {"whole": [], "reduced": []}
    used: dict[str, list[float]] = {"whole": [], "reduced": []}
    cosines = []
    for number, picture in enumerate(pictures):
        jpeg = encode_image(picture, ".jpg")
        pixels = {}
        order = [("whole", None), ("reduced", at_least)]
        for kind, least in order if number % 2 else order[::-1]:
            started, processor = time.perf_counter(), time.process_time()
            pixels[kind] = preprocess.one(decode_image(jpeg, at_least=least))
            seconds[kind].append(time.perf_counter() - started)
            used[kind].append(time.process_time() - processor)
        whole, reduced = (stack_folds(encoder.encode_pixels(pixels[kind][None]))[0] for kind in ("whole", "reduced"))
        cosines.append(float(whole @ reduced))
    medians = {kind: float(np.median(values)) * 1000 for kind, values in seconds.items()}
    return {
        "pictures": name,
        "n": len(cosines),
        "whole_ms": medians["whole"],
        "reduced_ms": medians["reduced"],
        "whole_over_reduced": medians["whole"] / medians["reduced"],
        "cpu_whole_over_reduced": float(np.median(used["whole"]) / np.median(used["reduced"])),
        "mean_cosine": float(np.mean(cosines)),
        "min_cosine": float(np.min(cosines)),
    }


def _enlarged(paths: Sequence[Path]) -> Iterator[RgbImage]:
    for path in _spread(paths)[:EACH]:
        yield np.asarray(cv2.resize(read_image(path), LARGE[::-1], interpolation=cv2.INTER_CUBIC), np.uint8)


def _mosaics(paths: Sequence[Path]) -> Iterator[RgbImage]:
    """Large pictures with detail everywhere, which an enlarged small one has not: the hardest case for a reduction."""
    down, across = LARGE[0] // TILE, LARGE[1] // TILE
    endless: Iterator[NDArray[np.uint8]] = (
        np.asarray(cv2.resize(read_image(path), (TILE, TILE), interpolation=cv2.INTER_AREA), np.uint8)
        for path in itertools.cycle(_spread(paths))
    )
    for _ in range(EACH):
        yield np.vstack([np.hstack(list(itertools.islice(endless, across))) for _ in range(down)])
