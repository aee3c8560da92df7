"""The commands as a user types them, by the shipped bundle."""

import csv
import json
from pathlib import Path

import pytest

from runtime.carim.cli import BUNDLE
from runtime.cli import main

from .fakes import write_scenes

QUERY = "a red car crossing the junction at night in rain"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("cli")
    places = ["--gallery", str(folder / "g"), "--bundle", str(BUNDLE), "--threads", "1"]
    data = write_scenes(folder / "data", frames=1)
    assert main(["carim", "index", str(data.parent), *places, "--strict"]) == 0
    return places


def test_search_shows_the_score_its_shares_and_what_is_missing(
    gallery: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["carim", "search", QUERY, "-k", "2", "--exact", *gallery]) == 0
    printed = capsys.readouterr().out
    assert "every scene compared" in printed
    lines = printed.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("  1"))
    assert "s1  0.0 s  rain  night" in lines[first]
    assert lines[first + 1].strip().startswith("In s1 there is red car")
    score = float(lines[first].split()[1])
    shares = [float(part.split()[-1]) for part in lines[first + 2].split(" + ")]
    assert sum(shares) == pytest.approx(score, abs=3e-3), "the printed shares are rounded, nothing else"


def test_the_shared_search_command_serves_this_system_too(
    gallery: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--where", "weather=rain", "--where", "time_of_day=daytime"]
    assert main(["search", "--system", "carim", QUERY, *where, "--json", "--two-stage", *gallery]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [hit["scene"] for hit in result["hits"]] == ["s2"]
    assert result["exact"] is False
    hit = result["hits"][0]
    assert sum(hit["explanation"]["shares"]) == pytest.approx(hit["score"], abs=1e-6)
    assert main(["search", "--system", "carim", *gallery]) == 2
    assert "looks for a text" in capsys.readouterr().err


def test_another_systems_gallery_of_the_usual_name_is_not_this_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gallery").mkdir()
    assert main(["search", "--system", "carim", QUERY, "--bundle", str(BUNDLE)]) == 2
    assert "No gallery at gallery-carim" in capsys.readouterr().err


def test_scenes_lists_pages_and_the_filters_there_are(gallery: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["carim", "scenes", "--limit", "1", "--where", "weather=rain", *gallery]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("2 scenes, of which 1 from number 0 on\ns1  0.0 s  weather=rain")
    assert "filter weather: rain (2), " in printed


def test_batch_writes_both_files(gallery: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"id": "q1", "text": "fog"}\n\n{"text": "a cyclist, in the bike lane"}\n')
    assert main(["carim", "batch", "--queries", str(queries), "--out", str(tmp_path), "-k", "2", *gallery]) == 0
    with (tmp_path / "carim_topk.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["query_id"], row["rank"]) for row in rows] == [("q1", "1"), ("q1", "2"), ("3", "1"), ("3", "2")]
    assert (rows[0]["scene"], rows[2]["scene"]) == ("s3", "s4")
    lines = [json.loads(line) for line in (tmp_path / "carim_topk.jsonl").read_text().splitlines()]
    assert lines[1]["query"] == rows[2]["query"] == "a cyclist, in the bike lane"
    queries.write_text('{"id": "q1"}\n')
    assert main(["carim", "batch", "--queries", str(queries), "--out", str(tmp_path), *gallery]) == 2
    assert "queries.jsonl:1: expected an object with `text`" in capsys.readouterr().err


def test_a_gallery_of_another_bundle_is_refused_with_the_command_and_left_as_it_is(
    gallery: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from runtime.gallery import Gallery

    Gallery.create(tmp_path / "g", fingerprint="f" * 64, folds=1, dims=4).close()
    data = write_scenes(tmp_path / "data", frames=1)
    places = ["--gallery", str(tmp_path / "g"), *gallery[2:]]
    for command in (["index", str(data)], ["search", QUERY]):
        assert main(["carim", *command, *places]) == 2
        assert "runtime carim index DATA --gallery" in capsys.readouterr().err
    assert main(["carim", "index", str(data), "--reencode", *places]) == 0
    assert main(["verify", "--gallery", places[1], "--bundle", places[3]]) == 0
    assert "4 items, 0 problems" in capsys.readouterr().out


def test_a_skipped_row_is_named_and_strict_tells_by_the_exit_code(
    gallery: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_scenes(tmp_path / "data", frames=1)
    data.write_text(data.read_text() + '{"id": "x"}\n')
    places = ["--gallery", str(tmp_path / "g"), *gallery[2:]]
    assert main(["carim", "index", str(data), *places]) == 0
    assert main(["carim", "index", str(data), *places, "--strict"]) == 1
    printed = capsys.readouterr()
    assert "0 added, 4 unchanged, 1 skipped; 4 in the gallery" in printed.out
    assert "rows.jsonl:5" in printed.err
