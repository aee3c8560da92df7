"""What the judge tests share: a key, candidates, small pictures, and fast settings."""

from dataclasses import replace

import numpy as np

from runtime.images import encode_image
from runtime.judge.record import RecordedReply
from runtime.judge.request import ReplyKey
from runtime.judge.settings import JudgeSettings
from runtime.results import Candidate, Query

KEY = "AIza-made-up-key-0123456789"
ENVIRON = {"GEMINI_API_KEY": KEY}
FAST = JudgeSettings(timeout_ms=20_000, retry_delay_s=0.0, max_retry_delay_s=0.0)
QUERY = Query("perforated tympanic membrane")


def settings(url: str, **changes) -> JudgeSettings:
    return replace(FAST, base_url=url, **changes)


def candidate(item_id: int) -> Candidate:
    return Candidate(item_id, item_id, f"imgs/{item_id}.png", f"caption {item_id}", {}, 0.5, (), ())


def picture(seed: int, height: int = 48, width: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def image_file(item: Candidate) -> bytes:
    return encode_image(picture(item.item_id))


def recorded(run: int = 0, *, model: str = "made-up", mode: str = "pointwise", **changes) -> RecordedReply:
    """A reply as a record holds it; told apart by `run`."""
    key = ReplyKey(mode, "đỏ \u2028 query", None, ("c" * 64,), "s" * 64, model, run)
    made = RecordedReply(key, "kger_pointwise_v2", "{}", "gemini", "127.0.0.1", b"reply %d" % run, (0.5,), "words")
    return replace(made, **changes)
