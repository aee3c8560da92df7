"""Every benchmark in order, by the commands that made the committed results, each in a process of its own.

What fails is named at the end and stops nothing.
"""

import argparse
import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

from runtime.files import write_json

from .pipeline import ROOT
from .results import FOLDER, print_table

LAST = ("figures",)  # reads what the others wrote
APART = ("all",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--only", help="comma-separated commands instead of all")
    parser.add_argument("--python", default=sys.executable, help="an environment with torch and requirements-bench.txt")


def run(args: argparse.Namespace) -> int:
    """Runs them; 1 where one failed. `--json` receives {results name: result} of those written meanwhile."""
    from .__main__ import COMMANDS  # noqa: PLC0415  it imports this module

    names = [name for name in COMMANDS if name not in (*LAST, *APART)]
    if args.only:
        names = [name for name in args.only.split(",") if name]
    before = _stamps()
    rows = []
    for name, options in ((each, options) for each in names for options in recorded_options(each)):
        started = time.perf_counter()
        command = [args.python, "-m", "benchmarks", name, *options, *(["--plot", str(args.plot)] if args.plot else [])]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        told = " ".join([name, *options])
        rows.append({"command": told, "exit": code, "minutes": (time.perf_counter() - started) / 60})
    changed = [path for path, stamp in _stamps().items() if before.get(path) != stamp]
    if args.json:
        write_json(args.json, {path.stem: json.loads(path.read_text("utf-8")) for path in changed})
    print_table(rows)
    failed = [str(row["command"]) for row in rows if row["exit"]]
    if failed:
        sys.stderr.write(f"failed: {', '.join(failed)}; run one alone with `python -m benchmarks NAME`\n")
    return 1 if failed else 0


def recorded_options(name: str, folder: Path = FOLDER) -> list[list[str]]:
    """The options with which the benchmark made its results files, one list a command; without a file, its defaults."""
    commands = (json.loads(path.read_text("utf-8"))["command"] for path in sorted(folder.glob("*.json")))
    words = (shlex.split(command)[3:] for command in commands)  # after `python -m benchmarks`
    found = {tuple(options) for own, *options in words if own == name}
    return [list(options) for options in sorted(found)] or [[]]


def _stamps() -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in sorted(FOLDER.glob("*.json"))}
