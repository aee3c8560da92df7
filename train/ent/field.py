"""The vector field v(x, t) and its flow: x(1) from dx/dt = v(x, t), x(0) the tower's vector, by classic RK4.

It is a neural-ODE metric head: what is learned is where like images end, not a path that was given beforehand.
Source: builamquangngoc91/ENTRep_track_2.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, silu

from .recipe import EntRecipe


class VectorField(nn.Module):
    """v(x, t): LayerNorm(x) ‖ Fourier(t) → mean of the heads + w·x; as wide as the tower (B, D) → (B, D).

    A head is Linear(D+2F, H), LayerNorm, SiLU, dropout, Linear(H, D). The heads' layers lie side by side, and what
    the first makes of the time is added to what it makes of x: the same numbers in fewer products.
    """

    def __init__(self, width: int, recipe: EntRecipe) -> None:
        super().__init__()
        heads, hidden = recipe.heads, recipe.hidden
        self.heads, self.hidden, self.width = heads, hidden, width
        self.norm = nn.LayerNorm(width)
        self.register_buffer("frequencies", torch.randn(recipe.frequencies) * recipe.frequency_scale)
        self.inner = nn.Linear(width, heads * hidden)
        self.clock = nn.Linear(2 * recipe.frequencies, heads * hidden, bias=False)
        self.scale = nn.Parameter(torch.ones(heads, hidden))
        self.shift = nn.Parameter(torch.zeros(heads, hidden))
        self.dropout = nn.Dropout(recipe.dropout)
        self.outer = nn.Linear(heads * hidden, width)
        self.skip = nn.Parameter(torch.ones(()))
        # every head starts as its own Linear(D+2F, H) and Linear(H, D) would
        first, second = (width + 2 * recipe.frequencies) ** -0.5, hidden**-0.5
        for weight, bound in (
            *((w, first) for w in (self.inner.weight, self.inner.bias, self.clock.weight)),
            *((w, second) for w in (self.outer.weight, self.outer.bias)),
        ):
            nn.init.uniform_(weight, -bound, bound)

    def fourier(self, t: float) -> Tensor:
        """sin and cos of t·W: (2F,)."""
        angles = self.frequencies * t
        return torch.cat([angles.sin(), angles.cos()])

    def forward(self, x: Tensor, t: float) -> Tensor:
        """The velocity at x (B, D) and time t."""
        h = self.inner(self.norm(x)) + self.clock(self.fourier(t))
        h = nn.functional.layer_norm(h.unflatten(1, (self.heads, self.hidden)), (self.hidden,))
        h = self.dropout(silu(h * self.scale + self.shift)).flatten(1)
        return self.outer(h / self.heads) + self.skip * x


def rk4_step(field: VectorField, x: Tensor, t: float, h: float) -> Tensor:
    """x(t + h) from x(t) by the classic fourth-order Runge-Kutta step."""
    k1 = field(x, t)
    k2 = field(x + h / 2 * k1, t + h / 2)
    k3 = field(x + h / 2 * k2, t + h / 2)
    k4 = field(x + h * k3, t + h)
    return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


class Flow:
    """A field and how its flow is read out, by the target it was trained for.

    metric: the direction of v(x(1), 0), as published, with 0 steps that of v(x, 0). flow-matching: the direction of
    x(1) itself, with 0 steps the tower's vector.
    """

    def __init__(self, field: VectorField, target: str) -> None:
        self.field, self.target = field, target

    def path(self, x: Tensor, steps: int) -> list[Tensor]:
        """x(0), x(1/steps), … x(1): steps + 1 tensors (B, D), not normalised."""
        states = [x]
        for i in range(steps):
            states.append(rk4_step(self.field, states[-1], i / steps, 1 / steps))
        return states

    def read_out(self, x: Tensor) -> Tensor:
        """The vector that is searched with, (B, D) unit rows."""
        return normalize(self.field(x, 0.0) if self.target == "metric" else x, dim=1)

    def embed(self, x: Tensor, steps: int) -> Tensor:
        """The tower's vectors (B, D) after `steps` RK4 steps, read out: (B, D) unit rows."""
        return self.read_out(self.path(x, steps)[-1])
