"""`--precision`: what becomes of the certified fp32 graphs before they are bundled, and what proves it harmless."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from runtime.dataset import read_dataset
from runtime.errors import InvalidInputError
from runtime.images import RgbImage
from runtime.preprocess import Preprocessing
from runtime.tokenizer import TextTokenizer

from .certificate import Towers, certify_int8, compare_int8
from .float16 import store_float16
from .gate import MIN_QUERIES, Queries, draw_queries
from .int8 import CALIBRATION_IMAGES, Gate, quantise_towers
from .int8_weights import store_weights

PRECISIONS = ("fp32", "int8", "int8-weights", "fp16")
OFF = "off"
PROBE_TEXTS = PROBE_IMAGES = CALIBRATION_IMAGES


class Probe(Protocol):
    """Real inputs, such as `export.kger.Probe`."""

    texts: list[str]
    images: list[RgbImage]


@dataclass(frozen=True)
class GateSettings:
    """Where the gate of int8 draws its queries: a data set (None: the run's own), or none at all ("off")."""

    data: str | None = None
    queries: int = MIN_QUERIES


@dataclass(frozen=True, eq=False)
class Export:
    """What is being exported: the fp32 graphs, and how to open and feed others like them."""

    text: Path
    image: Path
    exact: Towers
    open_towers: Callable[[Path, Path], Towers]
    tokenizer: TextTokenizer
    preprocessing: Preprocessing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of precision and gate."""
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="fp32",
        help="int8: integer arithmetic behind a gate; int8-weights: stored small, computed in fp32; fp16: for CUDA",
    )
    parser.add_argument(
        "--gate",
        metavar="DATA",
        help="data set that training has not seen, for the gate of int8 (default: the run's own; off: no gate)",
    )
    parser.add_argument(
        "--gate-queries",
        type=int,
        default=MIN_QUERIES,
        metavar="N",
        help="fewest queries that the gate accepts; the certificate records it (default: %(default)s)",
    )


def lower_precision(
    precision: str, export: Export, queries: Queries | None, probe: Callable[[], Probe], work: Path
) -> tuple[Path, Path, dict[str, Any]]:
    """Text and image graph in `precision` (written to `work`) and the certificate's entries for it.

    int8 is gated by `queries`, without them it is not; `probe` draws the inputs of the report and of the
    calibration. Raises BundleError where limits are not kept.
    """
    text, image = work / "text-small.onnx", work / "image-small.onnx"
    if precision == "fp32":
        return export.text, export.image, {}
    if precision == "fp16":
        casts = store_float16(export.text, text), store_float16(export.image, image)
        return text, image, {"fp16": {"float16_weights": sum(casts), "checked": "structure only; runs on CUDA"}}
    drawn = probe()
    if precision == "int8-weights":
        store_weights(export.text, text)
        store_weights(export.image, image)
        report = certify_int8(export.open_towers(text, image), export.exact, drawn.texts, drawn.images)
        return text, image, {"int8": report}
    text, image, chosen = quantise_towers(
        export.text,
        export.image,
        work,
        pixels=lambda: np.concatenate([export.preprocessing([image]) for image in drawn.images]),
        gate=None if queries is None else Gate(queries, export.tokenizer, export.preprocessing),
    )
    report = compare_int8(export.open_towers(text, image), export.exact, drawn.texts, drawn.images)
    return text, image, {"int8": report | chosen}


def print_int8(report: Mapping[str, Any]) -> None:
    """The certificate's int8 figures, a line each."""
    low = min(*report["text_mean_cosine"], *report["image_mean_cosine"])
    print(f"int8: lowest mean cosine {low:.4f}, top-5 agreement {report['top5_agreement']:.3f}")  # noqa: T201  the CLI's report
    if "gate" not in report:
        return
    print(f"int8: text: {report['text']}; image: {report['image']}; refused before: {len(report['refused'])}")  # noqa: T201
    if report["gate"] is None:
        print("int8: without a gate; nothing says that it ranks as fp32 does")  # noqa: T201
        return
    asked = report["gate"]
    seen = "held out" if asked["held_out"] else "NOT held out: training has seen them"
    print(f"gate: {asked['queries']} queries over {asked['gallery']} images, {seen}")  # noqa: T201
    for name, value in report.items():
        if isinstance(value, dict) and "bounds95" in value:
            low, high = value["bounds95"]
            change = f"{value['difference']:+.4f}, 95 % bounds {low:+.4f} and {high:+.4f}"
            print(f"gate: {name} fp32 {value['fp32']:.4f}, int8 {value['int8']:.4f} ({change})")  # noqa: T201


def gate_queries(precision: str, gate: GateSettings, settings: Mapping[str, Any]) -> Queries | None:
    """The gate's queries for a run with these `settings`; None where nothing is gated.

    Raises InvalidInputError where the data set has too few, before anything long is done.
    """
    if precision != "int8" or gate.data == OFF:
        return None
    if gate.queries < 1:
        raise InvalidInputError(f"--gate-queries {gate.queries}; expected 1 or more (default {MIN_QUERIES})")
    columns, recipe = settings["data"]["columns"], settings["recipe"]
    seen = read_dataset(Path(settings["data"]["path"]), **columns)
    return draw_queries(
        seen if gate.data is None else read_dataset(Path(gate.data), **columns),
        languages=tuple(recipe.get("languages", ("en",))),
        positive_columns=tuple(recipe.get("positive_columns", ())),
        seen=seen,
        minimum=gate.queries,
    )
