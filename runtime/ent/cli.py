"""`search` and `batch` with `--system ent`: what the command line does for pictures."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInputError
from ..options import DEFAULT_BUNDLE

if TYPE_CHECKING:
    from ..systems.ent import EntSettings, EntSystem

BUNDLE = DEFAULT_BUNDLE.with_name("ent")
STEPS = ("raw", "0", "1", "10")


def add_options(group: Any) -> None:
    """The options that only this system has."""
    group.add_argument("--steps", choices=STEPS, default="10", help="RK4 steps; raw: the image tower alone")
    group.add_argument(
        "--majority-bonus",
        type=float,
        default=0.0,
        metavar="B",
        help="added to hits of the majority class",
    )
    group.add_argument("--keep-duplicates", action="store_true", help="keep near-duplicates of the query's picture")


def search(args: argparse.Namespace) -> int:
    """One picture; prints the table or, with --json, the whole result."""
    from ..images import read_image
    from ..render import result_table
    from ..results import Query

    if args.image is None or args.text:
        raise InvalidInputError("--system ent looks for a picture: give --image FILE, and no text")
    query = Query(None, read_image(args.image), args.image.name)
    system = open_system(args)
    result = system.search(query, path=args.image, k=args.k, where=args.where, settings=settings(args))
    print(json.dumps(result.to_json(), ensure_ascii=False, indent=2) if args.json else result_table(result))
    return 0


def batch(args: argparse.Namespace) -> int:
    """A folder or a list of pictures; writes `{query: match}` and prints what was written."""
    from .batch import read_image_queries, run_image_batch

    pictures = read_image_queries(args.queries)
    written, skipped = run_image_batch(open_system(args), pictures, args.out, k=args.k, settings=settings(args))
    for path in written:
        print(path)
    for sentence in skipped:
        print(f"  skipped: {sentence}", file=sys.stderr)
    return 0


def settings(args: argparse.Namespace) -> "EntSettings":
    """The settings that the options ask for."""
    from ..systems.ent import EntSettings

    steps = None if args.steps == "raw" else int(args.steps)
    return EntSettings(steps, args.majority_bonus, not args.keep_duplicates)


def open_system(args: argparse.Namespace) -> "EntSystem":
    """The system of --bundle (default: the shipped ent bundle) and --gallery."""
    from ..systems.ent import open_ent

    bundle = BUNDLE if args.bundle == DEFAULT_BUNDLE else args.bundle
    return open_ent(bundle, args.gallery, threads=args.threads, provider=args.provider)
