"""The published towers: which parameters are unlocked, and where their weights come from."""

import re
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import huggingface_hub  # noqa: E402  after the skip
from safetensors.torch import save_file  # noqa: E402

from runtime.errors import BundleNotFoundError  # noqa: E402
from train.dinov2 import load_image_weights  # noqa: E402
from train.frozen import frozen_sha256  # noqa: E402
from train.minilm import MiniLm, package_folder  # noqa: E402
from train.paper_recipe import PaperRecipe  # noqa: E402
from train.paper_towers import build_towers, text_folder, trained_weights  # noqa: E402

pytestmark = pytest.mark.torch

RANDOM = PaperRecipe(image_weights="random")
TRAINED = re.compile(
    r"visual\.trunk\.(blocks\.(8|9|10|11)|norm)\..*|visual\.head\.proj\..*"
    r"|text\.transformer\.encoder\.layer\.[2345]\..*|text\.proj\..*"
)


@pytest.fixture(scope="module")
def towers() -> torch.nn.Module:
    return build_towers(RANDOM)


def test_exactly_the_published_parameters_are_unlocked(towers: torch.nn.Module) -> None:
    names = {name for name, _ in towers.named_parameters()}
    assert set(trained_weights(towers)) == {name for name in names if TRAINED.fullmatch(name)}
    assert sum(weight.numel() for weight in trained_weights(towers).values()) == pytest.approx(14.25e6, rel=0.01)


def test_both_towers_give_unit_vectors_of_64(towers: torch.nn.Module) -> None:
    with torch.inference_mode():
        image, text, _ = towers(torch.rand(2, 3, 224, 224), torch.tensor([[101, 4540, 102], [101, 102, 0]]))
    assert image.shape == text.shape == (2, 64)
    assert torch.allclose(image.norm(dim=1), torch.ones(2))
    assert torch.allclose(text.norm(dim=1), torch.ones(2))


def test_text_is_the_cls_token_of_the_last_layer_of_the_real_minilm(towers: torch.nn.Module) -> None:
    ids = torch.tensor([[101, 2157, 15112, 17867, 102]])
    with torch.inference_mode():
        token = MiniLm.load(package_folder())(ids, torch.ones_like(ids))[:, 0]
        assert torch.allclose(towers.text(ids), towers.text.proj(token), atol=1e-5)


@pytest.fixture(scope="module")
def twin() -> torch.nn.Module:
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    built = build_towers(RANDOM)
    assert torch.equal(torch.rand(3), expected)  # building leaves torch's generator alone
    return built


def test_the_same_recipe_gives_the_same_random_tower(towers: torch.nn.Module, twin: torch.nn.Module) -> None:
    assert frozen_sha256(twin) == frozen_sha256(towers)
    theirs = trained_weights(towers)
    assert all(torch.equal(weight, theirs[name]) for name, weight in trained_weights(twin).items())


def test_a_checkpoint_file_is_read_and_a_foreign_one_named(
    towers: torch.nn.Module, twin: torch.nn.Module, tmp_path: Path
) -> None:
    trunk = towers.visual.trunk
    good, bad = tmp_path / "dinov2.safetensors", tmp_path / "other.safetensors"
    moved = {name: weight.clone() + 0.5 for name, weight in trunk.state_dict().items()}
    save_file(moved | {"mask_token": torch.zeros(1, 384)}, good)  # as the original checkpoint has it
    save_file({"weight": torch.zeros(3)}, bad)
    load_image_weights(twin.visual.trunk, str(good))
    assert torch.equal(twin.visual.trunk.blocks[3].mlp.fc1.weight, trunk.blocks[3].mlp.fc1.weight + 0.5)
    with pytest.raises(BundleNotFoundError, match="not the weights of DINOv2"):
        load_image_weights(twin.visual.trunk, str(bad))
    with pytest.raises(BundleNotFoundError, match="no such file"):
        load_image_weights(twin.visual.trunk, str(tmp_path / "absent.pth"))


def test_without_a_hub_the_message_says_what_to_give(
    towers: torch.nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(BundleNotFoundError, match="--image-weights FILE"):
        load_image_weights(towers.visual.trunk, "hub")
    with pytest.raises(BundleNotFoundError, match="--text-weights FOLDER"):
        text_folder("sentence-transformers/all-MiniLM-L6-v2")


def test_a_text_folder_needs_its_three_files(tmp_path: Path) -> None:
    assert text_folder(str(package_folder())) == package_folder()
    with pytest.raises(BundleNotFoundError, match=r"config\.json"):
        text_folder(str(tmp_path))
