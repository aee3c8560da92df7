"""The options that search and batch share, and what they become: a judge, a fusion, the arguments of a search."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InvalidInputError
from .fusion import DECAYS, STRATEGIES, VARIANTS, FusionSettings, PosFuseSettings
from .judge.choose import JUDGES, REMOTE, choose_judge
from .judge.settings import MODES
from .sessions import PROVIDER_CHOICES

if TYPE_CHECKING:
    from .fusion.tuned import Tuned
    from .judge import Judge
    from .systems.kger import KgerSystem

DEFAULT_BUNDLE = Path(__file__).resolve().parent.parent / "assets" / "bundles" / "kger"
DEFAULT_GALLERY = Path("gallery")
RECORD_NAME = "replies.sqlite"


def add_index_options(parser: argparse.ArgumentParser) -> None:
    """--reencode and --strict, which an index command reads."""
    parser.add_argument("--reencode", action="store_true", help="replace a gallery that another bundle made")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where anything was skipped")


def add_places(parser: argparse.ArgumentParser, bundle: Path = DEFAULT_BUNDLE, gallery: Path = DEFAULT_GALLERY) -> None:
    """Where the model and the gallery lie, by default at `bundle` and `gallery`, and where the model runs."""
    parser.add_argument("--bundle", type=Path, default=bundle, help="bundle folder (default: the shipped one)")
    parser.add_argument("--gallery", type=Path, default=gallery, help=f"gallery folder (default: {gallery})")
    parser.add_argument("--threads", type=int, help="threads of the model (default: all cores)")
    parser.add_argument(
        "--provider",
        choices=PROVIDER_CHOICES,
        default="auto",
        help="where the model runs: auto is CUDA where this onnxruntime has it, else the CPU",
    )


def add_search_options(parser: argparse.ArgumentParser) -> None:
    """What is retrieved, who judges it, and how both are fused."""
    parser.add_argument("-k", type=int, default=5, help="how many items (default: 5)")
    parser.add_argument(
        "--where", action="append", default=[], metavar="FILTER", help="such as 'class=ear-left'; may be repeated"
    )
    parser.add_argument(
        "--recall",
        type=float,
        default=0.99,
        help="share of the ten best that an approximate search must find, measured on the gallery (default: .99); "
        "above 50 000 items only, below search is exact, as it always is with 1",
    )
    parser.add_argument("--mode", choices=("mean", "votes"), default="mean", help="mean cosine, or published vote sum")
    parser.add_argument("--expand", action="store_true", help="search with ENT paraphrases of the text, too")
    parser.add_argument("--explain", action="store_true", help="say what captions have in common with the query")
    _judge_options(parser.add_argument_group("judge"))
    _fusion_options(parser.add_argument_group("fusion"))


def _judge_options(group: Any) -> None:
    group.add_argument("--judge", choices=JUDGES, default="none")
    group.add_argument(
        "--record",
        type=Path,
        help=f"file of replies: written by gemini and openai (default: {RECORD_NAME} in the gallery), read by replay",
    )
    group.add_argument("--judge-model", metavar="NAME", help="the model's name")
    group.add_argument("--judge-url", metavar="URL", help="another endpoint, such as http://127.0.0.1:8000/v1")
    group.add_argument("--judge-mode", choices=MODES, help="one candidate a call, or all in one (default: pointwise)")
    group.add_argument("--prompt", metavar="NAME", help="pointwise prompt; kger_pointwise_v1 is the first form")
    group.add_argument("--runs", type=int, help="pointwise calls a candidate that are averaged (default: 1)")
    group.add_argument("--shuffles", type=int, help="listwise orders that are averaged (default: 3)")
    group.add_argument("--concurrency", type=int, help="requests under way at once (default: 4)")
    group.add_argument("--tie-margin", type=float, metavar="D", help="let the judge compare neighbours this close")
    group.add_argument("--max-calls", type=int, metavar="N", help="ask no more than N times")
    group.add_argument("--max-cost", type=float, metavar="USD", help="spend no more, by assets/prices.json")
    group.add_argument("--ask-again", action="store_true", help="ask anew what was recorded without a usable score")
    group.add_argument("--allow-upload", action="store_true", help="let gemini or openai send images off this machine")


def _fusion_options(group: Any) -> None:
    group.add_argument(
        "--fusion", default="corrected", help=f"{', '.join(VARIANTS)} (Pos-Fuse), or the file of a tuned fusion"
    )
    group.add_argument("--decay", choices=tuple(DECAYS), default="exponential")
    group.add_argument("--strategy", choices=STRATEGIES, default="weighted")
    group.add_argument("--agreement", action="store_true", help="weigh retrieval by how far the folds agree")
    group.add_argument(
        "--min-confidence", type=float, metavar="P", help="below this probability: no good match (tuned fusion only)"
    )


def search_arguments(args: argparse.Namespace) -> dict[str, Any]:
    """The keyword arguments of KgerSystem.search, without the judge."""
    return {
        "k": args.k,
        "where": args.where,
        "mode": args.mode,
        "fusion": _fusion(args),
        "expand": args.expand,
        "tie_margin": args.tie_margin,
        "min_confidence": args.min_confidence,
        "explain": args.explain,
    }


def checked_arguments(args: argparse.Namespace, system: "KgerSystem", judge: "Judge | None") -> dict[str, Any]:
    """`search_arguments`, after what can be refused was refused: before a judge is asked and paid.

    Raises InvalidInputError where options, bundle and judge do not fit together.
    """
    from .fusion.tuned import Tuned  # noqa: PLC0415 - with the system, which loads it
    from .systems.deciding import check_confidence, check_ties  # noqa: PLC0415

    arguments = search_arguments(args)
    tuned = arguments["fusion"] if isinstance(arguments["fusion"], Tuned) else None
    if tuned:
        tuned.check_bundle(system.encoder.fingerprint)
        tuned.check_judge(judge.name if judge else None)
    check_confidence(tuned, args.min_confidence)
    if args.tie_margin is not None:
        check_ties(judge, args.tie_margin)
    return arguments


@contextmanager
def open_judge(args: argparse.Namespace, system: "KgerSystem") -> "Iterator[Judge | None]":
    """The chosen judge, closed when the block ends."""
    if args.judge_mode == "listwise" and (args.runs or args.prompt):
        raise InvalidInputError("--runs and --prompt belong to --judge-mode pointwise; listwise takes --shuffles")
    record = args.record
    if record is None and args.judge in REMOTE:
        record = args.gallery / RECORD_NAME  # no reply is paid for twice, whether asked for or not
    judge = choose_judge(
        args.judge,
        system.encoder.encode_texts,
        record=record,
        model=args.judge_model,
        allow_upload=args.allow_upload,
        max_calls=args.max_calls,
        max_cost_usd=args.max_cost,
        settings={
            "base_url": args.judge_url,
            "mode": args.judge_mode,
            "prompt": args.prompt,
            "runs": args.runs,
            "shuffles": args.shuffles,
            "concurrency": args.concurrency,
            "ask_again": args.ask_again or None,
        },
    )
    try:
        yield judge
    finally:
        if judge is not None and hasattr(judge, "close"):
            judge.close()


def _fusion(args: argparse.Namespace) -> "FusionSettings | Tuned":
    if args.fusion in VARIANTS:
        return PosFuseSettings(variant=args.fusion, decay=args.decay, strategy=args.strategy, agreement=args.agreement)
    from .fusion.tuned import read_tuned  # noqa: PLC0415 - only where a file was given

    path = Path(args.fusion)
    if not path.exists() and path.suffix != ".json":
        raise InvalidInputError(
            f"--fusion {args.fusion}: expected {', '.join(VARIANTS)}, or the file of a tuned fusion (.json)"
        )
    return read_tuned(path)
