"""The ent path by its command lines: train, export with certificate, single graph, the runtime against torch."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from export.ent import export_ent  # noqa: E402  after the skip
from export.ent_certificate import certify_flow  # noqa: E402
from runtime.bundle import Bundle  # noqa: E402
from runtime.dataset import read_dataset  # noqa: E402
from runtime.encoder import DualEncoder  # noqa: E402
from runtime.ensemble import stack_folds  # noqa: E402
from runtime.ent.flow import FlowGraph  # noqa: E402
from runtime.errors import BundleError, DatasetError  # noqa: E402
from runtime.images import read_image  # noqa: E402
from runtime.sessions import open_session  # noqa: E402
from train.ent.command import trained_flow  # noqa: E402
from train.ent.recipe import EntRecipe  # noqa: E402
from train.runs import Run  # noqa: E402

from ..conftest import run_module  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]


@pytest.fixture(scope="module")
def ent_run(phantoms: Path, tiny_bundle: Path, tiny_cache: Path) -> Path:
    """One epoch on the tiny bundle's tower; the run lies beside that bundle."""
    run = tiny_bundle.with_name("ent-run")
    options = ("--weights", tiny_bundle, "--epochs", 1, "--threads", 2, "--cache", tiny_cache)
    done = run_module("train", "ent", "--data", phantoms, "--out", run, *options)
    assert done.returncode == 0, done.stderr
    assert "step 10  exact" in done.stdout
    return run


@pytest.fixture(scope="module")
def exported(ent_run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The bundle, beside the tiny kger bundle, and the single graph, by the command line."""
    single = tmp_path_factory.mktemp("single") / "ent.onnx"
    bundle = ent_run.with_name("ent-bundle")
    done = run_module("export", "ent", ent_run, "--out", bundle, "--single-graph", single)
    assert done.returncode == 0, done.stderr
    assert "field: largest difference to torch" in done.stdout
    return bundle, single


def test_the_split_is_kept_in_the_run_and_the_test_parts_table_beside_it(ent_run, phantoms):
    split = json.loads((ent_run / "split.json").read_text("utf-8"))
    patients = {record.file: record.group for record in read_dataset(phantoms).records}
    sides = [{patients[file] for file in split[part]} for part in ("train", "val", "test")]
    assert sum(map(len, sides)) == len(set.union(*sides))
    figures = json.loads((ent_run / "test.json").read_text("utf-8"))
    assert figures["images"] == len(split["test"])
    assert {"exact", "type"} <= set(figures["step 10"]["senses"]), "six pictures need not share a finding"


def test_the_bundle_points_to_the_tower_by_its_hash_and_carries_its_certificate(exported, tiny_bundle):
    bundle = Bundle.open(exported[0])
    tower = Bundle.open(tiny_bundle).manifest
    assert bundle.manifest.files["image.onnx"].path == f"../{tiny_bundle.name}/image.onnx"
    assert bundle.manifest.files["image.onnx"].sha256 == tower.files["image.onnx"].sha256
    assert bundle.manifest.training["tower"]["fingerprint"] == tower.fingerprint
    assert sorted(path.name for path in exported[0].iterdir()) == ["field.onnx", "manifest.json"]
    differences = bundle.manifest.certificate["fp32"]["field_max_abs_difference"]
    assert set(differences) == {"step_0", "step_1", "step_10", "path"}
    assert max(differences.values()) <= 1e-5


def test_tower_field_and_rk4_in_one_graph_give_what_the_two_give(exported, phantoms):
    bundle = Bundle.open(exported[0])
    encoder = DualEncoder(bundle, threads=2)
    images = [read_image(record.path) for record in read_dataset(phantoms).records[:3]]
    rows = stack_folds(encoder.encode_images(images))
    session = open_session(exported[1], provider="cpu")
    outputs = session.run(["step_0", "step_10"], {"pixel_values": bundle.manifest.preprocessing(images)})
    flow = FlowGraph.of(bundle)
    for given, steps in zip(outputs, (0, 10), strict=True):
        np.testing.assert_allclose(given, flow.transform(rows, steps), atol=1e-5)


def test_a_field_that_differs_from_torch_is_refused(ent_run, exported):
    flow = trained_flow(Run(ent_run), EntRecipe.from_json(Run(ent_run).settings()["recipe"]))
    graph = FlowGraph.of(Bundle.open(exported[0]), provider="cpu")
    rows = np.eye(4, graph.width, dtype=np.float32)
    assert certify_flow(graph, flow, rows)["rows"] == 4
    with torch.no_grad():
        flow.field.skip.add_(0.01)
    with pytest.raises(BundleError, match="differs from torch"):
        certify_flow(graph, flow, rows)


def test_a_folder_without_a_run_is_a_sentence(tmp_path):
    with pytest.raises(DatasetError, match="python -m train ent"):
        export_ent(Run(tmp_path), tmp_path / "bundle")
