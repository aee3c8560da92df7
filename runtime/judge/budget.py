"""What a judge may spend: calls and dollars, counted over threads, so that a batch stops cleanly at its limit."""

import threading
from dataclasses import dataclass, field

from ..errors import InvalidInputError
from .prices import Price


class BudgetSpentError(Exception):
    """The next call would go over the limit; the message says which."""


@dataclass
class Budget:
    """At most `max_calls` calls and `max_cost_usd` dollars; None is no limit.

    A call reserves its estimated cost before it is sent and settles for what its tokens cost, so that calls under
    way are counted. Raises InvalidInputError for a limit that cannot be kept.
    """

    price: Price | None = None
    max_calls: int | None = None
    max_cost_usd: float | None = None
    model: str = ""
    calls: int = 0
    spent_usd: float = 0.0
    limit_reached: str = ""
    """The limit that kept a call from being made, as a sentence's beginning; "" while none did."""
    _reserved_usd: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        if self.max_calls is not None and self.max_calls < 0:
            raise InvalidInputError(f"--max-calls is {self.max_calls}; expected at least 0")
        if self.max_cost_usd is None:
            return
        if not self.max_cost_usd >= 0:
            raise InvalidInputError(f"--max-cost is {self.max_cost_usd}; expected dollars, at least 0")
        if self.price is None:
            raise InvalidInputError(
                f"--max-cost needs the price of {self.model or 'the model'}, which assets/prices.json does not list; "
                "add it there with its source, or limit the calls with --max-calls"
            )

    def reserve(self, input_tokens: int, output_tokens: int) -> float:
        """Counts one call in; returns the dollars reserved. Raises BudgetSpentError instead of going over."""
        cost = self.price.of(input_tokens, output_tokens) if self.price else 0.0
        with self._lock:
            if self.max_calls is not None and self.calls >= self.max_calls:
                self.limit_reached = f"the limit of {self.max_calls} calls is reached (--max-calls)"
                raise BudgetSpentError(f"not asked: {self.limit_reached}")
            committed = self.spent_usd + self._reserved_usd + cost
            if self.max_cost_usd is not None and committed > self.max_cost_usd:
                self.limit_reached = f"the limit of ${self.max_cost_usd:.4f} is reached (--max-cost)"
                raise BudgetSpentError(
                    f"not asked: ${self.spent_usd:.4f} of ${self.max_cost_usd:.4f} are spent, and calls under way "
                    "could go over (--max-cost)"
                )
            self.calls += 1
            self._reserved_usd += cost
        return cost

    def settle(self, reserved: float, input_tokens: int, output_tokens: int) -> float | None:
        """The call is over: what it cost in dollars, None where the price is not known."""
        cost = self.price.of(input_tokens, output_tokens) if self.price else None
        with self._lock:
            self._reserved_usd -= reserved
            self.spent_usd += cost or 0.0
        return cost
