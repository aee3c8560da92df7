"""The clock around a process stops at the line it waits for, and the gallery it searches is a real one."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from benchmarks.coldstart import QUERY, STAGE_NAMES, STAGES, in_turn, is_first_hit, make_gallery, seconds_to_line
from benchmarks.pipeline import CommandFailedError
from runtime.bundle import Bundle
from runtime.gallery import Gallery
from tests.conftest import ROOT, run_module


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_the_clock_stops_at_the_wanted_line_and_not_at_the_end():
    program = "print('query'); print('  1 1 a.png', flush=True); sum(range(5 * 10**6))"
    started = time.perf_counter()
    seconds = seconds_to_line(python(program), is_first_hit)
    assert 0 < seconds < time.perf_counter() - started


@pytest.mark.parametrize("program", ["print('no hit here')", "print('1 1 a.png'); raise SystemExit(3)"])
def test_a_process_without_a_hit_or_with_an_error_is_no_figure(program):
    with pytest.raises(CommandFailedError, match="ended with"):
        seconds_to_line(python(program), is_first_hit)


def test_every_variant_runs_in_every_round_and_another_begins_each():
    calls: list[str] = []

    def called(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    seconds = in_turn({name: lambda name=name: called(name) for name in "abc"}, rounds=3)
    assert "".join(calls) == "abc" + "abc" + "bca" + "cab"
    assert seconds["a"] == [4, 9, 11]


def test_the_search_finds_its_first_hit_in_the_synthetic_gallery(bundle_folder, tmp_path):
    bundle = Bundle.open(bundle_folder)
    make_gallery(tmp_path / "gallery", bundle, items=30)
    with Gallery.open(tmp_path / "gallery", fingerprint=bundle.manifest.fingerprint) as gallery:
        assert len(gallery) == 30
        np.testing.assert_allclose(np.linalg.norm(gallery.snapshot().vectors, axis=1), 1, atol=1e-5)
    places = ["--bundle", bundle_folder, "--gallery", tmp_path / "gallery"]
    done = run_module("runtime", "search", QUERY, *places)
    assert sum(is_first_hit(line) for line in done.stdout.splitlines()) == 1, done.stderr


def test_the_stages_are_as_many_as_their_names(bundle_folder, tmp_path):
    make_gallery(tmp_path / "gallery", Bundle.open(bundle_folder), items=30)
    command = [*python(STAGES), str(bundle_folder), str(tmp_path / "gallery"), QUERY]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seconds = json.loads(done.stdout)
    assert len(seconds) == len(STAGE_NAMES)
    assert min(seconds) >= 0
