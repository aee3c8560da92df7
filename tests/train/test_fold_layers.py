"""Folds side by side are the same folds one by one, written with torch's own layers."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  after the skip
from torch.nn.functional import gelu, layer_norm, linear, normalize  # noqa: E402

from train.fold_layers import (  # noqa: E402
    FoldLinear,
    FoldNorm,
    Head,
    LowRankDelta,
    load_stacked,
    mean_of_folds,
    stack_folds,
)

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


@pytest.mark.parametrize("shape", [(B, D), (B, 4, D)], ids=["vectors", "tokens"])
def test_copies_of_a_layer_give_what_it_gives(shape):
    x, layer, norm = torch.randn(1, *shape), nn.Linear(D, F), randomised(nn.LayerNorm(D, eps=1e-3))
    for original, copies in ((layer, FoldLinear.like(layer, K)), (norm, FoldNorm.like(norm, K))):
        out = copies(x)
        assert out.shape[:-1] == (K, *shape[:-1])
        assert all(parameter.requires_grad for parameter in copies.parameters())
        for k in range(K):
            torch.testing.assert_close(out[k], original(x[0]))
        before = original.weight.clone()
        with torch.no_grad():
            copies.weight[1].add_(1)
        assert torch.equal(original.weight, before), "a fold's copy is its own"
        torch.testing.assert_close(copies(x)[0], out[0])
        assert not torch.equal(copies(x)[1], out[1])


@pytest.mark.parametrize("layer", [FoldLinear(K, D, F), FoldNorm(K, D), LowRankDelta(K, D, F, 2)], ids=type)
@pytest.mark.parametrize("shared", [True, False])
def test_tokens_are_so_many_rows(layer, shared):
    randomised(layer)
    x = torch.randn(1 if shared else K, B, 4, D)
    expected = layer(x.flatten(1, 2)).unflatten(1, (B, 4))
    torch.testing.assert_close(layer(x), expected)


def test_a_linear_head_is_norm_out_and_unit_rows():
    head, x = randomised(Head(K, D, 0, 4, dropout=0.5)).eval(), torch.randn(1, B, D)
    assert {name.split(".")[0] for name in head.state_dict()} == {"norm", "out"}
    for k in range(K):
        h = layer_norm(x[0], (D,), head.norm.weight[k, 0], head.norm.bias[k, 0])
        torch.testing.assert_close(head(x)[k], normalize(linear(h, head.out.weight[k].T, head.out.bias[k, 0])))


def test_what_is_bit_identical_in_every_fold_is_stacked_once():
    states = [{"same": torch.ones(1, 2), "other": torch.full((1, 2), float(k))} for k in range(K)]
    states[2]["nearly"] = torch.tensor([[1.0000001]])
    states[0]["nearly"] = states[1]["nearly"] = torch.tensor([[1.0]])
    stacked = stack_folds(states)
    assert stacked["same"].tolist() == [[1, 1]]
    assert stacked["other"].tolist() == [[0, 0], [1, 1], [2, 2]]
    assert stacked["nearly"].shape == (K, 1)


def test_folds_that_share_a_layer_hold_it_once_and_give_the_same():
    x, first = torch.randn(1, B, D), randomised(Head(1, D, 16, 4, 0.0)).eval()
    singles = [randomised(Head(1, D, 16, 4, 0.0)).eval() for _ in range(K)]
    for single in singles:
        single.norm.load_state_dict(first.norm.state_dict())
        single.hidden.load_state_dict(first.hidden.state_dict())
    stacked = load_stacked(Head(K, D, 16, 4, 0.0).eval(), stack_folds([single.state_dict() for single in singles]))
    assert {name: p.shape[0] for name, p in stacked.named_parameters() if p.shape[0] != 1} == {
        "out.weight": K,
        "out.bias": K,
    }
    for k, single in enumerate(singles):
        torch.testing.assert_close(stacked(x)[k], single(x)[0], rtol=0, atol=1e-6)


def test_weights_of_another_shape_are_named():
    state = Head(1, D, 16, 5, 0.0).state_dict()
    with pytest.raises(ValueError, match=r"out\.weight: \(1, 16, 5\) does not fit \(3, 16, 4\)"):
        load_stacked(Head(K, D, 16, 4, 0.0), state)


def test_a_soup_is_the_mean_of_every_weight():
    states = [{"a": torch.tensor([[1.0, 2.0]]), "b": torch.tensor([[[5.0]]])}, {"a": torch.tensor([[3.0, 8.0]])}]
    states[1]["b"] = states[0]["b"]
    soup = mean_of_folds(states)
    assert soup["a"].tolist() == [[2.0, 5.0]]
    assert soup["b"].tolist() == [[[5.0]]]
    assert states[0]["a"].tolist() == [[1.0, 2.0]]


def test_each_fold_starts_elsewhere():
    head = Head(K, D, 16, 4, 0.0)
    assert not torch.equal(head.hidden.weight[0], head.hidden.weight[1])
