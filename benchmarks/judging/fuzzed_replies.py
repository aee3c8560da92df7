"""Hostile replies through the reader of bodies and the reader of scores, counted by what became of each."""

from collections import Counter
from collections.abc import Sequence
from string import ascii_uppercase

from runtime.judge.answers import read_scores
from runtime.judge.reply import READERS

from .hostile_replies import MODES, WIRES, hostile_replies

SHOWN = {"pointwise": 1, "listwise": 5, "pairwise": 2}
WRONG = ("crashes", "out_of_range", "dropped")


def fuzz(replies: int, seed: int = 1) -> tuple[dict[str, int], list[dict[str, int | str]]]:
    """`replies` hostile ones for each wire format and mode: the totals, and a row for each.

    `crashes`: an exception. `out_of_range`: a score outside [0, 1]. `dropped`: a shown id without a score and
    without a reason, or a score for an id that was not shown. The rest is how many had every, some or no score.
    """
    rows: list[dict[str, int | str]] = []
    total: Counter[str] = Counter()
    for wire in WIRES:
        for mode in MODES:
            ids = ascii_uppercase[: SHOWN[mode]]
            found = Counter(dict.fromkeys(("replies", *WRONG, "all_scored", "some_scored", "none_scored"), 0))
            for body in hostile_replies(seed, replies, wire=wire, mode=mode, ids=ids):
                found.update(("replies", *outcome(body, wire, mode, ids)))
            total.update(found)
            rows.append({"wire": wire, "mode": mode, **found})
    return {"replies_fuzzed": total["replies"], **{name: total[name] for name in WRONG}}, rows


def outcome(body: bytes, wire: str, mode: str, ids: Sequence[str]) -> list[str]:
    """What became of one reply, as `fuzz` counts it."""
    try:
        said = READERS[wire](body)
        read = None if said.text is None else read_scores(said.text, mode, ids)
    except Exception:  # any is a fault, and the next reply is still to be tried
        return ["crashes"]
    scores, problem = (read.scores, read.problem) if read else ({}, said.reason)
    words = ["out_of_range"] * any(not 0 <= score <= 1 for score in scores.values())
    words += ["dropped"] * (bool(set(scores) - set(ids)) or (len(scores) < len(ids) and not problem))
    return [*words, "all_scored" if len(scores) == len(ids) else "some_scored" if scores else "none_scored"]
