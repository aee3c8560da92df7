"""`python -m train carim-merge`: the shards of `carim-build --shard` become one data folder."""

import argparse
from pathlib import Path

from .build import summary
from .command import report
from .merge import merge


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("out", type=Path, help="the folder that --out named; its shards lie in shards/")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where a shard could not use something")


def run(args: argparse.Namespace) -> int:
    """Checks every shard, writes the merged folder and prints what it holds."""
    built = merge(args.out)
    print(summary(built, args.out, {}))  # noqa: T201
    return report(built.failures, args.out, strict=args.strict)
