"""What a judge's faults cost: hostile replies through the parser, and a judged batch that is killed and continued.

The judge is the loopback judge: a server on this machine that answers by the truth of synthetic phantoms.
"""

import argparse
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from assets.phantoms.cohort import plan
from runtime.dataset import read_dataset
from runtime.options import DEFAULT_BUNDLE
from runtime.publish import JUDGE_FILE, SUBMISSION_FILE

from ..pipeline import ROOT, CommandFailedError, run_module
from ..results import command_line, print_table, save_result
from .fuzzed_replies import WRONG, fuzz
from .killed_batch import Batch, killed_batch
from .loopback_answers import Shows, Truth
from .loopback_process import loopback, no_proxy

PHANTOMS, PHRASES_OF, SEED = 60, 400, 11
QUERIES = 200
SHOWN = ("queries", "kills", "calls", "keys", "in_flight_at_kills", "paid_twice", "paid_twice_beyond_inflight", "lost")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--replies", type=int, default=10_000, help="hostile replies for each format and mode")
    parser.add_argument("--kill-at", default="60,110,150", help="calls after which the batch is killed")
    parser.add_argument("--delay-ms", type=float, default=250.0, help="how long the loopback judge takes to answer")
    parser.add_argument("--work", type=Path, help="folder to keep (default: a temporary one)")


def run(args: argparse.Namespace) -> int:
    """Feeds the parser, kills the batch, and writes `judge_faults.json`; 1 where anything must not have been."""
    fuzzed, rows = fuzz(args.replies)
    print_table(rows)
    with tempfile.TemporaryDirectory() as name:
        work = args.work or Path(name)
        batch, truth = phantom_batch(work, args.bundle)
        kill_at = [int(number) for number in args.kill_at.split(",")]
        killed = killed_batch(batch, truth, kill_at, delay_ms=args.delay_ms)
        killed["same_as_never_killed"] = same_as_never_killed(batch, truth)
    print_table([{key: killed[key] for key in SHOWN}])
    figures = fuzzed | killed | {"judge": "loopback", "delay_ms": args.delay_ms, "fuzz_rows": rows}
    save_result("judge_faults", command_line(), figures)
    wrong = (*WRONG, "paid_twice_beyond_inflight", "lost")
    unrecorded = max(killed["in_flight_at_kills"], default=0) > killed["concurrency"]  # a reply used before it was kept
    return int(any(figures[key] for key in wrong) or unrecorded or not killed["same_as_never_killed"])


def phantom_batch(work: Path, bundle: Path, *, phantoms: int = PHANTOMS, queries: int = QUERIES) -> tuple[Batch, Truth]:
    """A batch of distinct captions over a gallery of synthetic phantoms, made in `work`, with its truth."""
    data, gallery = work / "phantoms", work / "gallery"
    run_module("assets.phantoms", data, "--images", phantoms, "--seed", SEED)
    run_module("runtime", "index", data, "--bundle", bundle, "--gallery", gallery, "--strict")
    asked = dict(list(phrases(PHRASES_OF).items())[:queries])
    if len(asked) < queries:
        raise CommandFailedError(f"{len(asked)} distinct captions; expected {queries}")
    return Batch(work, bundle, gallery, list(asked)), Truth.of(read_dataset(data).records, asked)


def phrases(images: int) -> dict[str, Shows]:
    """The captions of a plan of `images` phantoms, both languages, and what each names; nothing is drawn."""
    found: dict[str, Shows] = {}
    for item in plan(images, SEED):
        for pair in item.captions:
            for caption in pair:
                found.setdefault(caption, (item.kind.region, item.classification, item.finding))
    return found


def same_as_never_killed(batch: Batch, truth: Truth) -> bool:
    """Whether the published scores and the submission are, byte for byte, those of a batch that nobody killed."""
    whole = replace(batch, work=batch.work / "whole")
    with loopback(whole.work / "server", truth) as server:
        done = subprocess.run(
            whole.command(server.url), cwd=ROOT, env=no_proxy(), capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise CommandFailedError(f"the batch that was not killed ended with {done.returncode}:\n{done.stderr[-2000:]}")
    names = (JUDGE_FILE, SUBMISSION_FILE)
    return all((batch.work / "out" / n).read_bytes() == (whole.work / "out" / n).read_bytes() for n in names)
