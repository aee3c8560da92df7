"""A run continues only on the weights it began with: every bit of what no fold trains is in one SHA-256."""

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  after the skip

from runtime.errors import DatasetError  # noqa: E402
from train.frozen import check_frozen, frozen_path, frozen_sha256  # noqa: E402
from train.runs import Run  # noqa: E402

pytestmark = pytest.mark.torch


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2)).requires_grad_(False)


def test_the_same_weights_have_the_same_sum():
    assert frozen_sha256(network()) == frozen_sha256(network())
    assert len(frozen_sha256(network())) == 64


def test_every_weight_and_running_statistic_counts():
    expected = frozen_sha256(network())
    names = list(network().state_dict())
    assert {"1.running_mean", "1.running_var", "1.num_batches_tracked"} <= set(names)
    for name in names:
        changed = network()
        tensor = changed.state_dict()[name].view(-1)
        tensor[-1] = torch.nextafter(tensor[-1], torch.tensor(9.0)) if tensor.is_floating_point() else tensor[-1] + 1
        assert frozen_sha256(changed) != expected, name


def test_a_forward_pass_in_training_mode_moves_the_running_statistics():
    moved = network()
    expected = frozen_sha256(moved)
    batch_norm = moved[:2].train()
    batch_norm(torch.randn(2, 3, 8, 8))
    assert frozen_sha256(moved) != expected


def test_what_is_trained_does_not_count_and_what_is_frozen_beside_it_does():
    model = network()
    model[2].requires_grad_(True)
    expected = frozen_sha256(model)
    with torch.no_grad():
        model[2].weight.add_(1)
    assert frozen_sha256(model) == expected
    with torch.no_grad():
        model[0].bias.add_(1)
    assert frozen_sha256(model) != expected


def test_several_modules_are_one_sum_in_their_order():
    a, b = network(), network()
    with torch.no_grad():
        b[0].bias.add_(1)
    assert len({frozen_sha256(*modules) for modules in ((a, b), (b, a), (a,), (b,))}) == 4


def test_a_run_states_the_sum_when_it_begins_and_holds_to_it(tmp_path: Path):
    run = Run.start(tmp_path / "run", {"recipe": {}})
    with pytest.raises(DatasetError, match="the run began with None"):
        check_frozen(run, "a" * 64)
    assert not frozen_path(run).exists()
    check_frozen(run, "a" * 64, begin=True)
    assert json.loads(frozen_path(run).read_text("utf-8")) == {"sha256": "a" * 64}
    check_frozen(run, "a" * 64)
    for begin in (False, True):
        with pytest.raises(DatasetError, match=r"SHA-256 bbbbbbbbbbbb, the run began with aaaaaaaaaaaa; give the weig"):
            check_frozen(run, "b" * 64, begin=begin)
    check_frozen(run, "a" * 64, begin=True)
