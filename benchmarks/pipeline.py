"""Training and export by their command lines, as a user runs them."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from runtime.errors import KgerError

ROOT = Path(__file__).parent.parent


class CommandFailedError(KgerError, RuntimeError):
    """A step of a benchmark ended with an error; the message holds its last lines."""


def run_module(module: str, *arguments: object, python: str = sys.executable) -> None:
    """`python -m module arguments`, in the checkout; raises CommandFailedError where it fails."""
    command = [python, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise CommandFailedError(f"{' '.join(command[1:])} ended with {done.returncode}:\n{tail}")


def export_once(system: str, run: Path, bundle: Path, *options: object, python: str = sys.executable) -> None:
    """Exports a run of `system` into the folder `bundle`, where no finished bundle stands yet."""
    if not (bundle / "manifest.json").is_file():
        run_module("export", system, run, "--out", bundle, *options, python=python)


def train_and_export(
    data: Path,
    work: Path,
    *,
    hold_out: Sequence[str] = (),
    precision: str = "fp32",
    options: Sequence[object] = (),
    export_options: Sequence[object] = (),
    python: str = sys.executable,
) -> Path:
    """A bundle trained on `data` without the files in `hold_out`; finished steps in `work` are kept.

    Returns the bundle's folder.
    """
    work.mkdir(parents=True, exist_ok=True)
    listing = work / "hold-out.txt"
    listing.write_text("\n".join(hold_out), "utf-8")
    run, bundle = work / "run", work / f"bundle-{precision}"
    run_module("train", "kger", "--data", data, "--out", run, "--hold-out", listing, *options, python=python)
    export_once("kger", run, bundle, "--precision", precision, *export_options, python=python)
    return bundle
