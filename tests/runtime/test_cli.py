"""The command line, as a user meets it: what it prints, its exit codes, and one sentence for every error."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from runtime.bundle import TOKENIZER, Bundle
from runtime.cli import main
from runtime.gallery import Gallery

from .killing import check_survivors, kill_index, make_pictures

ROOT = Path(__file__).resolve().parents[2]
TEXT = "right nasal cavity with mucus"


@pytest.fixture
def places(bundle_folder: Path, small_gallery: Path) -> list[str]:
    return ["--bundle", str(bundle_folder), "--gallery", str(small_gallery), "--threads", "2"]


@pytest.fixture
def pictures(phantoms: Path, tmp_path: Path) -> Path:
    """A folder with three pictures, a broken one and an empty one."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for path in sorted((phantoms / "imgs").iterdir())[:3]:
        shutil.copyfile(path, folder / path.name)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    (folder / "empty.jpg").touch()
    return folder


@pytest.fixture
def copied_bundle(bundle_folder: Path, tmp_path: Path) -> Path:
    shutil.copytree(bundle_folder, tmp_path / "bundles" / "copy")
    return tmp_path / "bundles" / "copy"


def sentence(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Runs a command that must fail, and returns its only line on stderr."""
    assert main([str(a) for a in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_index_names_what_it_skips_and_a_second_run_adds_nothing(pictures, bundle_folder, tmp_path, capsys):
    command = ["index", str(pictures), "--bundle", str(bundle_folder), "--gallery", str(tmp_path / "g"), "--batch", "2"]
    assert main(command) == 0
    captured = capsys.readouterr()
    assert re.fullmatch(r"3 added \(\d+\.\d images/s\), 0 unchanged, 2 skipped; 3 in the gallery\n", captured.out)
    for name in ("broken.png", "empty.jpg"):
        assert captured.err.count(name) == 1, "every bad file is named, once"
    assert main([*command, "--strict"]) == 1
    assert capsys.readouterr().out == "0 added, 3 unchanged, 2 skipped; 3 in the gallery\n"
    for name in ("broken.png", "empty.jpg"):
        (pictures / name).unlink()
    assert main([*command, "--strict"]) == 0
    assert capsys.readouterr().out == "0 added, 3 unchanged, 0 skipped; 3 in the gallery\n"


def test_index_reads_a_table_with_columns_of_other_names(pictures, bundle_folder, tmp_path, capsys):
    names = sorted(path.name for path in pictures.glob("phantom*"))
    with (pictures / "table.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["picture", "en", "size_mm"])
        writer.writerows([name, f"caption {i}", i] for i, name in enumerate(names))
    places = ["--bundle", str(bundle_folder), "--gallery", str(tmp_path / "g")]
    columns = ["--file-column", "picture", "--caption-column", "en"]
    assert main(["index", str(pictures / "table.csv"), *places, *columns]) == 0
    assert main(["search", "caption", *places, "--where", "size_mm>=1", "--json"]) == 0
    result = json.loads(capsys.readouterr().out.split("\n", 1)[1])
    assert {candidate["caption"] for candidate in result["candidates"]} == {"caption 1", "caption 2"}


def test_search_prints_a_table_of_the_final_ranking(places, capsys):
    assert main(["search", TEXT, *places, "-k", "3"]) == 0
    out = capsys.readouterr().out
    assert TEXT in out
    assert len([line for line in out.splitlines() if line.endswith(".png")]) == 3
    assert "encode" in out.splitlines()[-1]


def test_search_with_json_prints_the_whole_result_and_nothing_else(places, phantoms, capsys):
    image = sorted((phantoms / "imgs").iterdir())[2]
    options = [
        "--image",
        str(image),
        "--json",
        "-k",
        "4",
        "--mode",
        "votes",
        "--judge",
        "local",
        "--fusion",
        "published",
    ]
    assert main(["search", TEXT, *places, *options]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["query"] == {"text": TEXT, "image": image.name}
    assert (result["mode"], result["judge"]) == ("votes", "local caption judge with ENT knowledge")
    assert len(result["candidates"]) == len(result["judgements"]) == len(result["ranking"]) == 4
    assert [place["rank"] for place in result["ranking"]] == [1, 2, 3, 4]


def test_search_by_an_image_alone_finds_that_image(places, phantoms, capsys):
    image = sorted((phantoms / "imgs").iterdir())[4]
    for text in ([], [""]):
        assert main(["search", *text, "--image", str(image), *places, "--json", "-k", "1"]) == 0
        found = json.loads(capsys.readouterr().out)["candidates"][0]["path"]
        assert Path(found).name == image.name


def test_filters_may_be_repeated(places, capsys):
    filters = ["--where", "class=nose-right|nose-left", "--where", "class!=nose-left"]
    assert main(["search", TEXT, *places, *filters, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["candidates"]
    assert found
    assert {candidate["metadata"]["class"] for candidate in found} == {"nose-right"}


def test_nothing_found_is_said_in_words(places, capsys):
    assert main(["search", TEXT, *places, "--where", "class=elbow"]) == 0
    assert "nothing found" in capsys.readouterr().out


def test_batch_writes_the_published_files(places, tmp_path, capsys):
    queries = ["left ear", "polyp, in the nose", "dây thanh đóng"]
    (tmp_path / "t2i.csv").write_text("\n".join(queries) + "\n", "utf-8")
    out = tmp_path / "out"
    command = ["batch", "--queries", str(tmp_path / "t2i.csv"), "--out", str(out), *places]
    assert main([*command, "--judge", "local"]) == 0
    files = ["image_retrieval_results.csv", "judge_scores.json", "submission.json"]
    assert capsys.readouterr().out.splitlines() == [str(out / name) for name in files]
    with (out / files[0]).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["text"] for row in rows] == queries
    scores, submission = (json.loads((out / name).read_text("utf-8")) for name in files[1:])
    assert list(scores) == list(submission) == queries
    for row in rows:
        names = json.loads(row["image_name"])
        assert len(set(names)) == 5
        assert submission[row["text"]] in names
        assert {entry["image_name"] for entry in scores[row["text"]]} == set(names)
        ordered = [entry["overall_score"] for entry in scores[row["text"]]]
        assert ordered == sorted(ordered, reverse=True)


def test_info_says_what_the_bundle_and_the_gallery_are(places, bundle_folder, tmp_path, capsys):
    assert main(["info", *places]) == 0
    out = capsys.readouterr().out
    manifest = Bundle.open(bundle_folder).manifest
    for expected in (
        manifest.precision,
        f"{manifest.folds} folds × {manifest.dims}",
        "24 items",
        "class",
        "Apache-2.0",
    ):
        assert expected in out
    assert manifest.fingerprint[:16] in out
    assert main(["info", "--bundle", str(bundle_folder), "--gallery", str(tmp_path / "none")]) == 0
    assert "python -m runtime index" in capsys.readouterr().out


def test_verify_finds_a_flipped_bit_in_the_bundle(copied_bundle, small_gallery, capsys):
    places = ["--bundle", copied_bundle, "--gallery", small_gallery]
    assert main(["verify", *map(str, places)]) == 0
    assert "every file matches its SHA-256" in capsys.readouterr().out
    path = copied_bundle / TOKENIZER
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    for command in (["verify"], ["info"], ["search", TEXT]):
        assert TOKENIZER in sentence(capsys, *command, *places)


def test_verify_lists_the_gallerys_faults_and_exits_with_one(pictures, bundle_folder, tmp_path, capsys):
    places = ["--bundle", str(bundle_folder), "--gallery", str(tmp_path / "g")]
    assert main(["index", str(pictures), *places]) == 0
    assert main(["verify", *places]) == 0
    gone = next(pictures.glob("phantom*"))
    gone.unlink()
    capsys.readouterr()
    assert main(["verify", *places]) == 1
    out = capsys.readouterr().out
    assert "1 problems" in out
    assert f"{gone} is gone" in out


def test_every_error_is_one_sentence(places, bundle_folder, small_gallery, phantoms, tmp_path, capsys):
    assert "nothing to look for" in sentence(capsys, "search", *places)
    assert "nothing to look for" in sentence(capsys, "search", "  ", *places)
    assert "k = 0" in sentence(capsys, "search", TEXT, *places, "-k", 0)
    assert "threads = 0" in sentence(capsys, "search", TEXT, *places[:-1], 0)
    assert "KEY OPERATOR VALUE" in sentence(capsys, "search", TEXT, *places, "--where", "class")
    assert "none.png" in sentence(capsys, "search", TEXT, *places, "--image", tmp_path / "none.png")
    assert "--record FILE" in sentence(capsys, "search", TEXT, *places, "--judge", "replay")
    assert "batch = 0" in sentence(
        capsys, "index", phantoms, "--bundle", bundle_folder, "--gallery", tmp_path / "g", "--batch", 0
    )
    assert "none.csv" in sentence(capsys, "batch", "--queries", tmp_path / "none.csv", "--out", tmp_path, *places)
    assert "no such file or folder" in sentence(capsys, "index", tmp_path / "none", *places)
    assert "python -m runtime index" in sentence(
        capsys, "search", TEXT, "--bundle", bundle_folder, "--gallery", tmp_path / "none"
    )
    assert "no bundle here" in sentence(capsys, "search", TEXT, "--bundle", tmp_path, "--gallery", small_gallery)
    assert "no bundle here" in sentence(capsys, "verify", "--bundle", tmp_path, "--gallery", small_gallery)


def test_gemini_without_leave_to_upload_is_one_sentence(places, capsys, monkeypatch):
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    assert "error: " in sentence(capsys, "search", TEXT, *places, "--judge", "gemini")


def test_another_bundles_gallery_is_refused_until_it_is_encoded_anew(pictures, bundle_folder, tmp_path, capsys):
    places = ["--bundle", str(bundle_folder), "--gallery", str(tmp_path / "g")]
    manifest = Bundle.open(bundle_folder).manifest
    Gallery.create(tmp_path / "g", fingerprint="0" * 64, folds=manifest.folds, dims=manifest.dims).close()
    for command in (["search", TEXT], ["verify"], ["index", pictures]):
        assert "--reencode" in sentence(capsys, *command, *places) or command[0] != "index"
    assert main(["index", str(pictures), *places, "--reencode"]) == 0
    assert main(["search", TEXT, *places]) == 0


def started(*arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "runtime", *map(str, arguments)]
    # buffered, as a user's: what is printed is written only at the end
    buffered = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    return subprocess.Popen(command, cwd=ROOT, env=buffered, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_reader_that_goes_away_as_head_does_leaves_no_traceback(places):
    process = started("search", TEXT, *places)
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 0
    process.stderr.close()


def test_bytes_that_are_no_text_are_one_sentence(places):
    process = subprocess.run(
        [sys.executable, "-m", "runtime", "search", b"ear \xff", *places], cwd=ROOT, capture_output=True, check=False
    )
    assert process.returncode == 2
    assert process.stderr.startswith(b"error: a text query must be UTF-8")
    assert process.stderr.count(b"\n") == 1


def test_usage_names_every_command():
    out, err = started("--help").communicate()
    assert not err
    for command in ("index", "search", "batch", "info", "verify"):
        assert command in out


PICTURES = 240  # more than a fast machine indexes between twenty kills


@pytest.mark.slow
@pytest.mark.timeout(900)  # about a dozen seconds, but it starts many processes
def test_an_index_killed_twenty_times_loses_and_doubles_nothing(bundle_folder, tmp_path):
    pictures, target = tmp_path / "pictures", tmp_path / "gallery"
    make_pictures(pictures, count=PICTURES)
    rng = np.random.default_rng(11)
    stored = 0
    for number in range(20):
        # every fourth is killed while it starts, the others after they stored something
        more = 0 if number % 4 == 3 else 1
        kill_index(bundle_folder, pictures, target, stored + more, seconds=float(rng.uniform(0, 0.12)))
        survived = check_survivors(target, pictures)
        assert survived >= stored + more
        stored = survived
    assert 15 <= stored < PICTURES
    done = subprocess.run(
        [sys.executable, "-m", "runtime", "index", pictures, "--bundle", bundle_folder, "--gallery", target],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    counts = rf"{PICTURES - stored} added \(.* images/s\), {stored} unchanged, 0 skipped; {PICTURES} in the gallery\n"
    assert re.fullmatch(counts, done.stdout)
    assert check_survivors(target, pictures) == PICTURES
    assert main(["verify", "--bundle", str(bundle_folder), "--gallery", str(target)]) == 0
