"""Our ViT is timm's: the same numbers with layer scales, another image size, and the real ViT-S/14."""

import copy

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  after the skip

from train.adapt import Adapt  # noqa: E402
from train.dinov2 import dinov2  # noqa: E402
from train.vit import Vit  # noqa: E402

from .tiny_trunks import DEPTH, WIDTH, restless, tiny_timm  # noqa: E402

pytestmark = pytest.mark.torch
HEADS = Adapt("heads")


def pixels(size: int, batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(0))


def check_all_tokens(model: nn.Module, size: int, atol: float) -> None:
    trunk, x = Vit.from_timm(model), pixels(size)
    with torch.inference_mode():
        theirs = model.forward_features(x)
        ours = trunk.embed(x)
        for layer in trunk.layers:
            ours = layer(ours)
        torch.testing.assert_close(trunk.norm(ours), theirs, rtol=0, atol=atol)
        torch.testing.assert_close(trunk.stream(x, HEADS).pooled, theirs[:, 0], rtol=0, atol=atol)
        torch.testing.assert_close(theirs[:, 0], model(x), rtol=0, atol=0)
    assert (theirs[0, 0] - theirs[1, 0]).abs().max() > 100 * atol, "images that look alike would prove little"


def test_every_token_is_timms_layer_scales_included():
    model = tiny_timm()
    assert model.blocks[0].ls1.gamma.std() > 0.05
    check_all_tokens(model, 32, 1e-5)


def test_blocks_without_layer_scales_are_taken_too():
    model = tiny_timm()
    for block in model.blocks:
        block.ls1 = block.ls2 = nn.Identity()
    check_all_tokens(model, 32, 1e-5)


def test_positions_of_another_size_are_timms():
    model = tiny_timm()
    before = model.pos_embed.clone()
    model.set_input_size((48, 48))
    assert model.pos_embed.shape[1] == 37 > before.shape[1]
    check_all_tokens(model, 48, 1e-5)


def test_the_real_shape_at_224_px_is_timms():
    """2e-5, since values of 12 blocks at 384-d reach about 4, where float32 steps by 5e-7 and sums add up."""
    model = restless(dinov2(224, "random", 3).requires_grad_(False), 3, 0.02)
    assert (len(model.blocks), model.embed_dim, model.pos_embed.shape[1]) == (12, 384, 257)
    check_all_tokens(model, 224, 2e-5)


def test_the_same_seed_gives_the_same_random_tower_and_another_one_others():
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    a, b = (dinov2(224, "random", seed).state_dict() for seed in (1, 1))
    assert torch.equal(torch.rand(2), expected), "building leaves torch's generator alone"
    assert all(torch.equal(tensor, b[name]) for name, tensor in a.items())
    assert all(gamma.eq(1).all() for name, gamma in a.items() if name.endswith(".gamma"))


def test_a_shared_prefix_is_the_first_blocks():
    model, x = tiny_timm(), pixels(32)
    trunk = Vit.from_timm(model, 2)
    assert len(trunk.layers) == 2
    with torch.inference_mode():
        ours = trunk.layers[1](trunk.layers[0](trunk.embed(x)))
        theirs = model.blocks[1](model.blocks[0](trunk.embed(x)))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def test_the_twin_is_frozen_and_in_eval_mode_and_its_blocks_are_copies():
    model = tiny_timm()
    before = copy.deepcopy(model.state_dict())
    trunk = Vit.from_timm(model)
    assert not trunk.training
    assert not any(parameter.requires_grad for parameter in trunk.parameters())
    assert (trunk.width, len(trunk.layers)) == (WIDTH, DEPTH)
    with torch.no_grad():
        for parameter in trunk.layers.parameters():
            parameter.add_(1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
