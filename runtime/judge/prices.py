"""What models cost, from a data file: assets/prices.json, with source and date."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import InvalidInputError

PRICES = Path(__file__).resolve().parents[2] / "assets" / "prices.json"
SCHEMA = 1
# for estimates before anything was asked: a picture of at most 384 px (documented for Gemini), four letters a token
PICTURE_TOKENS, LETTERS_A_TOKEN = 258, 4
OUTPUT_TOKENS_A_SCORE = 120


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens in and out."""

    input_usd: float
    output_usd: float

    def of(self, input_tokens: float, output_tokens: float) -> float:
        """US dollars for so many tokens."""
        return (input_tokens * self.input_usd + output_tokens * self.output_usd) / 1e6


@cache
def price_of(model: str, path: Path = PRICES) -> Price | None:
    """The listed price of `model`, None where it is not listed; raises InvalidInputError for a file of no such kind."""
    try:
        table = json.loads(path.read_text("utf-8"))
        if table["schema"] != SCHEMA:
            raise ValueError(f"schema version {table['schema']}, expected {SCHEMA}")
        row = table["models"].get(model)
        return None if row is None else Price(float(row["input_usd"]), float(row["output_usd"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInputError(f"{path}: not a price table ({error}); see assets/prices.json for its form") from error


def estimated_tokens(letters: int, pictures: int, scores: int) -> tuple[int, int]:
    """Tokens in and out of one call that sends so many letters and pictures and asks for so many scores."""
    return letters // LETTERS_A_TOKEN + pictures * PICTURE_TOKENS, scores * OUTPUT_TOKENS_A_SCORE
