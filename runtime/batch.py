"""Many queries: an estimate before, several at once, progress, and a stop that loses nothing.

What a judge answered is on disk before it is used, so the same command, given again, goes on where it ended.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tqdm import tqdm

from .options import checked_arguments, open_judge
from .publish import publish
from .results import Query, SearchResult

if TYPE_CHECKING:
    from .judge.vision import VisionJudge
    from .systems.kger import KgerSystem


def run_batch(system: "KgerSystem", texts: Sequence[str], args: argparse.Namespace) -> int:
    """Searches all `texts`, writes the published files into `args.out` and prints their paths; the exit code."""
    from .judge.vision import VisionJudge  # noqa: PLC0415 - slow to import, and most batches ask nobody

    with open_judge(args, system) as judge:
        arguments = checked_arguments(args, system, judge)
        at_once = 1
        if isinstance(judge, VisionJudge):
            at_once = judge.settings.concurrency
            if judge.asks:
                _say(judge.estimate(len(texts), args.k))
        with ThreadPoolExecutor(at_once, thread_name_prefix="query") as pool:
            pending = [pool.submit(system.search, Query(text), judge=judge, **arguments) for text in texts]
            try:
                results = [p.result() for p in tqdm(pending, desc="batch", unit="query", disable=None)]
            except BaseException:  # Ctrl+C too: what is under way is recorded, the rest is not begun
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        for path in publish(args.out, results):
            sys.stdout.write(f"{path}\n")
        if isinstance(judge, VisionJudge):
            _say(_summary(judge, results))
    return 0


def _summary(judge: "VisionJudge", results: Sequence[SearchResult]) -> str:
    judgements = [j for result in results for j in result.judgements]
    unjudged = [j for j in judgements if j.score is None]
    calls, usd = (sum(result.cost[name] for result in results) for name in ("judge_calls", "usd"))
    lines = [f"{judge.name}: {len(judgements) - len(unjudged)} of {len(judgements)} judged, {calls:.0f} calls"]
    if usd:
        lines[0] += f", ${usd:.4f} by assets/prices.json"
    reasons: dict[str, int] = {}
    for judgement in unjudged:
        reasons[judgement.reason] = reasons.get(judgement.reason, 0) + 1
    lines += [f"  {n} unjudged: {reason}" for reason, n in sorted(reasons.items(), key=lambda r: -r[1])[:5]]
    lines += [f"  {note}" for note in dict.fromkeys(note for result in results for note in result.notes)]
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
