"""`python -m export ent RUN --out BUNDLE`: the field with its RK4 steps baked, the tower by hash, a certificate."""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from runtime.bundle import FIELD_MODEL, IMAGE_MODEL, Bundle, Manifest
from runtime.dataset import Dataset, read_dataset
from runtime.ensemble import stack_folds
from runtime.ent.flow import SYSTEM, FlowGraph
from runtime.errors import DatasetError, KgerError
from runtime.files import atomic_path
from runtime.images import RgbImage, read_image
from runtime.sessions import open_session
from train.ent.backends import Backend, BundleTower, open_backend
from train.ent.command import trained_flow
from train.ent.recipe import EntRecipe
from train.runs import Run

from .ent_certificate import certify_flow, certify_single, certify_tower
from .ent_graphs import TowerGraph, compose, write_flow_graph
from .graphs import write_image_graph

ROWS, IMAGES = 64, 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("run", type=Path, help="folder that `python -m train ent` wrote")
    parser.add_argument("--out", type=Path, required=True, help="where the bundle goes")
    parser.add_argument("--data", type=Path, help="data set for the certificate (default: the run's own)")
    parser.add_argument("--single-graph", type=Path, metavar="FILE", help="tower, field and RK4 as one ONNX file, too")


def run(args: argparse.Namespace) -> int:
    """Exports; prints the certificate's figures."""
    bundle = export_ent(Run(args.run), args.out, data=args.data, single_graph=args.single_graph)
    report = bundle.manifest.certificate["fp32"]
    worst = max(report["field_max_abs_difference"].values())
    print(f"field: largest difference to torch {worst:.1e} over 0, 1 and 10 RK4 steps and the path")  # noqa: T201
    if "single_graph_max_abs_difference" in report:
        print(f"{args.single_graph}: difference {report['single_graph_max_abs_difference']:.1e}")  # noqa: T201
    own = sum(entry.size_bytes for entry in bundle.manifest.files.values() if "/" not in entry.path)
    print(f"{bundle.folder}: adds {own / 1e6:.2f} MB, fingerprint {bundle.manifest.fingerprint[:12]}")  # noqa: T201
    return 0


def export_ent(run: Run, out: Path, *, data: Path | None = None, single_graph: Path | None = None) -> Bundle:
    """Writes the bundle of a finished run to `out`; raises BundleError where the certificate fails.

    A tower that a bundle beside `out` stores is pointed to by its hash; any other is copied or exported.
    """
    settings = run.settings("ent")
    recipe = EntRecipe.from_json(settings["recipe"])
    flow, backend = trained_flow(run, recipe), open_backend(recipe)
    dataset = read_dataset(data or Path(settings["data"]["path"]), **settings["data"]["columns"])
    images = _probe(dataset)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        field = work / FIELD_MODEL
        write_flow_graph(flow, field)
        tower, folds, fp32 = _tower(backend, images, work)
        rows = _tower_rows(tower, backend, images)
        fp32 |= certify_flow(FlowGraph(field, provider="cpu"), flow, spread(rows, ROWS))
        if single_graph is not None:
            with atomic_path(single_graph) as part:
                compose(tower, field, folds, part)
                pixels = backend.preprocessing(images)
                fp32 |= certify_single(part, pixels, FlowGraph(field, provider="cpu"), rows)
        manifest = _manifest(settings, recipe, backend, folds, fp32)
        if isinstance(backend, BundleTower):
            return Bundle.write(out, manifest, {FIELD_MODEL: field}, shared={IMAGE_MODEL: tower})
        return Bundle.write(out, manifest, {FIELD_MODEL: field, IMAGE_MODEL: tower})


def spread(rows: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """(count, D) unit rows: the given ones and seeded random directions, on which the field was never trained."""
    random = np.random.default_rng(seed).standard_normal((max(0, count - len(rows)), rows.shape[1]))
    random /= np.linalg.norm(random, axis=1, keepdims=True)
    return np.concatenate([rows, random.astype(np.float32)])[:count]


def _probe(dataset: Dataset, seed: int = 0) -> list[RgbImage]:
    """A seeded sample of the readable pictures."""
    pictures: list[RgbImage] = []
    for i in np.random.default_rng(seed).permutation(len(dataset.records)):
        if len(pictures) == IMAGES:
            break
        try:
            pictures.append(read_image(dataset.records[i].path))
        except KgerError:
            continue
    if not pictures:
        raise DatasetError(f"{dataset.root}: the certificate needs readable images")
    return pictures


def _tower(backend: Backend, images: list[RgbImage], work: Path) -> tuple[Path, int, dict[str, Any]]:
    """The tower's graph, its folds, and its part of the certificate."""
    if isinstance(backend, BundleTower):
        # its own certificate stands in its own bundle; the hash says that it is the same file
        stated = backend.bundle.manifest.certificate.get("fp32", {}).get("image_max_abs_difference", [])
        return backend.bundle.path(IMAGE_MODEL), backend.bundle.manifest.folds, {"image_max_abs_difference": stated}
    path = work / IMAGE_MODEL
    write_image_graph(TowerGraph(backend), backend.preprocessing.size, path)
    return path, 1, certify_tower(path, backend, images)


def _tower_rows(tower: Path, backend: Backend, images: list[RgbImage]) -> np.ndarray:
    session = open_session(tower, provider="cpu")
    vectors = session.run(["embeddings"], {"pixel_values": backend.preprocessing(images)})[0]
    return stack_folds(vectors)


def _manifest(
    settings: dict[str, Any], recipe: EntRecipe, backend: Backend, folds: int, fp32: dict[str, Any]
) -> Manifest:
    S, D = backend.preprocessing.size, backend.width
    tower = {"key": backend.key}
    if isinstance(backend, BundleTower):  # a gallery of that bundle holds the very rows that the field moves
        tower["fingerprint"] = backend.bundle.manifest.fingerprint
    shown = settings["recipe"] | ({"weights": Path(recipe.weights).name} if recipe.weights else {})
    return Manifest(
        system=SYSTEM,
        recipe=f"{recipe.backend}, {recipe.mining}, {recipe.target}",
        precision=backend.bundle.manifest.precision if isinstance(backend, BundleTower) else "fp32",
        folds=folds,
        dims=D // folds,
        max_tokens=0,
        preprocessing=backend.preprocessing,
        inputs={
            IMAGE_MODEL: {"pixel_values": ["N", 3, S, S], "dtype": "float32"},
            FIELD_MODEL: {"vectors": ["N", D], "dtype": "float32"},
        },
        outputs={
            "embeddings": ["N", folds, D // folds],
            "step_0, step_1, step_10": ["N", D],
            "path": ["N", 11, D],
            "dtype": "float32",
        },
        certificate={"fp32": fp32},
        training={
            "recipe": shown,
            "split": settings["split"],
            "data_fingerprint": settings["data"]["fingerprint"],
            "tower": tower,
            "classes": settings["classes"]["classes"],
        },
        licences=image_licences(backend),
    )


def image_licences(backend: Backend) -> dict[str, str]:
    """The licences of the tower alone: a text tower that stands beside it is not part of this bundle."""
    return {what: licence for what, licence in backend.licences.items() if "text" not in what}
