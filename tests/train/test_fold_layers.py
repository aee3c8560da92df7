"""Folds side by side are the same folds one by one, written with torch's own layers."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  after the skip
from torch.nn.functional import gelu, layer_norm, linear, normalize  # noqa: E402

from train.fold_layers import FoldLinear, FoldNorm, Head, LowRankDelta, stack_folds  # noqa: E402

pytestmark = pytest.mark.torch
K, B, D, F = 3, 5, 8, 6


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def randomised(module: nn.Module) -> nn.Module:
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    return module


@pytest.mark.parametrize("shared", [True, False])
def test_a_fold_linear_is_one_linear_layer_per_fold(shared):
    layer, x = randomised(FoldLinear(K, D, F)), torch.randn(1 if shared else K, B, D)
    out = layer(x)
    assert out.shape == (K, B, F)
    for k in range(K):
        expected = linear(x[0 if shared else k], layer.weight[k].T, layer.bias[k, 0])
        torch.testing.assert_close(out[k], expected)


@pytest.mark.parametrize("shared", [True, False])
def test_a_fold_norm_is_one_layer_norm_per_fold(shared):
    layer, x = randomised(FoldNorm(K, D)), torch.randn(1 if shared else K, B, D)
    for k in range(K):
        expected = layer_norm(x[0 if shared else k], (D,), layer.weight[k, 0], layer.bias[k, 0])
        torch.testing.assert_close(layer(x)[k], expected)


def test_a_low_rank_delta_is_nothing_at_first_and_two_products_later():
    layer, x = LowRankDelta(K, D, F, rank=2), torch.randn(1, B, D)
    assert not layer(x).any()
    assert layer(x).shape == (K, B, F)
    randomised(layer)
    for k in range(K):
        torch.testing.assert_close(layer(x)[k], x[0] @ (layer.down[k] @ layer.up[k]))


def test_a_head_is_norm_hidden_gelu_out_and_unit_rows():
    head, x = randomised(Head(K, D, 16, 4, dropout=0.5)).eval(), torch.randn(1, B, D)
    out = head(x)
    torch.testing.assert_close(out.norm(dim=-1), torch.ones(K, B))
    for k in range(K):
        h = layer_norm(x[0], (D,), head.norm.weight[k, 0], head.norm.bias[k, 0])
        h = gelu(linear(h, head.hidden.weight[k].T, head.hidden.bias[k, 0]))
        torch.testing.assert_close(out[k], normalize(linear(h, head.out.weight[k].T, head.out.bias[k, 0])))


def test_stacked_folds_give_what_each_fold_gives_alone():
    x = torch.randn(1, B, D)
    singles = [randomised(Head(1, D, 16, 4, 0.0)).eval() for _ in range(K)]
    stacked = Head(K, D, 16, 4, 0.0).eval()
    stacked.load_state_dict(stack_folds([single.state_dict() for single in singles]))
    for k, single in enumerate(singles):
        torch.testing.assert_close(stacked(x)[k], single(x)[0], rtol=0, atol=1e-6)


def test_each_fold_starts_elsewhere():
    head = Head(K, D, 16, 4, 0.0)
    assert not torch.equal(head.hidden.weight[0], head.hidden.weight[1])
