"""What a judge may spend: counted before it is sent, over threads, and said where it ends."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from runtime.errors import InvalidInputError
from runtime.judge.budget import Budget, BudgetSpentError
from runtime.judge.openai import OpenAiJudge
from runtime.judge.prices import Price
from runtime.judge.record import ReplyRecord

from .cases import FAST, QUERY, candidate, image_file
from .loopback import Loopback, completed, completion, failed

DOLLAR = Price(1.0, 0.0)  # a dollar for a million tokens in


def test_calls_are_counted_up_to_the_limit_over_threads():
    budget = Budget(max_calls=10)

    def ask(_):
        try:
            budget.reserve(1, 1)
        except BudgetSpentError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(ask, range(40)))
    assert said.count("") == budget.calls == 10
    assert {*said} == {"", "not asked: the limit of 10 calls is reached (--max-calls)"}


def test_calls_under_way_are_counted_with_what_they_may_cost():
    budget = Budget(DOLLAR, max_cost_usd=1.0)
    first = budget.reserve(600_000, 0)
    with pytest.raises(BudgetSpentError, match=r"\$0.0000 of \$1.0000 are spent, and calls under way could go over"):
        budget.reserve(600_000, 0)
    assert budget.settle(first, 100_000, 0) == pytest.approx(0.1)
    budget.reserve(600_000, 0)
    assert (budget.calls, budget.spent_usd) == (2, pytest.approx(0.1))


def test_a_budget_of_nothing_asks_nobody():
    for budget in (Budget(max_calls=0), Budget(DOLLAR, max_cost_usd=0.0)):
        with pytest.raises(BudgetSpentError):
            budget.reserve(1, 0)
        assert budget.limit_reached


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"max_calls": -1}, "--max-calls is -1; expected at least 0"),
        ({"max_cost_usd": -0.5, "price": DOLLAR}, "--max-cost is -0.5; expected dollars, at least 0"),
        ({"max_cost_usd": float("nan"), "price": DOLLAR}, "--max-cost is nan"),
        (
            {"max_cost_usd": 1.0, "model": "m"},
            "--max-cost needs the price of m, which assets/prices.json does not list",
        ),
    ],
)
def test_a_limit_that_cannot_be_kept_is_refused(limits, says):
    with pytest.raises(InvalidInputError, match=says):
        Budget(**limits)


def _judge(script, budget, *, count=5, record=None, **changes):
    with Loopback(script) as server:
        chosen = replace(FAST, base_url=server.url, model="loopback", concurrency=1, **changes)
        with OpenAiJudge(chosen, environ={}, budget=budget, record=record) as judge:
            return judge.judge(QUERY, [candidate(i) for i in range(count)], image_file), server, judge.notes


def test_a_judge_stops_at_its_limit_with_what_it_has_and_says_so():
    judged, server, notes = _judge(lambda n, request: completed(0.5), Budget(max_calls=3))
    assert len(server.requests) == 3
    assert [j.score for j in judged] == [0.5] * 3 + [None] * 2
    assert judged[4].reason == "not asked: the limit of 3 calls is reached (--max-calls)"
    assert notes == ("the limit of 3 calls is reached (--max-calls); what is unjudged is ranked by retrieval alone",)


def test_a_limit_that_is_not_reached_is_not_mentioned():
    assert _judge(lambda n, request: completed(0.5), Budget(max_calls=5))[2] == ()


def test_a_re_ask_is_a_call_too():
    judged, server, _ = _judge(lambda n, request: completion("?"), Budget(max_calls=1), count=1)
    assert (judged[0].score, len(server.requests)) == (None, 1)
    assert "not the JSON asked for" in judged[0].reason


def test_dollars_are_what_the_reply_says_it_took_and_a_failed_call_costs_none():
    budget = Budget(DOLLAR, max_cost_usd=1.0)
    judged, _, _ = _judge(lambda n, request: failed(400) if n == 1 else completed(0.5), budget, count=3)
    assert budget.spent_usd == pytest.approx(2 * 600 / 1e6)
    assert [j.price_usd for j in judged] == [pytest.approx(600 / 1e6), 0.0, pytest.approx(600 / 1e6)]
    assert budget._reserved_usd == pytest.approx(0.0)


def test_what_is_on_record_is_outside_the_budget(tmp_path):
    path = tmp_path / "r.sqlite"
    _judge(lambda n, request: completed(0.5), Budget(), record=ReplyRecord(path))
    judged, server, notes = _judge(lambda n, request: completed(0.5), Budget(max_calls=0), record=ReplyRecord(path))
    assert ([j.score for j in judged], server.requests, notes) == ([0.5] * 5, [], ())
