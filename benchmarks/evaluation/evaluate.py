"""Evaluation in three uses: any systems' run files, a user's data with a bundle and a judge, or the fixed ladder."""

import argparse
import importlib.util
from pathlib import Path

from runtime.errors import InvalidInputError
from runtime.options import DEFAULT_BUNDLE

from . import ladder
from .ladder_systems import SPLITS
from .relevance import WAYS

NEEDED = ("ir_measures", "jinja2", "matplotlib", "ranx", "scipy", "sklearn")
JUDGES = ("none", "local", "replay")
plot = ladder.plot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options, by use; without --run and --data the ladder is run."""
    files = parser.add_argument_group("run files of any systems")
    files.add_argument("--run", type=Path, nargs="+", metavar="TREC", help="runs; the first is the reference")
    files.add_argument("--qrels", type=Path, metavar="TREC")
    files.add_argument("--relevant-grade", type=int, default=1, help="least grade that counts as relevant")
    files.add_argument("--report", type=Path, metavar="HTML")
    own = parser.add_argument_group("your own data")
    own.add_argument("--data", type=Path, help="ENTRep folder, table or folder of captioned images")
    own.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)
    own.add_argument("--hold-out", type=Path, help="only these files, one a line, which training did not see")
    own.add_argument("--relevance", choices=WAYS, help="default: columns, pairs, captions")
    own.add_argument("--relevant-columns", type=_names, default=[], help="relevant is what agrees in these, a,b,c")
    own.add_argument("--languages", type=_names, default=["en"], help="captions that are asked: en or en,vi")
    own.add_argument("--promises", type=_names, default=None, help="of images,captions,groups (default: all)")
    for role in ("caption", "caption-vi", "group", "file"):
        own.add_argument(f"--{role}-column", default=role.replace("-", "_"), metavar="NAME")
    own.add_argument("--judge", choices=JUDGES, default="none")
    own.add_argument("--judge-columns", type=_names, default=[], help="the local judge reads these, not captions")
    own.add_argument("--judge-model", help="chooses among the models of a record")
    own.add_argument("--record", type=Path, help="recorded replies for --judge replay")
    own.add_argument("--fusion", default="corrected", help="corrected, published, … or a file that `tune` wrote")
    own.add_argument("--out", type=Path, default=Path("runs/evaluate/data"), help="run.trec, qrels.trec, report.html")
    fixed = parser.add_argument_group("the ladder")
    fixed.add_argument("--tuxpaint", type=Path, default=Path("../shared/data/tuxpaint"))
    fixed.add_argument("--only", nargs="+", choices=ladder.DATA, help="fewer data sets: writes no result")
    fixed.add_argument("--splits", type=int, default=SPLITS, help="folds of what is tuned")
    parser.add_argument("--work", type=Path, default=Path("runs/evaluate"), help="finished steps are kept here")
    parser.add_argument("--threads", type=int, default=2)


def run(args: argparse.Namespace) -> int:
    """Runs the use that the options choose; raises InvalidInputError where the environment lacks a package."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InvalidInputError(
            f"evaluation needs {', '.join(missing)}: pip install -r requirements-train.txt -r requirements-bench.txt "
            "into the training environment (.venv-train)"
        )
    if args.run and args.data:
        raise InvalidInputError("--run measures files, --data a data set; give one of them")
    if args.run:
        from .evaluate_runs import evaluate_runs  # noqa: PLC0415

        return evaluate_runs(args)
    if args.data:
        from .evaluate_data import evaluate_data  # noqa: PLC0415

        return evaluate_data(args)
    if args.qrels or args.report:
        raise InvalidInputError("--qrels and --report belong to --run; name the run files")
    return ladder.run(args)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
