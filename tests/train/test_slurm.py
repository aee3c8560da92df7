"""The job scripts run by plain bash: what they start, what they refuse, and two shards built and merged for real."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.carim.rows import read_rows
from tests.conftest import ROOT
from tests.train.carim.drives import rows, write_jsonl

SCRIPTS = sorted((ROOT / "train" / "slurm").glob("*.sh"))
ARRAY, VIEWER = ROOT / "train" / "slurm" / "carim_array.sh", ROOT / "train" / "slurm" / "viewer.sh"


def run(script: Path, **variables: object) -> "subprocess.CompletedProcess[str]":
    """The script in an environment with these variables and none of a job's own."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("SLURM") and k not in {"USER", "DATA", "OUT"}}
    given = plain | {"USER": "someone", "PYTHON": sys.executable} | {k: str(v) for k, v in variables.items()}
    return subprocess.run(["bash", script], cwd=ROOT, env=given, capture_output=True, text=True, check=False)


def dry(script: Path, **variables: object) -> list[str]:
    """The words of the command that would be run, without the interpreter."""
    done = run(script, DRY_RUN=1, **variables)
    assert done.returncode == 0, done.stderr
    return shlex.split(done.stdout.splitlines()[-1])[1:]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_sound_executable_and_names_no_site(script: Path) -> None:
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert os.access(script, os.X_OK)
    text = script.read_text("utf-8")
    assert not re.search(r"^#SBATCH.*(partition|account|qos|mail|nodelist|gres)", text, re.MULTILINE)
    used = set(re.findall(r"\$\{([A-Z]+)[:}]", text)) - {"USER"}
    documented = set(re.findall(r"^# ([A-Z_]+) ", text, re.MULTILINE))
    assert {name for name in used if not name.startswith("SLURM")} <= documented


def test_every_step_starts_its_command_with_its_own_part() -> None:
    common = {"SLURM_ARRAY_TASK_ID": 3, "DATA": "my data", "OUT": "out", "SHARDS": 8}
    assert dry(ARRAY, STEP="build", SOURCE="nuscenes", EXTRA="--captioner given --strict", **common) == [
        "-m", "train", "carim-build", "my data", "--source", "nuscenes", "--out", "out", "--shard", "3/8",
        "--captioner", "given", "--strict",
    ]  # fmt: skip
    assert dry(ARRAY, STEP="train", **common) == [
        "-m", "train", "carim", "--data", "my data", "--out", "out/seed-3", "--seed", "3",
    ]  # fmt: skip
    assert dry(ARRAY, STEP="index", BUNDLE="b", **common) == [
        "-m", "runtime", "carim", "index", "my data/shards/shard-3-of-8", "--gallery", "out/shard-3-of-8",
        "--bundle", "b",
    ]  # fmt: skip
    whole = common | {"SLURM_ARRAY_TASK_ID": 0, "SHARDS": 1}
    assert dry(ARRAY, STEP="index", **whole) == ["-m", "runtime", "carim", "index", "my data", "--gallery", "out"]
    assert dry(ARRAY, STEP="merge", **whole) == ["-m", "train", "carim-merge", "out"]


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, "SLURM_ARRAY_TASK_ID is ''; submit with sbatch --array=0-N"),
        ({"SLURM_ARRAY_TASK_ID": 0}, "STEP is ''; expected build, merge, train or index"),
        ({"SLURM_ARRAY_TASK_ID": 0, "STEP": "build", "DATA": "d", "OUT": "o", "SHARDS": 2}, "needs SOURCE"),
        ({"SLURM_ARRAY_TASK_ID": 2, "STEP": "index", "DATA": "d", "OUT": "o", "SHARDS": 2}, "submit with --array=0-1"),
        ({"SLURM_ARRAY_TASK_ID": 0, "STEP": "index", "DATA": "d", "OUT": "o", "SHARDS": "x"}, "SHARDS is 'x'"),
        ({"SLURM_ARRAY_TASK_ID": 1, "STEP": "merge", "OUT": "o"}, "one task; submit with --array=0"),
        ({"SLURM_ARRAY_TASK_ID": 0, "STEP": "train", "CHECKOUT": "tests"}, "is no checkout"),
    ],
)
def test_what_lacks_is_said_before_anything_runs(variables: dict[str, object], says: str) -> None:
    done = run(ARRAY, **variables)
    assert done.returncode == 2
    assert says in done.stderr


def test_two_shards_are_built_and_merged_and_a_missing_one_is_refused(tmp_path: Path) -> None:
    data = write_jsonl(tmp_path / "data.jsonl", rows(8))
    given = {"DATA": data, "OUT": tmp_path / "out", "SOURCE": "jsonl", "SHARDS": 2, "EXTRA": "--captioner given"}

    def build(index: int) -> None:
        done = run(ARRAY, STEP="build", SLURM_ARRAY_TASK_ID=index, **given)
        assert done.returncode == 0, done.stderr

    build(0)
    given_merge = given | {"EXTRA": "--strict", "STEP": "merge", "SLURM_ARRAY_TASK_ID": 0}
    early = run(ARRAY, **given_merge)
    assert (early.returncode, "shard 1 of 2 is missing" in early.stderr) == (2, True)
    assert not (tmp_path / "out" / "rows.jsonl").exists()
    build(1)
    merged = run(ARRAY, **given_merge)
    assert merged.returncode == 0, merged.stderr
    assert {row.id for row in read_rows(tmp_path / "out").rows} == {row["id"] for row in rows(8)}


def test_the_viewer_says_how_to_reach_it_and_listens_on_the_node_alone(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", rows(1))
    job = {"SLURM_JOB_ID": 40123, "SLURMD_NODENAME": "node7", "SLURM_SUBMIT_HOST": "login1", "DATA": tmp_path}
    done = run(VIEWER, DRY_RUN=1, EXTRA="--auth a:b", **job)
    assert "ssh -N -L 20123:127.0.0.1:20123 -J someone@login1 someone@node7\n" in done.stdout
    assert "http://127.0.0.1:20123\n" in done.stdout
    assert dry(VIEWER, EXTRA="--auth a:b", PORT=7001, **job) == [
        "-m", "demo", "--carim", str(tmp_path), "--host", "127.0.0.1", "--port", "7001", "--auth", "a:b",
    ]  # fmt: skip
    assert "-J" not in run(VIEWER, DRY_RUN=1, **job | {"LOGIN": "node7"}).stdout
    for variables, says in (({}, "needs DATA"), ({"DATA": tmp_path / "none"}, "holds no rows.jsonl")):
        refused = run(VIEWER, **variables)
        assert (refused.returncode, says in refused.stderr) == (2, True)
