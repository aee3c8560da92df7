"""The price table: a data file with sources, and what an estimate is made of."""

import json

import pytest

from runtime.errors import InvalidInputError
from runtime.judge.prices import PRICES, Price, estimated_tokens, price_of
from runtime.judge.settings import DEFAULT_MODEL


def test_every_listed_price_has_a_source_and_a_date():
    table = json.loads(PRICES.read_text("utf-8"))
    assert DEFAULT_MODEL in table["models"]
    for model, row in table["models"].items():
        assert row["source"].startswith("https://"), model
        assert row["read"] >= "2026-01-01", model
        price = price_of(model)
        assert 0 < price.input_usd < price.output_usd


def test_a_model_that_is_not_listed_has_no_known_price():
    assert price_of("no-such-model") is None


def test_a_price_is_for_a_million_tokens():
    assert Price(0.5, 4.0).of(2_000_000, 500_000) == pytest.approx(2 * 0.5 + 0.5 * 4.0)


def test_an_estimate_counts_letters_pictures_and_scores():
    assert estimated_tokens(letters=4000, pictures=2, scores=5) == (1000 + 2 * 258, 600)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "null",
     '{"schema": 2, "models": {}}', '{"schema": 1}', '{"schema": 1, "models": {"m": {"input_usd": 1}}}',
     '{"schema": 1, "models": {"m": 3}}', '{"schema": 1, "models": {"m": {"input_usd": "x", "output_usd": 1}}}'],
)  # fmt: skip
def test_a_file_of_another_kind_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "prices.json"
    path.write_text(content)
    with pytest.raises(InvalidInputError, match="not a price table"):
        price_of("m", path)


def test_a_missing_file_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(InvalidInputError, match="not a price table"):
        price_of("m", tmp_path / "none.json")
