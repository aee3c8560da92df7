"""Results files: one object {command, date, machine, versions, figures}, the only source of the README's figures."""

import datetime
import json
import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from runtime.files import write_json

from .timing import load_average, omp_environment

FOLDER = Path(__file__).parent / "results"
PACKAGES = (
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "tokenizers",
    "usearch",
    "gradio",
    "google-genai",
    "torch",
    "transformers",
    "sentence-transformers",
    "faiss-cpu",
    "hnswlib",
    "scipy",
    "scikit-learn",
    "ir-measures",
    "ranx",
)
PRESENTATION = ("--json", "--plot")  # options that change no figure
LOAD_AT_START = load_average()
SAVED: list[Path] = []  # what this process has written, for --json and --plot


def save_result(name: str, command: str, figures: dict[str, Any], *, folder: Path = FOLDER) -> Path:
    """Writes `name`.json and prints it as one JSON line; `command` is what makes the file again."""
    value = {
        "command": command,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "figures": figures,
    }
    path = folder / f"{name}.json"
    write_json(path, value)
    SAVED.append(path)
    print(json.dumps({"name": name, **value}, ensure_ascii=False))  # noqa: T201  the benchmark's last line
    return path


def machine() -> dict[str, Any]:
    """Processor, cores, memory (GiB), the load before and after, OMP_* variables; no host name.

    The load is the mean number of runnable processes in the minute before the benchmark began and in its last.
    """
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.is_file() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": model or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "system": platform.system(),
        "load": {"before": LOAD_AT_START, "after": load_average()},
        "omp": omp_environment(),
    }


def versions() -> dict[str, str]:
    """Python and the packages that decide a figure, where installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def command_line() -> str:
    """The running command as one would type it in the checkout, without the options that change no figure."""
    arguments, shown = [], True
    for argument in sys.argv[1:]:
        if argument.startswith("-"):
            shown = not argument.startswith(PRESENTATION)
        if shown:
            arguments.append(Path(argument).name if Path(argument).is_absolute() else argument)
    return " ".join(["python -m benchmarks", *arguments])


def print_table(rows: list[dict[str, Any]]) -> None:
    """Rows with the same keys as an aligned Markdown table; floats to three places."""
    keys = list(rows[0])
    text = [[f"{row[key]:.3f}" if isinstance(row[key], float) else str(row[key]) for key in keys] for row in rows]
    widths = [max(3, *(len(line[i]) for line in [keys, *text])) for i in range(len(keys))]
    rule = ["-" * (width - 1) + ":" for width in widths]
    for line in [keys, rule, *text]:
        cells = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        print("| " + " | ".join(cells) + " |")  # noqa: T201
