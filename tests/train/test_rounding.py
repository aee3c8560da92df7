"""Weights rounded to int8's steps."""

import pytest

torch = pytest.importorskip("torch")

from train.rounding import round_weights  # noqa: E402  after the skip

pytestmark = pytest.mark.torch


def test_rounding_weights_twice_changes_nothing_more_and_keeps_them_near() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(128, 64)
    before = layer.weight.clone()
    round_weights(layer)
    once = layer.weight.clone()
    round_weights(layer)
    assert torch.allclose(layer.weight, once, atol=1e-9)
    assert 0 < (once - before).abs().max() <= before.abs().max() / 127 / 2 + 1e-6
