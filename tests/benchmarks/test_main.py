"""One command line for all benchmarks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import COMMANDS, MODULES
from benchmarks.every import recorded_options
from benchmarks.pipeline import ROOT


def _benchmarks(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)


def test_every_command_has_its_module():
    for command in COMMANDS:
        module = MODULES.get(command, command).replace(".", "/")
        assert (ROOT / "benchmarks" / f"{module}.py").is_file()


@pytest.mark.parametrize("command", ["latency", "footprint"])
def test_every_command_takes_json_and_plot(command):
    done = _benchmarks(command, "--help")
    assert done.returncode == 0, done.stderr
    assert "--json" in done.stdout
    assert "--plot" in done.stdout


def test_all_goes_on_after_a_failure_and_names_what_failed(tmp_path: Path):
    done = _benchmarks("all", "--only", "nosuch,neither", "--json", tmp_path / "all.json")
    assert done.returncode == 1
    assert "failed: nosuch, neither" in done.stderr
    assert done.stdout.count("nosuch") == done.stdout.count("neither") == 1
    assert json.loads((tmp_path / "all.json").read_text("utf-8")) == {}


def test_all_runs_a_benchmark_as_its_results_were_made_and_by_its_defaults_where_there_are_none(tmp_path):
    (tmp_path / "one.json").write_text('{"command": "python -m benchmarks ent --parts latency --rounds 15"}', "utf-8")
    (tmp_path / "two.json").write_text('{"command": "python -m benchmarks ent --seed 202"}', "utf-8")
    (tmp_path / "three.json").write_text('{"command": "python -m benchmarks ent --seed 202"}', "utf-8")
    assert recorded_options("ent", tmp_path) == [["--parts", "latency", "--rounds", "15"], ["--seed", "202"]]
    assert recorded_options("entropy", tmp_path) == [[]]
