"""`python -m benchmarks nodule`: questions about size over the nodules of held-out patients.

Phantom CT (synthetic) drawn from LIDC's real outlines, or real CT with --ct. Relevance is by the measured diameter,
which the published rule reads, too: that rule is right by construction. The rows "read" use the diameter that the
model reads from the pixels instead.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.gallery import Gallery
from runtime.nodule.encoder import NoduleEncoder, open_nodule_encoder
from runtime.nodule.fusion import best_alpha, fuse
from runtime.nodule.indexing import index_regions
from runtime.nodule.measures import distance_at, precision_at
from runtime.nodule.prompts import PUBLISHED, Prompt, prompts, read
from runtime.nodule.rule import rule_score
from runtime.nodule.table import Regions, read_regions

from ..pipeline import export_once, run_module
from ..results import command_line, print_table, save_result
from .plots import draw, found_by_question, read_by_size

K, GENERATED, RESAMPLES = 10, 200, 500
BINS = PUBLISHED[:3]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Part:
    """The crops of one part of the patients: vectors (N, D), diameters (N,) measured and read, patients (N,)."""

    vectors: NDArray[np.float32]
    measured_mm: Floats
    read_mm: Floats
    patients: NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Asked:
    """Questions over a part: cosines and both rule scores (Q, N) float64, and which crops are relevant (Q, N)."""

    prompts: list[Prompt]
    cosine: Floats
    rule: dict[str, Floats]
    relevant: NDArray[np.bool_]
    part: Part

    def systems(self, alphas: dict[str, float]) -> dict[str, Floats]:
        """The scores (Q, N) of every system."""
        rows = {"cosine": self.cosine}
        for name, rule in self.rule.items():
            rows |= {f"rule, {name}": rule, f"fused, {name}": fuse(self.cosine, rule, alphas[name])}
        return rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--work", type=Path, default=Path("runs/nodule"), help="finished steps are kept here")
    parser.add_argument("--ct", type=Path, help="LIDC-IDRI's DICOM folders (default: phantom CT)")
    parser.add_argument("--ablate", action="store_true", help="train with the published ROI and a drawn outline, too")


def run(args: argparse.Namespace) -> int:
    """Draws, trains, exports, indexes, asks; writes `nodule_retrieval.json`."""
    data, model, bundle = args.work / "data", args.work / "run", args.work / "bundle"
    if not (data / "about.json").is_file():
        run_module("train", "nodule-data", "--out", data, *(("--ct", args.ct) if args.ct else ()))
    run_module("train", "nodule", "--data", data, "--out", model)
    export_once("nodule", model, bundle)
    encoder = open_nodule_encoder(bundle)
    regions = read_regions(data)
    val, test = (_part(regions, model, name, encoder, args.work) for name in ("val", "test"))
    trained_on = encoder.bundle.manifest.training["recipe"]
    unseen = _unseen(trained_on["prompts"], trained_on["seed"])
    generated = _answered(unseen, test.measured_mm)[:GENERATED]
    alphas = _tuned(ask(encoder, _answered(unseen, val.measured_mm)[:GENERATED], val))
    sets = {
        "three bins": [read(text) for text in BINS],
        "> 3 mm": [read(PUBLISHED[3])],
        "generated": generated,
    }
    sets["all"] = [prompt for some in sets.values() for prompt in some]
    every = {name: ask(encoder, some, test) for name, some in sets.items()}
    rows = [row for name, asked in every.items() for row in _rows(name, asked, alphas)]
    print_table(rows)
    figures = _figures(rows, alphas, test, encoder) | {
        "kind": json.loads((data / "about.json").read_text("utf-8"))["kind"],
        "validation": _validation(args, data, model),
        "asked": found_by_question(sets["all"], every["all"].cosine, test.measured_mm, K),
        "read_by_size": read_by_size(test.measured_mm, test.read_mm),
    }
    save_result("nodule_retrieval", command_line(), figures)
    return 0


def plot(figures: dict[str, Any], folder: Path) -> list[Path]:
    """Precision by interval, diameters asked and found, measured and read."""
    return draw(figures, folder)


def ask(encoder: NoduleEncoder, asked: Sequence[Prompt], part: Part) -> Asked:
    """The questions over the part."""
    cosine = (encoder.encode_texts([p.text for p in asked]) @ part.vectors.T).astype(np.float64)
    rule = {
        name: np.stack([rule_score(p.interval, sizes) for p in asked])
        for name, sizes in (("measured", part.measured_mm), ("read", part.read_mm))
    }
    return Asked(list(asked), cosine, rule, np.stack([p.interval.contains(part.measured_mm) for p in asked]), part)


def interval95(value: Callable[[NDArray[np.intp]], float], patients: NDArray[np.str_], seed: int = 0) -> list[float]:
    """2.5th and 97.5th percentile of `value` over crops of patients drawn with replacement."""
    rng, names = np.random.default_rng(seed), np.unique(patients)
    rows = {name: np.flatnonzero(patients == name) for name in names}
    draws = [value(np.concatenate([rows[name] for name in rng.choice(names, len(names))])) for _ in range(RESAMPLES)]
    return [float(v) for v in np.percentile(draws, (2.5, 97.5))]


def _part(regions: Regions, model: Path, name: str, encoder: NoduleEncoder, work: Path) -> Part:
    wanted = set((model / f"{name}_patients.txt").read_text("utf-8").split())
    chosen = Regions(tuple(r for r in regions.rows if r.patient in wanted))
    with Gallery.create(
        work / f"gallery-{name}", fingerprint=encoder.fingerprint, folds=1, dims=encoder.dims, reencode=True
    ) as gallery:
        index_regions(chosen, gallery, encoder)
        ids, vectors = gallery.matrix()
        metadata = [item.metadata for item in gallery.items(ids.tolist())]
    measured, read_mm = (np.array([m[key] for m in metadata]) for key in ("diameter_mm", "diameter_read_mm"))
    return Part(np.array(vectors), measured, read_mm, np.array([m["patient"] for m in metadata]))


def _unseen(count: int, seed: int) -> list[Prompt]:
    known = {prompt.text for prompt in prompts(count, seed)}
    return [prompt for prompt in prompts(4 * GENERATED, seed + 1000)[len(PUBLISHED) :] if prompt.text not in known]


def _answered(some: Sequence[Prompt], diameters_mm: Floats) -> list[Prompt]:
    return [p for p in some if int(p.interval.contains(diameters_mm).sum()) >= K]


def _tuned(val: Asked) -> dict[str, float]:
    def value(name: str) -> Callable[[float], float]:
        return lambda alpha: float(precision_at(fuse(val.cosine, val.rule[name], alpha), val.relevant, K).mean())

    return {name: best_alpha(value(name)) for name in val.rule}


def _rows(name: str, asked: Asked, alphas: dict[str, float]) -> list[dict[str, Any]]:
    intervals, sizes = [p.interval for p in asked.prompts], asked.part.measured_mm
    rows = []
    for system, scores in asked.systems(alphas).items():
        low, high = interval95(
            lambda some, s=scores: float(precision_at(s[:, some], asked.relevant[:, some], K).mean()),
            asked.part.patients,
        )
        p10 = float(precision_at(scores, asked.relevant, K).mean())
        off = float(distance_at(scores, intervals, sizes, K).mean())
        rows.append(
            {
                "questions": name,
                "n": len(intervals),
                "system": system,
                "p10": p10,
                "low": low,
                "high": high,
                "off_mm": off,
            }
        )
    chance = float(asked.relevant.mean())
    return [
        *rows,
        {**rows[0], "system": "chance", "p10": chance, "low": chance, "high": chance, "off_mm": float("nan")},
    ]


def _figures(
    rows: list[dict[str, Any]], alphas: dict[str, float], test: Part, encoder: NoduleEncoder
) -> dict[str, Any]:
    found = {(row["questions"], row["system"]): row for row in rows}
    error = np.abs(test.read_mm - test.measured_mm)
    fused = found["all", "fused, measured"]
    files = encoder.bundle.manifest.files.values()
    return {
        "cosine_p10": found["all", "cosine"]["p10"],
        "rule_p10": found["all", "rule, measured"]["p10"],
        "fused_p10": fused["p10"],
        "alpha": alphas["measured"],
        "mean_error_mm": fused["off_mm"],
        "cosine_bins_p10": found["three bins", "cosine"]["p10"],
        "alpha_read": alphas["read"],
        "diameter_read_error_mm": float(error.mean()),
        "diameter_constant_error_mm": float(np.abs(np.median(test.measured_mm) - test.measured_mm).mean()),
        "diameter_correlation": float(np.corrcoef(test.read_mm, test.measured_mm)[0, 1]),
        "test_crops": len(error),
        "test_patients": len(np.unique(test.patients)),
        "bundle_mb": sum(entry.size_bytes for entry in files) / 1e6,
        "rows": [row | {"off_mm": None if np.isnan(row["off_mm"]) else row["off_mm"]} for row in rows],
    }


def _validation(args: argparse.Namespace, data: Path, model: Path) -> dict[str, dict[str, float]]:
    """Validation P@10 of the run and, with --ablate, of two that see something else."""
    runs = {"outline hidden": model}
    if args.ablate:
        for name, options in (("outline drawn", ["--draw-contour"]), ("published roi", ["--roi", "published"])):
            runs[name] = args.work / f"run-{name.replace(' ', '-')}"
            run_module("train", "nodule", "--data", data, "--out", runs[name], *options)
    keys = ("p10", "mean_error_mm")
    read_figures = {name: json.loads((path / "figures.json").read_text("utf-8")) for name, path in runs.items()}
    return {name: {key: figures[key] for key in keys} for name, figures in read_figures.items()}
