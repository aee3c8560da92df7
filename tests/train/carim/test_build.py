"""carim-build with given words, and carim-merge: what lies in the folder, and what a merge refuses."""

import json
from pathlib import Path

import pytest

from runtime.carim.rows import read_frames, read_rows
from runtime.errors import DatasetError, InvalidInputError
from runtime.files import sha256_file
from train.carim.build.places import scene_file, seen_from, shard_folder, shard_of

from .building import build, failures, manifest, merge
from .drives import captions, rows, tables, write_jsonl, write_picture, write_video

SHARDS = 3


def test_nuscenes_with_given_captions_becomes_rows_films_and_a_manifest(tmp_path: Path, capsys) -> None:
    made = tables(tmp_path / "data")
    given = captions(made)
    given[0] |= {"elements": [" Blue bus. ", "blue BUS", "no people", "fog"], "meta": {"weather": "rain", "speed": 3}}
    write_jsonl(tmp_path / "data" / "captions.jsonl", given)
    assert build(tmp_path / "data", "--source", "nuscenes", "--out", tmp_path / "out", "--strict") == 0
    found = read_rows(tmp_path / "out")
    assert found.problems == ()
    first, second = found.rows[:2]
    assert (first.id, first.scene, first.timestamp, first.elements) == (
        "sample-0-0", "scene-0000", 1532402927.6, ("blue bus", "fog"),
    )  # fmt: skip
    stated = {"location": "made-up-harbour", "time_of_day": "morning", "frames": "frames/scene-0000.json"}
    assert first.meta == stated | {"weather": "rain", "speed": 3}, "what is given stands above the caption's fog"
    assert second.meta == stated | {"weather": "fog"}
    assert found.image_path(first).is_file()
    film = read_frames(tmp_path / "out" / first.meta["frames"])
    assert (len(film), sum(f.key for f in film)) == (11, 3)
    assert all((tmp_path / "out" / f.image).is_file() for f in film)
    about = manifest(tmp_path / "out")
    assert about["counts"] == {"rows": 6, "scenes": 2, "elements": 7, "frames": 22, "failures": 0}
    assert (about["schema_version"], about["source"], about["captioner"], about["synthetic"]) == (
        1, "nuscenes", "given", False,
    )  # fmt: skip
    assert about["sha256"] == sha256_file(tmp_path / "out" / "rows.jsonl")
    assert "6 rows of 2 scenes" in capsys.readouterr().out


def test_what_cannot_be_used_is_listed_and_strict_exits_with_one(tmp_path: Path, capsys) -> None:
    given = rows(2)
    given[0].update(elements=["no cars", "without rain"])
    del given[1]["caption"]
    given[2].update(caption=None, elements=None)
    given.append({"id": "x"})
    path = write_jsonl(tmp_path / "data.jsonl", given)
    args = (path, "--source", "jsonl", "--out", tmp_path / "out")
    assert (build(*args), build(*args, "--strict")) == (0, 1)
    assert [row.id for row in read_rows(tmp_path / "out").rows] == ["s0-1", "s1-1"], "elements alone can be searched"
    told = {(f["id"], f["stage"]): f["problem"] for f in failures(tmp_path / "out")}
    assert told.keys() == {("x", "source"), ("s0-0", "row"), ("s1-0", "caption")}
    assert "no element is left" in told["s0-0", "row"]
    assert "ask for one with --captioner" in told["s1-0", "caption"]
    assert "not used: s1-0: no caption is given" in capsys.readouterr().err


def test_a_source_without_one_usable_row_is_an_error_that_says_why(tmp_path: Path) -> None:
    write_picture(tmp_path / "data" / "a" / "1.jpg", 1)
    with pytest.raises(DatasetError, match=r"no row could be made; a/1\.jpg: no caption is given"):
        build(tmp_path / "data", "--source", "folder", "--out", tmp_path / "out")
    assert len(failures(tmp_path / "out")) == 1
    assert not (tmp_path / "out" / "carim.json").exists()


def test_captions_beside_pictures_and_videos_are_found_by_their_ids(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_picture(data / "my drive" / "1.jpg", 1)
    write_video(data / "film.avi", frames=20)
    words = {
        "caption": "Snow falls on a parked lorry.",
        "elements": ["snow", "parked lorry"],
        "meta": {"synthetic": True},
    }
    write_jsonl(data / "captions.jsonl", [{"token": t} | words for t in ("my drive/1.jpg", "film@0.000", "film@0.500")])
    assert build(data, "--source", "folder", "--out", data / "out", "--strict") == 0
    found = read_rows(data / "out").rows
    assert {row.id: row.meta["weather"] for row in found} == dict.fromkeys(
        ("my drive/1.jpg", "film@0.000", "film@0.500"), "snow"
    )
    assert manifest(data / "out")["synthetic"] is True
    assert all((data / "out" / row.image).is_file() for row in found)
    assert (data / "out" / "frames" / "my drive.json").is_file()


def test_a_folder_with_its_pictures_inside_names_them_from_there_even_through_links(tmp_path: Path) -> None:
    write_picture(tmp_path / "store" / "1.jpg", 1)
    (tmp_path / "data" / "a").mkdir(parents=True)
    (tmp_path / "data" / "a" / "1.jpg").symlink_to(tmp_path / "store" / "1.jpg")
    assert seen_from(tmp_path / "data", tmp_path / "data" / "a" / "1.jpg") == "a/1.jpg"
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "deep" / "er")
    seen = seen_from(tmp_path / "link", tmp_path / "store" / "1.jpg")
    assert (tmp_path / "link" / seen).is_file(), "a relative path is true of where the folder really lies"


def test_a_line_that_gives_elements_alone_keeps_the_row_s_own_caption(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "data" / "rows.jsonl", rows(1, each=1))
    write_jsonl(tmp_path / "data" / "captions.jsonl", [{"token": "s0-0", "elements": ["blue bus"]}])
    assert build(tmp_path / "data", "--source", "jsonl", "--out", tmp_path / "out") == 0
    (row,) = read_rows(tmp_path / "out").rows
    assert (row.caption, row.elements) == ("A red car number 0 in heavy rain.", ("blue bus",))


def test_a_scene_of_any_name_has_a_file_of_its_own() -> None:
    names = ["scene-0061", "a/b", "a b", "..", ".hidden", "đường", "x" * 300, "x" * 301]
    files = [scene_file(name) for name in names]
    assert files[0] == "scene-0061"
    assert len(set(files)) == len(names)
    assert all("/" not in f and not f.startswith(".") and len(f.encode()) < 200 for f in files)


def test_nuscenes_may_be_built_in_place_and_what_would_be_read_again_may_not(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "data" / "captions.jsonl", captions(tables(tmp_path / "data")))
    assert build(tmp_path / "data", "--source", "nuscenes", "--out", tmp_path / "data", "--strict") == 0
    assert all(row.image.startswith("samples/CAM_FRONT/") for row in read_rows(tmp_path / "data").rows)
    before = (tmp_path / "data" / "rows.jsonl").read_bytes()
    for source in ("jsonl", "folder"):
        with pytest.raises(InvalidInputError, match="is the data's own folder; name another"):
            build(tmp_path / "data", "--source", source, "--out", tmp_path / "data")
    assert (tmp_path / "data" / "rows.jsonl").read_bytes() == before


def test_building_a_built_folder_again_keeps_its_films(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "data" / "captions.jsonl", captions(tables(tmp_path / "data")))
    build(tmp_path / "data", "--source", "nuscenes", "--out", tmp_path / "one")
    build(tmp_path / "one", "--source", "jsonl", "--out", tmp_path / "deep" / "two")
    films = [read_frames(folder / "frames" / "scene-0001.json") for folder in (tmp_path / "one", tmp_path / "deep/two")]
    assert [(f.timestamp, f.key) for f in films[0]] == [(f.timestamp, f.key) for f in films[1]]
    assert all((tmp_path / "deep" / "two" / f.image).is_file() for f in films[1])


def sharded(tmp_path: Path, *options: object, scenes: int = 12) -> tuple[Path, tuple[object, ...]]:
    path = write_jsonl(tmp_path / "rows.jsonl", rows(scenes))
    args = (path, "--source", "jsonl", "--out", tmp_path / "out", *options)
    for index in range(SHARDS):
        assert build(*args, "--shard", f"{index}/{SHARDS}") == 0
    return tmp_path / "out", args


def test_merged_shards_are_the_whole(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_jsonl(data / "captions.jsonl", captions(tables(data, scenes=6)))
    args = (data, "--source", "nuscenes", "--out")
    for index in range(SHARDS):
        build(*args, tmp_path / "out", "--shard", f"{index}/{SHARDS}")
    assert merge(tmp_path / "out", "--strict") == 0
    build(*args, tmp_path / "whole")
    one, other = (read_rows(tmp_path / name) for name in ("out", "whole"))
    assert one.rows == other.rows, "both folders lie beside the data, so even the pictures' paths are the same"
    for row in one.rows:
        assert read_frames(one.root / row.meta["frames"]) == read_frames(other.root / row.meta["frames"])
    mine, its = manifest(tmp_path / "out"), manifest(tmp_path / "whole")
    assert mine == its


def test_a_scene_is_always_in_the_same_shard_and_every_shard_gets_some() -> None:
    shares = [shard_of(f"scene-{i:04d}", 4) for i in range(850)]
    assert shares[:8] == [shard_of(f"scene-{i:04d}", 4) for i in range(8)]
    assert all(170 < shares.count(i) < 260 for i in range(4))
    assert shard_of("scene-0061", 1000) == 923, "the hash is part of the format"


def test_an_empty_shard_is_no_fault(tmp_path: Path) -> None:
    out, _ = sharded(tmp_path, scenes=1)
    assert merge(out, "--strict") == 0
    assert len(read_rows(out).rows) == 2


def _lose(out: Path) -> None:
    folder = shard_folder(out, 1, SHARDS)
    folder.rename(folder.with_name("away"))


def _unfinish(out: Path) -> None:
    (shard_folder(out, 1, SHARDS) / "carim.json").unlink()


def _change_rows(out: Path) -> None:
    path = shard_folder(out, 1, SHARDS) / "rows.jsonl"
    path.write_text(path.read_text("utf-8").replace("red car", "blue car"), "utf-8")


def _other_run(out: Path) -> None:
    shard_folder(out, 0, 2).mkdir()


def _edit(**changes: object):
    def edit(out: Path) -> None:
        path = shard_folder(out, 1, SHARDS) / "carim.json"
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")

    return edit


def _share(out: Path) -> None:
    one, other = (shard_folder(out, i, SHARDS) / "carim.json" for i in (0, 1))
    scenes = json.loads(one.read_text("utf-8"))["shard"]["scenes"]
    _edit(shard={"index": 1, "of": SHARDS, "scenes": scenes})(out)
    assert other.is_file()


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (_lose, r"shard 1 of 3 is missing; run .* --shard 1/3` again"),
        (_unfinish, r"shard 1 of 3: .*is not finished \(no carim.json\)"),
        (_change_rows, "rows.jsonl is not the file that it describes"),
        (_other_run, "holds shards of 2 and of 3"),
        (_edit(captioner="another model"), '(?s)captioner differs: .*"another model" .shard-1-of-3'),
        (_edit(settings={"every_s": 1}), "settings differs"),
        (_edit(schema_version=2), "another schema version than 1"),
        (_edit(shard={"index": 2, "of": 3, "scenes": []}), "is of another shard"),
        (_edit(shard={"index": 1, "of": 3, "scenes": []}), "or others than it has"),
        (_share, "are in shard-0-of-3 and shard-1-of-3"),
    ],
)
def test_a_merge_refuses_what_is_not_every_shard_of_one_build(tmp_path: Path, break_it, says: str) -> None:
    out, _ = sharded(tmp_path)
    break_it(out)
    with pytest.raises(DatasetError, match=says):
        merge(out)
    assert not (out / "carim.json").exists()


def test_a_merge_names_every_fault_at_once_and_works_once_they_are_mended(tmp_path: Path) -> None:
    out, args = sharded(tmp_path)
    _change_rows(out)
    (shard_folder(out, 2, SHARDS) / "carim.json").unlink()
    with pytest.raises(DatasetError, match=r"(?s)shard 1 of 3.*shard 2 of 3"):
        merge(out)
    for index in (1, 2):
        build(*args, "--shard", f"{index}/{SHARDS}")
    assert merge(out) == 0
    with pytest.raises(DatasetError, match="holds no shards"):
        merge(tmp_path / "none")


def test_a_fault_of_the_whole_source_is_told_once(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", [*rows(4), {"id": "x"}])
    for index in range(2):
        build(path, "--source", "jsonl", "--out", tmp_path / "out", "--shard", f"{index}/2")
    assert merge(tmp_path / "out", "--strict") == 1
    assert [failure["id"] for failure in failures(tmp_path / "out")] == ["x"]


@pytest.mark.parametrize("shard", ["2/2", "1", "a/b", "-1/2"])
def test_a_shard_that_is_none_is_refused(tmp_path: Path, shard: str, capsys) -> None:
    with pytest.raises(SystemExit):
        build(tmp_path, "--source", "jsonl", "--out", tmp_path / "out", f"--shard={shard}")
    assert "expected I/N" in capsys.readouterr().err


def test_captions_are_not_paid_for_where_nobody_would_list_their_elements(tmp_path: Path) -> None:
    write_picture(tmp_path / "data" / "a" / "1.jpg", 1)
    args = ("--source", "folder", "--out", tmp_path / "out", "--captioner", "openai", "--captioner-model", "m")
    with pytest.raises(InvalidInputError, match="no elements are given; ask for them with --extractor"):
        build(tmp_path / "data", *args, "--captioner-url", "http://127.0.0.1:9/v1")
