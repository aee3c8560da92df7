import datetime
import hashlib
import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import cv2
import pytest

from assets.drive.__main__ import main
from assets.drive.layout import generate
from assets.phantoms.errors import PhantomError
from runtime.carim.rows import read_frames, read_rows

ROOT = Path(__file__).resolve().parents[3]
SCENES, SECONDS, SEED = 2, 3.0, 7
# nuScenes' own keys
KEYS = {
    "scene": "token log_token nbr_samples first_sample_token last_sample_token name description",
    "sample": "token timestamp prev next scene_token",
    "sample_data": "token sample_token ego_pose_token calibrated_sensor_token timestamp fileformat is_key_frame height "
    "width filename prev next",
    "calibrated_sensor": "token sensor_token translation rotation camera_intrinsic",
    "ego_pose": "token timestamp rotation translation",
    "sensor": "token channel modality",
    "log": "token logfile vehicle date_captured location",
    "map": "token log_tokens category filename",
    "attribute": "token name description",
    "category": "token name description",
    "visibility": "token level description",
    "instance": "",
    "sample_annotation": "",
}


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "drive"
    generate(out, scenes=SCENES, seconds=SECONDS, seed=SEED, only="drawn", ready=True)
    return out / "drawn"


@pytest.fixture(scope="module")
def tables(made):
    return {path.stem: json.loads(path.read_text("utf-8")) for path in (made / "v1.0-phantom").glob("*.json")}


def test_all_thirteen_tables_have_nuscenes_keys_and_tokens_of_their_own(tables):
    assert set(tables) == set(KEYS)
    for name, records in tables.items():
        assert all(set(record) == set(KEYS[name].split()) for record in records), name
        assert len({record["token"] for record in records}) == len(records)
        assert bool(records) == bool(KEYS[name])


def test_every_token_points_to_a_record(tables):
    tokens = {name: {record["token"] for record in records} for name, records in tables.items()}
    links = [
        ("scene", "log_token", "log"),
        ("sample", "scene_token", "scene"),
        ("sample_data", "sample_token", "sample"),
        ("sample_data", "ego_pose_token", "ego_pose"),
        ("sample_data", "calibrated_sensor_token", "calibrated_sensor"),
        ("calibrated_sensor", "sensor_token", "sensor"),
    ]
    for name, key, target in links:
        assert {record[key] for record in tables[name]} <= tokens[target], key
    assert set(tables["map"][0]["log_tokens"]) == tokens["log"]


def test_chains_run_from_the_first_to_the_last_and_counts_agree(tables):
    samples = {sample["token"]: sample for sample in tables["sample"]}
    for scene in tables["scene"]:
        walked, token, before = [], scene["first_sample_token"], ""
        while token:
            assert samples[token]["prev"] == before
            assert samples[token]["scene_token"] == scene["token"]
            walked.append(samples[token]["timestamp"])
            before, token = token, samples[token]["next"]
        assert before == scene["last_sample_token"]
        assert len(walked) == scene["nbr_samples"] == SECONDS * 2
        assert {b - a for a, b in pairwise(walked)} == {500_000}
    data = {entry["token"]: entry for entry in tables["sample_data"]}
    assert sum(not entry["prev"] for entry in data.values()) == SCENES
    for entry in data.values():
        if entry["next"]:
            assert data[entry["next"]]["prev"] == entry["token"]
            assert data[entry["next"]]["timestamp"] - entry["timestamp"] == 100_000


def test_each_sample_has_one_key_frame_and_each_sweep_the_nearest_sample(tables):
    samples = {sample["token"]: sample["timestamp"] for sample in tables["sample"]}
    keys = [entry for entry in tables["sample_data"] if entry["is_key_frame"]]
    assert sorted(entry["sample_token"] for entry in keys) == sorted(samples)
    for entry in tables["sample_data"]:
        apart = abs(entry["timestamp"] - samples[entry["sample_token"]])
        assert apart == 0 if entry["is_key_frame"] else apart <= 400_000
        assert entry["filename"].startswith("samples/" if entry["is_key_frame"] else "sweeps/")


def test_pictures_are_where_the_tables_say_and_nowhere_else(made, tables):
    named = {entry["filename"] for entry in tables["sample_data"]}
    assert named == {str(path.relative_to(made)) for path in made.rglob("*.jpg")}
    assert len(named) == SCENES * SECONDS * 10
    assert cv2.imread(str(made / min(named))).shape == (270, 480, 3)


def test_the_hour_in_a_file_name_is_the_scenes_time_of_day_and_that_of_its_stamp(made):
    zone = datetime.timezone(datetime.timedelta(hours=8))
    for row in read_rows(made).rows:
        log, _, stamp = Path(row.image).stem.split("__")
        named = datetime.datetime.strptime(log.partition("-")[2], "%Y-%m-%d-%H-%M-%S%z")
        taken = datetime.datetime.fromtimestamp(int(stamp) / 1e6, zone)
        assert abs((taken - named).total_seconds()) < 60
        assert row.timestamp == int(stamp) / 1e6
        time = next(n for n, h in (("morning", 12), ("daytime", 17), ("evening", 20), ("night", 24)) if named.hour < h)
        assert row.meta["time_of_day"] == ("night" if named.hour < 5 else time)


def test_captions_and_ready_rows_tell_the_same_of_every_key_frame(made, tables):
    given = [json.loads(line) for line in (made / "captions.jsonl").read_text("utf-8").splitlines()]
    rows = read_rows(made)
    assert rows.problems == ()
    assert (
        [entry["token"] for entry in given] == [row.id for row in rows.rows] == [s["token"] for s in tables["sample"]]
    )
    for entry, row in zip(given, rows.rows, strict=True):
        assert set(entry) == {"token", "caption", "elements", "meta"}
        assert (entry["caption"], tuple(entry["elements"])) == (row.caption, row.elements)
        assert rows.image_path(row).is_file()
        film = read_frames(made / row.meta["frames"])
        assert [f.timestamp for f in film if f.image == row.image] == [row.timestamp]
        assert sum(f.key for f in film) * 5 == len(film) == SECONDS * 10
    manifest = json.loads((made / "carim.json").read_text("utf-8"))
    assert manifest["synthetic"] is True
    assert manifest["sha256"] == hashlib.sha256((made / "rows.jsonl").read_bytes()).hexdigest()


def test_an_interrupted_run_is_continued_to_the_same_bytes(made, tmp_path):
    out = tmp_path / "drive"
    generate(out, scenes=SCENES, seconds=SECONDS, seed=SEED, only="drawn", ready=True)
    for path in [*sorted((out / "drawn" / "sweeps").rglob("*.jpg"))[::3], out / "drawn" / "captions.jsonl"]:
        path.unlink()
    kept = next((out / "drawn" / "samples").rglob("*.jpg"))
    before = kept.stat().st_mtime_ns
    generate(out, scenes=SCENES, seconds=SECONDS, seed=SEED, only="drawn", ready=True)
    assert digests(out / "drawn") == digests(made)
    assert kept.stat().st_mtime_ns == before, "what is there is kept"


def test_the_command_writes_what_the_function_writes_and_both_parts_share_a_folder(made, tmp_path):
    command = [sys.executable, "-m", "assets.drive", str(tmp_path / "drive"), "--text-scenes", "5", "--only", "text"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "5 scenes" in done.stdout
    assert "synthetic" in done.stdout
    generate(tmp_path / "drive", scenes=1, seconds=1.0, seed=SEED, only="drawn")
    assert not (tmp_path / "drive" / "drawn" / "rows.jsonl").exists(), "without --ready that is carim-build's"
    parts = json.loads((tmp_path / "drive" / "drive.json").read_text("utf-8"))["parts"]
    assert parts == {"text": {"scenes": 5}, "drawn": {"scenes": 1, "seconds": 1.0}}


def test_another_drive_a_foreign_folder_and_senseless_numbers_are_refused(tmp_path, capsys):
    generate(tmp_path / "drive", text_scenes=3, only="text")
    with pytest.raises(PhantomError, match="another phantom drive"):
        generate(tmp_path / "drive", text_scenes=4, only="text")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("keep")
    assert main([str(tmp_path / "mine"), "--only", "text"]) == 2
    assert "holds no phantom drive" in capsys.readouterr().err
    for wrong in ({"scenes": 0}, {"text_scenes": 0}, {"seconds": 0.1}, {"seed": -1}):
        with pytest.raises(PhantomError, match="--"):
            generate(tmp_path / "new", **wrong)
    assert not (tmp_path / "new").exists()
