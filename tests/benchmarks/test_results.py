"""A results file names what made it, and nothing of whose machine it was."""

import json
import os
import platform
import socket
import sys
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.results import command_line, machine, print_table, save_result, versions

COMMITTED = sorted(results.FOLDER.glob("*.json"))


def test_a_saved_result_is_one_object_and_the_last_line_printed(tmp_path: Path, capsys):
    figures = {"r1": 0.25, "rows": [{"phrase": "tai trái"}]}
    path = save_result("name", "python -m benchmarks name", figures, folder=tmp_path)
    value = json.loads(path.read_text("utf-8"))
    assert list(value) == ["command", "date", "machine", "versions", "figures"]
    assert value["figures"] == figures
    assert value["command"] == "python -m benchmarks name"
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"name": "name", **value}


def test_the_machine_is_described_without_its_name():
    found = machine()
    assert found["cores"] == os.cpu_count()
    assert found["memory_gib"] > 0.1
    assert found["processor"]
    assert socket.gethostname() not in json.dumps(found)


def test_the_machine_s_load_before_and_after_and_how_its_pools_wait_are_recorded(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    found = machine()
    assert found["omp"]["OMP_NUM_THREADS"] == "3"
    assert found["load"]["before"] == results.LOAD_AT_START
    assert found["load"]["after"] == pytest.approx(os.getloadavg()[0], abs=0.5)


def test_versions_are_those_installed():
    import numpy
    import onnxruntime

    found = versions()
    assert found["python"] == platform.python_version()
    assert (found["numpy"], found["onnxruntime"]) == (numpy.__version__, onnxruntime.__version__)


def test_the_command_is_as_one_types_it_in_the_checkout(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["__main__.py", "tuxpaint", "--data", str(tmp_path / "pictures"), "--seeds", "5"])
    assert command_line() == "python -m benchmarks tuxpaint --data pictures --seeds 5"


@pytest.mark.parametrize("options", [["--plot"], ["--plot", "pictures"], ["--json", "file.json", "--plot"]])
def test_options_that_change_no_figure_are_not_part_of_the_command(monkeypatch, options):
    monkeypatch.setattr(sys, "argv", ["__main__.py", "cost", "--rounds", "3", *options, "--threads", "1"])
    assert command_line() == "python -m benchmarks cost --rounds 3 --threads 1"


def test_a_table_is_aligned_markdown_and_rounds_to_three_places(capsys):
    print_table([{"split": "row", "r1": 0.12345}, {"split": "grouped", "r1": 1.0}])
    lines = capsys.readouterr().out.splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells == [["split", "r1"], ["------:", "----:"], ["row", "0.123"], ["grouped", "1.000"]]
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_every_committed_result_says_how_it_is_made_again(path):
    value = json.loads(path.read_text("utf-8"))
    assert list(value) == ["command", "date", "machine", "versions", "figures"]
    assert value["command"].startswith("python -m ")
    assert value["figures"]
    assert {"python", "numpy"} <= set(value["versions"])
