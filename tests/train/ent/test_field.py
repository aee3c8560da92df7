"""The field and its flow, against NumPy written from the formulas alone."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from train.ent.field import Flow, VectorField, rk4_step  # noqa: E402  after the skip
from train.ent.recipe import EntRecipe  # noqa: E402

pytestmark = pytest.mark.torch


def normal(x, weight, bias):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * weight + bias


def numpy_field(weights, x, t, heads, hidden):
    """Head after head, each on LayerNorm(x) ‖ sin, cos of t·W."""
    angles = t * weights["frequencies"]
    time = np.broadcast_to(np.concatenate([np.sin(angles), np.cos(angles)]), (len(x), 2 * len(angles)))
    seen = np.concatenate([normal(x, weights["norm.weight"], weights["norm.bias"]), time], axis=1)
    inner = np.concatenate([weights["inner.weight"], weights["clock.weight"]], axis=1)
    total = np.zeros_like(x)
    for head in range(heads):
        part = slice(head * hidden, (head + 1) * hidden)
        h = seen @ inner[part].T + weights["inner.bias"][part]
        h = normal(h, weights["scale"][head], weights["shift"][head])
        h = h / (1 + np.exp(-h))
        total += h @ weights["outer.weight"][:, part].T + weights["outer.bias"]
    return total / heads + weights["skip"] * x


def numpy_flow(velocity, x, steps):
    h = 1 / steps
    for i in range(steps):
        t = i * h
        k1 = velocity(x, t)
        k2 = velocity(x + h / 2 * k1, t + h / 2)
        k3 = velocity(x + h / 2 * k2, t + h / 2)
        k4 = velocity(x + h * k3, t + h)
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x


def restless(width, recipe, seed=0):
    """A field none of whose weights has its starting value."""
    torch.manual_seed(seed)
    field = VectorField(width, recipe)
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return field.eval()


@pytest.mark.parametrize("width", [24, 40])
def test_the_field_and_ten_rk4_steps_equal_a_numpy_twin(width):
    recipe = EntRecipe(heads=3, hidden=8, frequencies=5)
    field = restless(width, recipe)
    weights = {name: tensor.double().numpy() for name, tensor in field.state_dict().items()}
    x = np.random.default_rng(1).standard_normal((4, width))
    x /= np.linalg.norm(x, axis=1, keepdims=True)

    def velocity(state, t):
        return numpy_field(weights, state, t, 3, 8)

    flow, given = Flow(field, "metric"), torch.from_numpy(x).float()
    with torch.inference_mode():
        np.testing.assert_allclose(field(given, 0.3).numpy(), velocity(x, 0.3), atol=1e-5)
        for steps in (1, 10):
            read = velocity(numpy_flow(velocity, x, steps), 0.0)
            read /= np.linalg.norm(read, axis=1, keepdims=True)
            np.testing.assert_allclose(flow.embed(given, steps).numpy(), read, atol=1e-5)


def test_a_field_for_clip_has_the_published_number_of_weights_and_its_skip_starts_at_one():
    field = VectorField(512, EntRecipe())
    assert sum(parameter.numel() for parameter in field.parameters()) == pytest.approx(1.09e6, rel=0.005)
    assert field.skip.item() == 1
    assert field.frequencies.std().item() == pytest.approx(10, rel=0.5)


def test_rk4_of_a_linear_field_is_the_exponential_to_fourth_order():
    def field(x, _t):
        return -2 * x

    x = torch.ones(1, 3, dtype=torch.float64)
    errors = []
    for steps in (5, 10):
        y = x
        for i in range(steps):
            y = rk4_step(field, y, i / steps, 1 / steps)
        errors.append(abs(y[0, 0].item() - np.exp(-2)))
    assert errors[0] / errors[1] == pytest.approx(2**4, rel=0.2)


def test_a_flow_that_learned_a_given_way_is_read_where_it_ends():
    field = restless(16, EntRecipe(heads=1, hidden=4))
    x = torch.nn.functional.normalize(torch.randn(3, 16), dim=1)
    with torch.inference_mode():
        torch.testing.assert_close(Flow(field, "flow-matching").embed(x, 0), x)
        assert not torch.allclose(Flow(field, "metric").embed(x, 0), x, atol=1e-2)
