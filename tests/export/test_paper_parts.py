"""Both paper towers in one graph each, against open_clip's own model with each fold's weights."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from export.certificate import certify_fp32  # noqa: E402  after the skip
from export.graphs import write_image_graph, write_text_graph  # noqa: E402
from export.paper import paper_parts  # noqa: E402
from export.parts import Parts, torch_towers  # noqa: E402
from export.shared_weights import shared_prefix  # noqa: E402
from runtime.errors import BundleError, DatasetError  # noqa: E402
from runtime.sessions import open_session  # noqa: E402
from runtime.tokenizer import TextTokenizer  # noqa: E402
from train.fit import FoldResult  # noqa: E402
from train.frozen import frozen_sha256  # noqa: E402
from train.paper_recipe import PaperRecipe  # noqa: E402
from train.paper_towers import build_towers, trained_weights  # noqa: E402
from train.runs import Run  # noqa: E402

pytestmark = pytest.mark.torch

RECIPE = PaperRecipe(image_weights="random", folds=2, crop="none")
TEXTS = ["polyp in the right nose", "vocal cords closed", "ear"]
IMAGES = [np.random.default_rng(seed).integers(0, 256, (60, 80, 3), np.uint8) for seed in range(2)]


def make_run(folder: Path) -> Run:
    """Two folds whose trained weights differ by noise: as far apart as long training, without it."""
    model = build_towers(RECIPE)
    run = Run.start(folder, {"recipe": RECIPE.to_json(), "split": "group", "data": {}})
    (folder / "frozen.json").write_text(json.dumps({"sha256": frozen_sha256(model)}), "utf-8")
    for fold in range(2):
        torch.manual_seed(fold)
        weights = {name: weight + 0.02 * torch.randn_like(weight) for name, weight in trained_weights(model).items()}
        run.save_fold(fold, FoldResult(weights, {"mrr": 0.0}, [{"epoch": 1.0}]))
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("paper") / "run")


@pytest.fixture(scope="module")
def parts(run: Run) -> Parts:
    return paper_parts(run)


@pytest.fixture(scope="module")
def written(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graphs")
    write_text_graph(parts.text_graph, folder / "text.onnx")
    write_image_graph(parts.image_graph, parts.preprocessing.size, folder / "image.onnx")
    return folder


class Graph:
    def __init__(self, parts: Parts, folder: Path) -> None:
        self.parts = parts
        self.tokenizer = TextTokenizer(parts.tokenizer_folder / "tokenizer.json")
        self.text, self.image = (open_session(folder / f"{tower}.onnx", provider="cpu") for tower in ("text", "image"))

    def texts(self, batch: list[str]) -> np.ndarray:
        ids, mask = self.tokenizer(batch)  # padded together; the reference sees one text at a time
        return self.text.run(None, {"input_ids": ids, "attention_mask": mask})[0]

    def images(self, batch: list[np.ndarray]) -> np.ndarray:
        return self.image.run(None, {"pixel_values": self.parts.preprocessing(batch)})[0]


def test_what_is_frozen_stands_once(parts: Parts, written: Path) -> None:
    assert parts.shared["image_blocks_shared"] == "8 of 12"
    assert parts.shared["text_layers_shared"] == "2 of 6"
    assert parts.shared["image_weights"] == "random, not pretrained"
    assert not any("DINO" in name for name in parts.licences)  # none of its weights are in the file
    # ViT-S: a block 7.1 MB, so 8 shared and 2 × 4 own, not 24
    assert 16 * 7.1 < (written / "image.onnx").stat().st_size / 1e6 < 17 * 7.1


def test_every_fold_equals_open_clips_own_model(parts: Parts, written: Path) -> None:
    graph = Graph(parts, written)
    report = certify_fp32(graph, parts.references, TEXTS, IMAGES)
    assert len(report["text_max_abs_difference"]) == 2
    vectors = graph.images(IMAGES)
    assert vectors.shape == (2, 2, 64)
    # the comparison means something: folds and images lie far apart against the limit of 1e-5
    assert np.abs(vectors[:, 0] - vectors[:, 1]).max() > 0.05
    assert np.abs(vectors[0] - vectors[1]).max() > 0.005


def test_a_fold_under_another_name_fails_the_certificate(parts: Parts, written: Path) -> None:
    with pytest.raises(BundleError, match="text tower of fold 0 differs"):
        certify_fp32(Graph(parts, written), parts.references[::-1], TEXTS, IMAGES)


def test_the_first_fold_alone_is_its_own_model(run: Run) -> None:
    alone = paper_parts(run, folds=1)
    rest = alone.tokenizer_folder, alone.max_tokens, alone.preprocessing
    towers = torch_towers(alone.text_graph, alone.image_graph, *rest)
    report = certify_fp32(towers, alone.references, TEXTS, IMAGES)
    assert len(report["image_max_abs_difference"]) == 1
    assert towers.images(IMAGES).shape == (2, 1, 64)


def test_other_frozen_weights_or_a_missing_fold_end_the_export(run: Run, tmp_path: Path) -> None:
    twin = Run.start(tmp_path, run.settings())
    (tmp_path / "frozen.json").write_text(json.dumps({"sha256": "0" * 64}), "utf-8")
    with pytest.raises(DatasetError, match="frozen weights"):
        paper_parts(twin)
    (tmp_path / "frozen.json").write_bytes((run.folder / "frozen.json").read_bytes())
    with pytest.raises(DatasetError, match="not finished"):
        paper_parts(twin)


def test_the_shared_prefix_ends_at_the_first_difference() -> None:
    state = {f"block.{i}.weight": torch.full((2,), float(i)) for i in range(4)}
    parts = [(f"block.{i}.",) for i in range(4)]
    other = state | {"block.2.weight": torch.tensor([2.0, 2.0000002])}
    assert shared_prefix([state, dict(state)], parts) == 4
    assert shared_prefix([state, other], parts) == 2  # block 3 is equal, but its input is not
    assert shared_prefix([state, state | {"block.0.weight": -state["block.0.weight"]}], parts) == 0  # −0 is not 0
