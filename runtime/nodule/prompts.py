"""Questions that a diameter answers: bins, ranges, comparisons and words, in English and Vietnamese, with paraphrases.

Every prompt is read back by query.py, so what training teaches and what search measures are one thing.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from .interval import Interval
from .query import parse_query

# the facts' own queries: three bins and "> 3 mm"
PUBLISHED = ("<= 6 mm", "6-10 mm", "> 10 mm", "> 3 mm")
BIN_WORDS = (
    "small nodule", "medium-size nodule", "large nodule",
    "small", "medium", "large",
    "a small lung nodule", "a medium-sized lung nodule", "a big lung nodule",
    "nốt phổi nhỏ", "nốt phổi trung bình", "nốt phổi lớn",
)  # fmt: skip
_FRAMES = (
    "{}", "{}", "nodule {}", "lung nodule {}", "pulmonary nodule {}", "a nodule measuring {}", "nodules {}",
    "nodule with a diameter {}", "diameter {}", "CT crop of a nodule {}",
)  # fmt: skip
_FRAMES_VI = ("{}", "nốt {}", "nốt phổi {}", "nốt có đường kính {}", "đường kính {}")
_MORE = ("> {}", "over {}", "larger than {}", "more than {}", "above {}", "trên {}", "lớn hơn {}")
_LEAST = (">= {}", "at least {}", "{} or more", "{} or larger", "ít nhất {}", "từ {} trở lên")
_LESS = ("< {}", "under {}", "smaller than {}", "less than {}", "below {}", "dưới {}", "nhỏ hơn {}")
_MOST = ("<= {}", "at most {}", "up to {}", "{} or less", "no larger than {}", "tối đa {}", "không quá {}")
_RANGES = ("{}-{}", "{} to {}", "between {} and {}", "from {} to {}", "từ {} đến {}", "trong khoảng {} đến {}")
_ABOUT = ("{}", "about {}", "around {}", "= {}", "khoảng {}")
LONGEST_MM = 32.0


@dataclass(frozen=True)
class Prompt:
    """A question and the diameters that it asks for."""

    text: str
    interval: Interval


@cache
def read(text: str) -> Prompt:
    """The prompt of `text` by the one parser."""
    return Prompt(text, parse_query(text))


def prompts(count: int, seed: int) -> list[Prompt]:
    """`count` distinct prompts, seeded; a tenth are the published bins and words, the rest drawn."""
    rng = np.random.default_rng(seed)
    fixed = [*PUBLISHED, *BIN_WORDS]
    texts = dict.fromkeys(fixed[: max(1, count // 10)])
    while len(texts) < count:
        texts.setdefault(_draw(rng))
    return [read(text) for text in texts]


def _draw(rng: np.random.Generator) -> str:
    kind = rng.choice(6, p=[0.34, 0.16, 0.12, 0.14, 0.12, 0.12])
    low = float(np.round(rng.uniform(2, 20) * 2) / 2)
    if kind == 0:
        high = min(LONGEST_MM, low + float(rng.choice([1, 1.5, 2, 3, 4, 5, 6, 8, 10])))
        form = str(rng.choice(_RANGES))
        centimetres = rng.random() < 0.15
        words = form.format(_size(low, centimetres, rng, unit=rng.random() < 0.3), _size(high, centimetres, rng))
        words = words if _same(words, low, high) else form.format(_size(low, centimetres, rng), words.split()[-1])
    else:
        form = str(rng.choice((_MORE, _LEAST, _LESS, _MOST, _ABOUT)[kind - 1]))
        words = form.format(_size(low + 1 if kind in {3, 4} else low, rng.random() < 0.15, rng))
    return str(rng.choice(_FRAMES if words.isascii() else _FRAMES_VI)).format(words)


def _size(mm: float, centimetres: bool, rng: np.random.Generator, unit: bool = True) -> str:
    text, name = (f"{mm / 10:g}", "cm") if centimetres else (f"{mm:g}", "mm")
    return f"{text}{'' if rng.random() < 0.3 else ' '}{name}" if unit else text


def _same(words: str, low: float, high: float) -> bool:
    interval = parse_query(words)
    return abs(interval.low_mm - low) < 1e-6 and abs(interval.high_mm - high) < 1e-6
