"""Graphs of every way to adapt, with K folds each, against each fold's own torch module; what is equal stands once."""

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import onnx  # noqa: E402  after the skip
from torch import Tensor  # noqa: E402  after the skip

from export.certificate import Towers, certify_fp32  # noqa: E402
from export.compact import stacked_parts  # noqa: E402
from export.graphs import ImageGraph, TextGraph, write_image_graph, write_text_graph  # noqa: E402
from export.parts import Parts, torch_towers  # noqa: E402
from export.shared_weights import sharing  # noqa: E402
from runtime.errors import BundleError  # noqa: E402
from runtime.sessions import open_session  # noqa: E402
from train.adapt import Adapt  # noqa: E402
from train.dinov2 import dinov2  # noqa: E402
from train.fit import CompactFolds  # noqa: E402
from train.fold_layers import load_stacked, mean_of_folds, stack_folds  # noqa: E402
from train.minilm import MiniLm  # noqa: E402
from train.recipes import CompactRecipe  # noqa: E402
from train.tower_folds import TowerFolds  # noqa: E402
from train.vit import Vit  # noqa: E402

from ..train.tiny_trunks import HUGE_VOCABULARY, restless, tiny_bert, tiny_vit, tower  # noqa: E402

pytestmark = pytest.mark.torch
B, K, SIZE = 3, 3, 32
# on two blocks: the exporter's time goes by the number of operations
KINDS = {
    "heads": (Adapt("heads"), {"hidden": 0}),
    "readout": (Adapt("readout", 2, 3), {}),
    "readout with a full key of its own": (Adapt("readout", 1, 0), {"own_key": True, "skip": False}),
    "lora": (Adapt("lora", 2, 3), {}),
    "unfreeze": (Adapt("unfreeze", 1), {}),
}
# the text tower's read-out is the tiny bundle's (test_graphs.py), the image tower's heads are on the real ViT below
CASES = [
    (name, kind)
    for name in ("text", "image")
    for kind in KINDS
    if (name, kind) not in {("text", "readout"), ("image", "heads")}
]
Inputs = dict[str, np.ndarray]


def inputs_of(trunk: MiniLm | Vit) -> Inputs:
    rng = np.random.default_rng(0)
    if isinstance(trunk, Vit):
        return {"pixel_values": rng.normal(size=(B, 3, SIZE, SIZE)).astype(np.float32)}
    mask = (np.arange(9) < np.array([9, 4, 2])[:, None]).astype(np.int64)  # some rows are padded
    return {"input_ids": rng.integers(1, 5000, (B, 9)) * mask, "attention_mask": mask}


def singles_of(trunk: MiniLm | Vit, adapt: Adapt, folds: int = K, **options: object) -> list[TowerFolds]:
    """Folds as far apart as long training leaves them."""
    return [restless(tower(trunk, adapt, 1, **options), seed) for seed in range(folds)]


def write_stacked(trunk: MiniLm | Vit, singles: Sequence[TowerFolds], path: Path, **options: object) -> None:
    state = stack_folds([single.state_dict() for single in singles])
    stacked = load_stacked(tower(trunk, singles[0].adapt, len(singles), **options), state).requires_grad_(False)
    if isinstance(trunk, Vit):
        write_image_graph(ImageGraph(trunk, stacked, len(singles)), SIZE, path)
    else:
        write_text_graph(TextGraph(trunk, stacked, len(singles)), path)


def answer(path: Path, inputs: Inputs) -> np.ndarray:
    return open_session(path, provider="cpu", threads=1).run(["embeddings"], inputs)[0]


def one_by_one(trunk: MiniLm | Vit, single: TowerFolds, inputs: Inputs) -> np.ndarray:
    """A fold's vectors (B, D) by torch, each input alone and without padding."""
    rows = []
    for i in range(B):
        row = [torch.from_numpy(part[i : i + 1]) for part in inputs.values()]
        if isinstance(trunk, MiniLm):
            row = [part[:, : int(row[1].sum())] for part in row]
        with torch.inference_mode():
            rows.append(single(trunk.stream(*row, single.adapt))[0, 0].numpy())
    return np.stack(rows)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_one_graph_gives_every_folds_own_vectors(tmp_path, name, kind):
    trunk = tiny_bert(depth=2) if name == "text" else tiny_vit(depth=2)
    adapt, options = KINDS[kind]
    singles, inputs = singles_of(trunk, adapt, **options), inputs_of(trunk)
    write_stacked(trunk, singles, tmp_path / "graph.onnx", **options)
    out = answer(tmp_path / "graph.onnx", inputs)
    assert out.shape == (B, K, 8)
    for k, single in enumerate(singles):
        np.testing.assert_allclose(out[:, k], one_by_one(trunk, single, inputs), rtol=0, atol=1e-5)
    # the comparison means something: folds and inputs lie far apart against the limit of 1e-5
    assert np.abs(out[:, 0] - out[:, 1]).max() > 0.05
    assert np.abs(out[0] - out[1]).max() > 0.005


def test_identical_folds_stand_and_are_computed_once_and_are_given_k_times(tmp_path):
    trunk = tiny_bert(depth=2)
    (single,) = singles_of(trunk, Adapt("readout", 1, 3), 1)
    write_stacked(trunk, [copy.deepcopy(single) for _ in range(K)], tmp_path / "same.onnx")
    out = answer(tmp_path / "same.onnx", inputs_of(trunk))
    assert out.shape == (B, K, 8)
    assert all(np.array_equal(out[:, 0], out[:, k]) for k in range(K))
    np.testing.assert_allclose(out[:, 0], one_by_one(trunk, single, inputs_of(trunk)), rtol=0, atol=1e-5)
    shapes = [list(tensor.dims) for tensor in onnx.load(tmp_path / "same.onnx").graph.initializer]
    assert [1, 96, 16] in shapes, "the head's hidden layer"
    assert not [shape for shape in shapes if len(shape) == 3 and shape[0] == K]


def test_the_real_vit_at_224_px_is_timms_with_its_positions_baked(tmp_path):
    """The 518 px positions, resampled by timm, stand in the file: onnxruntime gives what timm gives at 224 px."""
    model = restless(dinov2(224, "random", 0).requires_grad_(False), 0, 0.02)
    model.pos_embed.mul_(5)  # a wrong or missing position would show
    trunk = Vit.from_timm(model)
    heads = restless(tower(trunk, Adapt("heads"), 2), 1).requires_grad_(False)
    write_image_graph(ImageGraph(trunk, heads, 2), 224, tmp_path / "image.onnx")
    pixels = np.random.default_rng(0).normal(size=(2, 3, 224, 224)).astype(np.float32)

    def timms() -> np.ndarray:
        with torch.inference_mode():
            cls = model.forward_features(torch.from_numpy(pixels))[:, 0]
            return heads.head(cls[None]).transpose(0, 1).numpy()

    out = answer(tmp_path / "image.onnx", {"pixel_values": pixels})
    np.testing.assert_allclose(out, timms(), rtol=0, atol=1e-5)
    model.pos_embed.copy_(model.pos_embed.flip(1))
    assert np.abs(out - timms()).max() > 1e-3, "positions that do not matter would prove nothing"


# What `stacked_parts` hands to the exporter, in torch

TEXTS = ["ear", "a left tympanic membrane with a central perforation", "mũi phải có dịch mủ"]
IMAGES = [np.random.default_rng(seed).integers(0, 256, (60, 80, 3), np.uint8) for seed in range(2)]
Trunks = tuple[MiniLm, Vit]


@pytest.fixture(scope="module")
def trunks() -> Trunks:
    return tiny_bert(vocabulary=HUGE_VOCABULARY), tiny_vit(size=224, patch=56)


def recipe_of(adapt: str, **settings: object) -> CompactRecipe:
    own = {"image_trunk": "dinov2-s", "image_weights": "random", "rank": 3, "hidden": 16, "dims": 8}
    return CompactRecipe(text_adapt=adapt, image_adapt=adapt, **(own | settings))


def fold_states(trunks: Trunks, recipe: CompactRecipe, folds: int = K) -> list[dict[str, Tensor]]:
    return [restless(CompactFolds(*trunks, recipe), seed).state_dict() for seed in range(folds)]


def stacked_towers(parts: Parts) -> Towers:
    """The stacked graphs as they are before export."""
    rest = parts.tokenizer_folder, parts.max_tokens, parts.preprocessing
    return torch_towers(parts.text_graph, parts.image_graph, *rest)


@pytest.mark.parametrize("adapt", ["heads", "readout:2", "lora:2", "unfreeze:2"])
def test_stacked_parts_are_the_references(trunks, adapt):
    recipe = recipe_of(adapt)
    parts = stacked_parts(recipe, *trunks, fold_states(trunks, recipe))
    report = certify_fp32(stacked_towers(parts), parts.references, TEXTS, IMAGES)  # raises above 1e-5
    assert len(report["text_max_abs_difference"]) == len(report["image_max_abs_difference"]) == K
    with pytest.raises(BundleError, match="text tower of fold 0 differs"):
        certify_fp32(stacked_towers(parts), parts.references[::-1], TEXTS, IMAGES)


def test_folds_with_one_image_tower_and_their_own_text_towers_share_it(trunks):
    recipe = recipe_of("readout:2")
    first, *others = fold_states(trunks, recipe)
    images = {name: tensor for name, tensor in first.items() if name.startswith("image.")}
    parts = stacked_parts(recipe, *trunks, [first, *(state | images for state in others)])
    certify_fp32(stacked_towers(parts), parts.references, TEXTS, IMAGES)
    assert {parameter.shape[0] for parameter in parts.image_graph.towers.parameters()} == {1}
    assert {parameter.shape[0] for parameter in parts.text_graph.towers.parameters()} == {K}
    assert stacked_towers(parts).images(IMAGES).shape == (2, K, 8)
    image, text = parts.shared["image"], parts.shared["text"]
    assert (image["tensors_of_each_fold"], image["bytes_of_each_fold"]) == (0, 0)
    assert text["tensors_of_each_fold"] == sum(name.startswith("text.") for name in first)


def test_sharing_counts_what_is_equal_in_all_folds_and_what_is_not():
    frozen = {"trunk": torch.zeros(10, 10), "statistic": torch.zeros(3, dtype=torch.int64)}
    states = [{"same": torch.ones(1, 5), "own": torch.full((1, 7), float(k)), "last": torch.ones(2)} for k in (0, 1)]
    states[1]["last"][1] = 2
    assert sharing(frozen, states) == {
        "shared_tensors": 3,
        "shared_bytes": 100 * 4 + 3 * 8 + 5 * 4,
        "tensors_of_each_fold": 2,
        "bytes_of_each_fold": 7 * 4 + 2 * 4,
    }


def test_the_parts_say_what_folds_own_and_where_the_weights_are_from(trunks):
    recipe, (text, image) = recipe_of("unfreeze:1", hidden=0), trunks
    parts = stacked_parts(recipe, *trunks, fold_states(trunks, recipe, 2))
    assert (parts.shared["text_adapt"], parts.shared["image_adapt"]) == ("unfreeze:1", "unfreeze:1")
    assert parts.shared["image_weights"] == "random, not pretrained"
    assert not any("DINO" in name for name in parts.licences), "none of its weights are in the file"
    assert parts.shared["text"]["shared_tensors"] == len(text.state_dict())
    assert parts.shared["image"]["shared_tensors"] == len(image.state_dict())
    assert parts.shared["text"]["tensors_of_each_fold"] == 16 + 4, "a block's six maps and two norms; norm and head"
    assert parts.shared["image"]["tensors_of_each_fold"] == 16 + 4 + 2, "the final norm, too"
    recipe = recipe_of("heads", image_weights="hub")
    parts = stacked_parts(recipe, *trunks, fold_states(trunks, recipe, 2))
    assert parts.shared["image_weights"] == "pretrained (DINOv2)"
    assert any("DINO" in name for name in parts.licences)


def test_a_soup_is_one_fold_with_the_mean_of_the_weights(trunks):
    recipe = recipe_of("readout:2", start="shared")
    states = fold_states(trunks, recipe)
    parts = stacked_parts(recipe, *trunks, [mean_of_folds(states)])
    one = CompactFolds(*trunks, recipe).eval()
    one.load_state_dict({name: sum(state[name] for state in states) / K for name in states[0]})
    rest = parts.tokenizer_folder, parts.max_tokens, parts.preprocessing
    expected = torch_towers(
        lambda ids, mask: one.text(trunks[0].stream(ids, mask, recipe.text)).transpose(0, 1),
        lambda pixels: one.image(trunks[1].stream(pixels, recipe.image)).transpose(0, 1),
        *rest,
    )
    certify_fp32(stacked_towers(parts), [expected], TEXTS, IMAGES)
    assert stacked_towers(parts).texts(TEXTS).shape == (3, 1, 8)
