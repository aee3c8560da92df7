"""Listwise judging: all candidates in one call, under neutral ids, in several shuffled orders that are averaged.

A model's answer depends on the order in which it sees the candidates (Liu et al., "Lost in the Middle", 2024; Tang
et al., "Found in the Middle: Permutation Self-Consistency", NAACL 2024): averaging over orders takes most of that
out, and how far the orders agree is said in the reason.
"""

import hashlib
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations

import numpy as np

from ..errors import ImageDecodeError
from ..results import Candidate, Judgement
from .asking import Answer
from .pointwise import Ask, Make, average
from .request import Picture


def judge_listwise(
    candidates: Sequence[Candidate],
    pictures: Sequence[Picture | Judgement],
    make: Make,
    ask: Ask,
    *,
    shuffles: int,
    concurrency: int,
) -> list[Judgement]:
    """One Judgement per candidate, in order: the mean of its scores over the orders. A Judgement among `pictures`
    is kept as it is; a picture that cannot be read is left out of the call and unjudged."""
    told: list[Judgement | None] = [_kept(p, c) for p, c in zip(pictures, candidates, strict=True)]
    rows = [row for row, judgement in enumerate(told) if judgement is None]
    shown = [p for p, judgement in zip(pictures, told, strict=True) if judgement is None and isinstance(p, Picture)]
    if rows:
        orders = shuffled_orders(shown, shuffles)
        with ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="judge") as pool:
            requests = [make(tuple(shown[i] for i in order), run) for run, order in enumerate(orders)]
            answers = [_restored(a, order) for a, order in zip(pool.map(ask, requests), orders, strict=True)]
        note = _agreement(answers)
        for position, row in enumerate(rows):
            said = [(a.scores[position], a.reasons[position], _share(a, len(rows), position)) for a in answers]
            told[row] = average(candidates[row].item_id, said, note=note)
    return [judgement for judgement in told if judgement is not None]


def shuffled_orders(pictures: Sequence[Picture], shuffles: int) -> list[list[int]]:
    """`shuffles` orders of the pictures, drawn from their content: the same pictures are shown alike again.

    Whatever order retrieval gave them, so that a place in the call says nothing about a rank.
    """
    by_content = sorted(range(len(pictures)), key=lambda i: (pictures[i].sha256, i))
    joined = " ".join(pictures[i].sha256 for i in by_content)
    rng = np.random.default_rng(list(hashlib.sha256(joined.encode()).digest()))
    orders: list[list[int]] = []
    while len(orders) < shuffles:
        order = [by_content[i] for i in rng.permutation(len(pictures))]
        # none twice while there are others: the same call again says little
        if order not in orders or len(orders) >= math.factorial(len(pictures)):
            orders.append(order)
    return orders


def _kept(picture: Picture | Judgement, candidate: Candidate) -> Judgement | None:
    if isinstance(picture, Judgement):
        return picture
    try:
        picture.pixels  # noqa: B018 - decoded here, so that one that is none is left out of the call
    except ImageDecodeError as error:
        return Judgement(candidate.item_id, None, f"the candidate's image cannot be read: {error}", attempts=0)
    return None


def _restored(answer: Answer, order: Sequence[int]) -> Answer:
    """`answer` with scores and reasons by picture instead of by place."""
    place = {picture: shown for shown, picture in enumerate(order)}
    rows = [place[picture] for picture in range(len(order))]
    return replace(
        answer,
        scores=tuple(answer.scores[row] for row in rows),
        reasons=tuple(answer.reasons[row] for row in rows),
    )


def _share(answer: Answer, among: int, position: int) -> Answer:
    """The part of a call's cost that one of its candidates bears; whole tokens and attempts go to the first."""
    first = position == 0
    return replace(
        answer,
        input_tokens=answer.input_tokens if first else 0,
        output_tokens=answer.output_tokens if first else 0,
        price_usd=None if answer.price_usd is None else (answer.price_usd if first else 0.0),
        latency_ms=answer.latency_ms / among,
        attempts=answer.attempts if first else 0,
    )


def _agreement(answers: Sequence[Answer]) -> str:
    """How many pairs of candidates two orders rank alike, over all pairs of orders."""
    alike = total = 0
    for one, other in combinations(answers, 2):
        for i, j in combinations(range(len(one.scores)), 2):
            a, b, c, d = one.scores[i], one.scores[j], other.scores[i], other.scores[j]
            if a is not None and b is not None and c is not None and d is not None:
                total += 1
                alike += int(np.sign(a - b) == np.sign(c - d))
    return f"[{len(answers)} orders, {alike / total:.0%} of pairs ranked alike]" if total else ""
