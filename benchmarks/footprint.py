"""Installed size, import time and memory of the runtime, in clean environments made from its requirements."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

from assets.phantoms import generate
from runtime.options import DEFAULT_BUNDLE

from .pipeline import ROOT, CommandFailedError
from .results import command_line, print_table, save_result

CORE_WITHOUT = ("gradio", "google-genai", "pydantic")
IMAGES = 60
IMPORTS = "import onnxruntime, usearch.index, numpy, cv2, tokenizers, runtime.systems.kger"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)


def run(args: argparse.Namespace) -> int:
    """Installs twice, imports, indexes, searches, and writes `kger_footprint.json`."""
    pins = (ROOT / "requirements-runtime.txt").read_text("utf-8").splitlines()
    core = [line for line in pins if line.split("==")[0].strip() not in CORE_WITHOUT]
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        whole, lean = _install(work / "whole", pins), _install(work / "core", core)
        generate(work / "data", images=IMAGES, seed=7)
        places = ["--bundle", str(args.bundle.resolve()), "--gallery", str(work / "gallery")]
        _python(lean, ["-m", "runtime", "index", str(work / "data"), *places])
        search = ["-m", "runtime", "search", "polyp in the right nasal cavity", *places]
        figures: dict[str, Any] = {
            "site_packages_mb": _size_mb(work / "whole"),
            "core_mb": _size_mb(work / "core"),
            "import_s": statistics.median(_python(lean, ["-c", IMPORTS])["wall_s"] for _ in range(7)),
            "search_wall_s": statistics.median(_python(lean, search)["wall_s"] for _ in range(5)),
            "search_peak_rss_mb": max(_python(lean, search)["peak_rss_mb"] for _ in range(3)),
            "gallery_items": IMAGES,
        }
        _python(whole, ["-c", "import gradio, google.genai"])
    print_table([figures])
    save_result("kger_footprint", command_line(), figures)
    return 0


def _install(folder: Path, pins: list[str]) -> Path:
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    wanted = [line for line in pins if line.strip() and not line.startswith("#")]
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *wanted], check=True)
    return python


def _size_mb(folder: Path) -> float:
    """Bytes of site-packages without pip and without compiled caches, which pip did not bring."""
    packages = next((folder / "lib").glob("python*/site-packages"))
    total = sum(
        path.stat().st_size
        for path in packages.rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and not path.relative_to(packages).parts[0].startswith("pip")
    )
    return total / 1e6


def _python(python: Path, arguments: list[str]) -> dict[str, float]:
    """Wall time and peak resident memory of one run, by the operating system's own account of that process."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    probe = (
        "import os, resource, subprocess, sys, time; t = time.perf_counter(); "
        "p = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); "
        "r = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(time.perf_counter() - t, r.ru_maxrss, p.returncode)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, str(python), *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    wall, peak_kib, code = done.stdout.split()
    if code != "0":
        raise CommandFailedError(f"{' '.join(arguments)} ended with {code}:\n{done.stderr[-2000:]}")
    return {"wall_s": float(wall), "peak_rss_mb": float(peak_kib) * 1024 / 1e6}
