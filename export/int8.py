"""int8: integer arithmetic in both towers, the fastest variant that the gate lets pass.

Each tower has a list of variants, fastest first. Pairs are tried in the order of the steps taken down both lists,
and among equals the image tower steps down first: images are encoded once, queries every day.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from runtime.errors import BundleError
from runtime.preprocess import Preprocessing
from runtime.sessions import open_session
from runtime.tokenizer import TextTokenizer

from .certificate import Floats
from .gate import LIMIT, RESAMPLES, Queries, compare
from .int8_convolutions import MIN_CONVOLUTIONS, Convolutions, convolutions
from .int8_products import FLOAT_DOWN, FLOAT_FEED_FORWARD, FLOAT_NOTHING, integer_products

FLOAT_FIRST = (3, 9, 18, 30)  # convolutions at full resolution lose most; measured on EfficientNet-Lite2
CALIBRATION_IMAGES = 200
_BATCH = 16  # as the gallery encodes images


@dataclass(frozen=True, eq=False)
class Variant:
    """A way to write a tower in int8; `name` says what computes in integers."""

    name: str
    write: Callable[[Path], None]


@dataclass(eq=False)
class Gate:
    """Held-out queries and the means to encode them; vectors of a graph file are computed once."""

    queries: Queries
    tokenizer: TextTokenizer
    preprocessing: Preprocessing
    _vectors: dict[Path, Floats] = field(default_factory=dict)

    def texts(self, graph: Path) -> Floats:
        """(T, K, D) of the distinct texts, one at a time, as queries come."""
        if graph not in self._vectors:
            session, rows = open_session(graph, provider="cpu"), []
            for text in self.queries.texts:
                ids, mask = self.tokenizer([text])
                rows.append(session.run(["embeddings"], {"input_ids": ids, "attention_mask": mask})[0])
            self._vectors[graph] = np.concatenate(rows)
        return self._vectors[graph]

    def images(self, graph: Path) -> Floats:
        """(N, K, D) of the gallery's images."""
        if graph not in self._vectors:
            session = open_session(graph, provider="cpu")
            rows = [
                session.run(["embeddings"], {"pixel_values": self.preprocessing(batch)})[0]
                for batch in self.queries.images(_BATCH)
            ]
            self._vectors[graph] = np.concatenate(rows)
        return self._vectors[graph]

    def report(self) -> dict[str, Any]:
        """What was asked, for the certificate."""
        queries = self.queries
        return {
            "queries": len(queries.text),
            "texts": len(queries.texts),
            "gallery": len(queries.gallery),
            "held_out": queries.held_out,
            "data_fingerprint": queries.dataset.fingerprint,
            "limit": LIMIT,
            "resamples": RESAMPLES,
        }


def text_variants(source: Path) -> list[Variant]:
    """Variants of a transformer, fastest first; what computes in float32 is still stored in int8."""

    def variant(name: str, floats: str) -> Variant:
        return Variant(name, lambda target: integer_products(source, target, floats=floats))

    return [
        variant("all products", FLOAT_NOTHING),
        variant("all products but feed-forward outputs", FLOAT_DOWN),
        variant("products of attention and heads", FLOAT_FEED_FORWARD),
    ]


def image_variants(source: Path, pixels: Callable[[], NDArray[np.float32]]) -> list[Variant]:
    """Variants of a convolutional trunk or a transformer; `pixels` gives (N, 3, S, S) for the calibration."""
    count = len(convolutions(onnx.load(source).graph))
    if count < MIN_CONVOLUTIONS:
        return text_variants(source)
    calibrated = Convolutions(source, pixels)

    def variant(first: int) -> Variant:
        name = f"convolutions after the first {first} of {count}"
        return Variant(name, lambda target: calibrated.write(target, float_first=first))

    return [variant(first) for first in FLOAT_FIRST if first < count]


def quantise_towers(
    text: Path, image: Path, work: Path, *, pixels: Callable[[], NDArray[np.float32]], gate: Gate | None
) -> tuple[Path, Path, dict[str, Any]]:
    """The int8 graphs of both towers (written to `work`) and the certificate's part; without a gate the fastest.

    Raises BundleError where no pair of variants passes, with the figures of each.
    """
    variants = text_variants(text), image_variants(image, pixels)
    written: dict[tuple[int, int], Path] = {}

    def graph(tower: int, step: int) -> Path:
        if (tower, step) not in written:
            written[tower, step] = work / f"{('text', 'image')[tower]}-int8-{step}.onnx"
            variants[tower][step].write(written[tower, step])
        return written[tower, step]

    refused: list[dict[str, Any]] = []
    for steps in sorted(product(*(range(len(v)) for v in variants)), key=lambda pair: (sum(pair), pair)):
        ours = graph(0, steps[0]), graph(1, steps[1])
        tried: dict[str, Any] = {"text": variants[0][steps[0]].name, "image": variants[1][steps[1]].name}
        if gate is not None:
            exact = gate.texts(text), gate.images(image)
            tried |= compare(gate.queries, exact, (gate.texts(ours[0]), gate.images(ours[1])))
        if tried.get("passed", True):
            sizes = {"fp32": _sizes(text, image), "int8": _sizes(*ours)}
            asked = {"gate": None if gate is None else gate.report()}
            return *ours, asked | tried | {"refused": refused, "bytes": sizes}
        refused.append(tried)
    raise BundleError(_refusal(refused, gate))


def _sizes(text: Path, image: Path) -> dict[str, int]:
    return {"text": text.stat().st_size, "image": image.stat().st_size}


def _refusal(refused: Sequence[dict[str, Any]], gate: Gate | None) -> str:
    lines = []
    for tried in refused:
        worst = min((v["bounds95"][0], k, v) for k, v in tried.items() if isinstance(v, dict))
        lines.append(
            f"\n  text: {tried['text']}; image: {tried['image']}: {worst[1]} {worst[2]['fp32']:.4f} → "
            f"{worst[2]['int8']:.4f}, lower 95 % bound of the difference {worst[0]:+.4f}, top-5 overlap "
            f"{tried['top5_overlap']:.3f}"
        )
    asked = 0 if gate is None else len(gate.queries.text)
    return (
        f"export: int8 is refused; on {asked} queries no variant stays within {LIMIT} of fp32.{''.join(lines)}\n"
        "Export with --precision int8-weights (as small, as exact as fp32, not faster) or fp32"
    )
