import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from assets.phantoms import PhantomError, generate
from assets.phantoms.__main__ import main
from assets.phantoms.findings import CLASSES

ROOT = Path(__file__).resolve().parents[2]
IMAGES, SEED = 24, 3


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "set"
    seen = []
    generate(folder, images=IMAGES, seed=SEED, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, IMAGES) for done in range(1, IMAGES + 1)]
    return folder


def test_the_layout_is_complete_and_agrees_with_the_truth(made):
    truth = list(csv.DictReader((made / "truth.csv").read_text("utf-8").splitlines()))
    numbers = json.loads((made / "cls.json").read_text("utf-8"))
    records = {record["Path"]: record for record in json.loads((made / "data.json").read_text("utf-8"))}
    by_name = {kind.name: kind for kind in CLASSES}
    files = {path.name for path in (made / "imgs").iterdir()}
    assert len(truth) == IMAGES
    assert files == {row["file"] for row in truth} == set(numbers) == set(records)
    for row in truth:
        kind, record = by_name[row["class"]], records[row["file"]]
        assert (row["region"], row["side"], row["state"]) == (kind.region, kind.side, kind.state)
        assert numbers[row["file"]] == kind.number
        assert set(record) == {"Path", "Classification", "Type", "Description", "DescriptionEN"}
        assert (record["Classification"], record["Type"]) == (row["class"], row["finding"])
        assert (record["DescriptionEN"], record["Description"]) == (row["caption"], row["caption_vi"])
        assert row["caption_2"] not in {"", row["caption"]}
    for name in ("t2i.json", "i2i.json"):
        queries = json.loads((made / name).read_text("utf-8"))
        assert queries or name == "i2i.json"  # so few images need not hold two of one finding
        assert set(queries.values()) <= files
    assert "synthetic phantom" in (made / "README.txt").read_text("utf-8").lower()
    assert not list(made.rglob("*.part"))


def test_pictures_are_png_of_640_by_480(made):
    for path in (made / "imgs").iterdir():
        assert path.read_bytes().startswith(b"\x89PNG")
        assert cv2.imread(str(path)).shape == (480, 640, 3)


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_threads(made, tmp_path):
    generate(tmp_path / "again", images=IMAGES, seed=SEED, workers=1)
    assert digests(tmp_path / "again") == digests(made)


def test_another_seed_gives_other_pictures(made, tmp_path):
    generate(tmp_path / "other", images=4, seed=SEED + 1)
    pictures = {digest for name, digest in digests(made).items() if name.startswith("imgs")}
    assert not pictures & set(digests(tmp_path / "other").values())


def test_an_interrupted_run_is_continued_to_the_same_set(made, tmp_path):
    command = [sys.executable, "-m", "assets.phantoms", str(tmp_path / "cut"), "--images", str(IMAGES)]
    command += ["--seed", str(SEED), "--workers", "1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, bufsize=0) as process:
        heard = b""
        while b"10/" not in heard:
            piece = process.stdout.read(64)
            assert piece, heard
            heard += piece
        os.kill(process.pid, signal.SIGKILL)
    assert not (tmp_path / "cut" / "truth.csv").exists()
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cut" / "imgs").glob("phantom_*.png")}
    assert len(kept) >= 10
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert digests(tmp_path / "cut") == digests(made)
    for name, written in kept.items():
        assert (tmp_path / "cut" / "imgs" / name).stat().st_mtime_ns == written


def test_a_short_picture_is_drawn_again_and_a_finished_set_is_left_alone(made, tmp_path):
    folder = tmp_path / "set"
    generate(folder, images=4, seed=SEED)
    before = digests(folder)
    broken = folder / "imgs" / "phantom_00002.png"
    broken.write_bytes(broken.read_bytes()[:5000])
    whole = (folder / "imgs" / "phantom_00001.png").stat().st_mtime_ns
    generate(folder, images=4, seed=SEED)
    assert digests(folder) == before
    assert (folder / "imgs" / "phantom_00001.png").stat().st_mtime_ns == whole


def test_a_folder_of_something_else_is_refused_even_by_force(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for force in (False, True):
        with pytest.raises(PhantomError, match="is not empty and holds no phantom set"):
            generate(tmp_path, images=2, seed=1, force=force)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_another_set_is_replaced_only_by_force_and_foreign_files_stay(tmp_path):
    folder = tmp_path / "set"
    generate(folder, images=3, seed=1)
    (folder / "notes.txt").write_text("mine")
    before = digests(folder)
    with pytest.raises(PhantomError, match="--force to replace"):
        generate(folder, images=2, seed=1)
    assert digests(folder) == before
    generate(folder, images=2, seed=1, force=True)
    assert len(list((folder / "imgs").iterdir())) == 2
    assert (folder / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--images", "0"], "--images 0: at least one image is needed"),
        (["--seed", "-1"], "--seed -1: a seed is a number from 0 upwards"),
    ],
)
def test_the_command_line_says_what_is_wrong(arguments, sentence, tmp_path, capsys):
    assert main([str(tmp_path / "out"), *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_command_line_refuses_a_file_and_a_folder_that_is_not_empty(tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    assert main([str(tmp_path / "file"), "--images", "1"]) == 2
    assert "is a file; give a folder" in capsys.readouterr().err
    assert main([str(tmp_path), "--images", "1"]) == 2
    assert "is not empty" in capsys.readouterr().err


def test_the_command_line_writes_a_set_and_says_so(tmp_path, capsys):
    assert main([str(tmp_path / "out"), "--images", "2", "--seed", "5"]) == 0
    assert "2/2 images" in capsys.readouterr().out


def test_the_contact_sheet_is_a_small_wide_picture(tmp_path, capsys):
    sheet = tmp_path / "sheet.jpg"
    assert main(["--contact-sheet", str(sheet)]) == 0
    assert 1100 <= cv2.imread(str(sheet)).shape[1] <= 1300
    assert sheet.stat().st_size < 400_000
    assert main(["--contact-sheet", str(tmp_path / "sheet.gif")]) == 2
    assert "must end in .png, .jpg or .jpeg" in capsys.readouterr().err
