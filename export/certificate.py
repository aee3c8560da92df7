"""The parity certificate: a graph is compared with the torch modules of every fold, from file to vector.

The reference shares nothing with runtime/: the original tokenizer, torch's antialiased bicubic filter, and each
fold's own torch module (not the stacked one). int8 weights are compared with the certified fp32 graph;
int8 arithmetic has a gate of its own (gate.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from runtime.circle_crop import circle_crop
from runtime.errors import BundleError
from runtime.images import RgbImage
from runtime.preprocess import Preprocessing

Floats = NDArray[np.float32]

MAX_ABS_DIFFERENCE = 1e-5  # fp32, per component of a unit vector
MIN_COSINE = 0.99  # int8 weights, mean per fold and tower
MIN_TOP5_AGREEMENT = 0.98  # int8 weights, share of the fp32 ensemble's top five that they keep


@dataclass(frozen=True, eq=False)
class Towers:
    """One way to compute both towers: texts → (N, K, D), images → (N, K, D)."""

    texts: Callable[[Sequence[str]], Floats]
    images: Callable[[Sequence[RgbImage]], Floats]


def reference_pixels(images: Sequence[RgbImage], preprocessing: Preprocessing) -> torch.Tensor:
    """(N, 3, S, S) float32 by torch's own filter; OpenCV's circle crop, where the recipe has it, is common to both."""
    size, out = preprocessing.size, []
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (preprocessing.mean, preprocessing.std))
    for image in images:
        cropped = circle_crop(image).image if preprocessing.crop == "circle" else image
        pixels = torch.from_numpy(np.ascontiguousarray(cropped)).permute(2, 0, 1)[None].float()
        resized = interpolate(pixels, size=(size, size), mode="bicubic", antialias=True)[0]
        out.append((resized.clamp(0, 255) / 255 - mean) / std)
    return torch.stack(out)


def certify_tokens(ours: Callable[[Sequence[str]], tuple], original: Callable, texts: Sequence[str]) -> int:
    """Number of token ids compared; raises BundleError at the first text whose ids differ from the original's."""
    compared = 0
    for text in texts:
        ids = ours([text])[0][0].tolist()
        expected = original(text)
        if ids != expected:
            raise BundleError(f"export: the tokens of {text!r} are {ids}; the original tokenizer gives {expected}")
        compared += len(ids)
    return compared


def checked_difference(said: str, given: Floats, expected: Floats) -> float:
    """Largest absolute difference to torch; raises BundleError above 1e-5, `said` being what differs, with its verb."""
    difference = float(np.abs(given - expected).max())
    if not difference <= MAX_ABS_DIFFERENCE:
        raise BundleError(f"export: {said} from torch by {difference:.2e}; the limit is {MAX_ABS_DIFFERENCE:.0e}")
    return difference


def certify_fp32(
    graph: Towers, folds: Sequence[Towers], texts: Sequence[str], images: Sequence[RgbImage]
) -> dict[str, object]:
    """Largest absolute difference per fold and tower; raises BundleError above 1e-5, naming fold and tower.

    `folds[k]` gives fold k's reference as (N, 1, D).
    """
    report: dict[str, object] = {"texts": len(texts), "images": len(images), "limit": MAX_ABS_DIFFERENCE}
    for tower, inputs in (("text", texts), ("image", images)):
        ours = getattr(graph, f"{tower}s")(inputs)
        worst = []
        for k, fold in enumerate(folds):
            expected = getattr(fold, f"{tower}s")(inputs)[:, 0]
            worst.append(checked_difference(f"the {tower} tower of fold {k} differs", ours[:, k], expected))
        report[f"{tower}_max_abs_difference"] = worst
    return report


def compare_int8(graph: Towers, exact: Towers, texts: Sequence[str], images: Sequence[RgbImage]) -> dict[str, object]:
    """Mean cosine per fold and tower, and top-5 agreement, with the fp32 graph."""
    report: dict[str, object] = {"texts": len(texts), "images": len(images)}
    rows = {}
    for tower, inputs in (("text", texts), ("image", images)):
        ours, theirs = getattr(graph, f"{tower}s")(inputs), getattr(exact, f"{tower}s")(inputs)
        report[f"{tower}_mean_cosine"] = [float(c) for c in np.einsum("nkd,nkd->nk", ours, theirs).mean(0)]
        rows[tower] = (ours.reshape(len(inputs), -1), theirs.reshape(len(inputs), -1))
    similarities = [rows["text"][i] @ rows["image"][i].T for i in (0, 1)]
    return report | {"top5_agreement": top_agreement(*similarities)}


def certify_int8(graph: Towers, exact: Towers, texts: Sequence[str], images: Sequence[RgbImage]) -> dict[str, object]:
    """`compare_int8` of a graph with stored int8 weights; raises BundleError below the limits."""
    report: dict[str, Any] = compare_int8(graph, exact, texts, images)
    for tower in ("text", "image"):
        cosines = report[f"{tower}_mean_cosine"]
        low = int(np.argmin(cosines))
        if not cosines[low] >= MIN_COSINE:
            raise BundleError(
                f"export: the int8 {tower} tower of fold {low} has mean cosine {cosines[low]:.4f} with fp32; "
                f"the limit is {MIN_COSINE}. Export with --precision fp32"
            )
    if not report["top5_agreement"] >= MIN_TOP5_AGREEMENT:
        raise BundleError(
            f"export: int8 keeps {report['top5_agreement']:.4f} of the fp32 ensemble's top five; the limit is "
            f"{MIN_TOP5_AGREEMENT}. Export with --precision fp32"
        )
    return report


def top_agreement(ours: Floats, theirs: Floats, k: int = 5) -> float:
    """Mean share of each row's `k` best columns that both similarity matrices (Q, N) have in common."""
    best = [np.argsort(-similarities, axis=1, kind="stable")[:, :k] for similarities in (ours, theirs)]
    shared = [len(set(a) & set(b)) for a, b in zip(*best, strict=True)]
    return float(np.mean(shared) / min(k, ours.shape[1]))
