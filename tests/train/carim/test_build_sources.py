"""What the sources bring: nuScenes' tables with their links checked, folders, videos, JSON lines, given captions."""

import json
from pathlib import Path

import cv2
import pytest

from runtime.errors import DatasetError, InvalidInputError
from train.carim.build import tables as table_file
from train.carim.build.folder import read_folder
from train.carim.build.given import described
from train.carim.build.jsonl import read_jsonl
from train.carim.build.nuscenes import read_nuscenes
from train.carim.build.shot import natural
from train.carim.build.tables import read_table
from train.carim.build.video import FilmSettings

from .drives import START_US, VERSION, captions, rows, tables, write_jsonl, write_picture, write_tables, write_video


def test_nuscenes_key_frames_are_shots_and_sweeps_fill_the_film_in_order(tmp_path: Path) -> None:
    tables(tmp_path, scenes=2, samples=3)
    source = read_nuscenes(tmp_path)
    assert (source.name, source.scenes, source.failures) == (VERSION, ("scene-0000", "scene-0001"), ())
    assert [(s.id, round(s.timestamp - START_US / 1e6, 6)) for s in source.shots[:3]] == [
        ("sample-0-0", 0.0), ("sample-0-1", 0.5), ("sample-0-2", 1.0),
    ]  # fmt: skip
    assert source.shots[0].meta == {"location": "made-up-harbour", "time_of_day": "morning"}
    film = source.films["scene-0001"]
    assert [round(f.timestamp - film[0].timestamp, 6) for f in film] == [round(0.1 * i, 6) for i in range(11)]
    assert [f.key for f in film] == [i % 5 == 0 for i in range(11)]
    assert all(f.picture.is_file() for f in film)


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda t: t["scene"][0].update(nbr_samples=9), "scene-0000: has 3 samples; scene.json says 9"),
        (lambda t: t["scene"][0].update({"log_token": "gone"}), "its log gone is not in log.json"),
        (lambda t: t["scene"][0].update({"first_sample_token": "gone"}), "its first_sample_token 'gone' is no sample"),
        (lambda t: t["sample"][0].update(next="sample-1-0"), "sample sample-0-0: its next 'sample-1-0' does not name"),
        (lambda t: t["sample"][1].update(next=""), "does not reach every sample"),
        (lambda t: t["sample"][2].update(next="sample-0-0"), "last_sample_token 'sample-0-2' has a next"),
        (lambda t: t["sample"][0].update({"scene_token": "gone"}), "the sample's scene gone is not in scene.json"),
        (lambda t: t["sample_data"][1].update({"sample_token": "gone"}), "its sample gone is not in sample.json"),
        (lambda t: t["sample_data"][0].update(is_key_frame=False), "sample-0-0: the sample has no key frame"),
        (lambda t: t["sample_data"][1].update(is_key_frame=True), "sample-0-0: has two key frames of CAM_FRONT"),
        (lambda t: t["sample_data"][0].update(filename="samples/x.jpg"), "sample-0-0: samples/x.jpg is not there"),
        (
            lambda t: t["sample_data"][1].update(filename="sweeps/x.jpg"),
            "1 of 8 sweeps are not there, such as sweeps/x",
        ),
        (lambda t: t["sample_data"][0].update(filename=None), "filename None, timestamp"),
        (lambda t: t["sample_data"][1].update(timestamp="soon"), "timestamp 'soon'; expected a path and µs"),
        (lambda t: t["scene"].append(t["scene"][0]), "scene-0000: the scene stands twice"),
    ],
)
def test_a_broken_link_is_named_and_the_rest_goes_on(tmp_path: Path, break_it, says: str) -> None:
    made = tables(tmp_path)
    break_it(made)
    write_tables(tmp_path, made)
    source = read_nuscenes(tmp_path)
    assert says in "\n".join(map(str, source.failures))
    assert [s.id for s in source.shots if s.scene == "scene-0001"] == [f"sample-1-{i}" for i in range(3)]


def test_the_version_is_found_or_has_to_be_chosen(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no nuScenes tables; expected a folder such as"):
        read_nuscenes(tmp_path)
    tables(tmp_path)
    (tmp_path / "v1.0-other").mkdir()
    (tmp_path / "v1.0-other" / "scene.json").write_text("[]")
    with pytest.raises(DatasetError, match="choose one with --version"):
        read_nuscenes(tmp_path)
    with pytest.raises(DatasetError, match=r"no tables of v1\.0-mini; there are v1\.0-made-up, v1\.0-other"):
        read_nuscenes(tmp_path, version="v1.0-mini")
    assert len(read_nuscenes(tmp_path, version=VERSION).shots) == 6


def test_a_table_is_read_across_blocks_and_its_faults_are_sentences(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(table_file, "BLOCK", 7)  # every object is cut somewhere
    entries = [{"token": f"t{i}", "note": 'a "[brace}" ✓', "n": i} for i in range(20)]
    (tmp_path / "log.json").write_text(json.dumps(entries, indent=1), "utf-8")
    assert list(read_table(tmp_path, "log", ("token", "note", "n"))) == entries
    with pytest.raises(DatasetError, match="entry 1 has no location"):
        list(read_table(tmp_path, "log", ("location",)))
    with pytest.raises(DatasetError, match="the table is missing"):
        list(read_table(tmp_path, "sample", ("token",)))
    for text in (json.dumps(entries)[:-30], "{}", "", "[1, 2]"):
        (tmp_path / "log.json").write_text(text, "utf-8")
        with pytest.raises(DatasetError, match=r"log\.json"):
            list(read_table(tmp_path, "log", ("token",)))


def test_given_captions_go_by_token_and_stand_above_what_was_derived(tmp_path: Path) -> None:
    made = tables(tmp_path)
    given = captions(made)
    given[0]["meta"] = {"time_of_day": "night", "weather": None}
    path = write_jsonl(tmp_path / "captions.jsonl", [*given, given[1]])
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"caption": "no token"}\n{"token": "sample-0-2", "caption": 5}\nno json\n')
    shots, failures = described(read_nuscenes(tmp_path).shots, path)
    assert shots[0].caption == "A blue bus, sample-0-0, in fog."
    assert shots[0].meta == {"location": "made-up-harbour", "time_of_day": "night"}
    assert [f.problem.partition(": ")[0] for f in failures] == [f"captions.jsonl:{n}" for n in (7, 8, 9, 10)]
    assert "occurs twice" in failures[0].problem
    with pytest.raises(DatasetError, match="cannot be read"):
        described((), tmp_path / "none.jsonl")


def test_a_folder_of_pictures_is_read_in_natural_order_with_sub_folders_as_scenes(tmp_path: Path) -> None:
    root = tmp_path / "drive"
    for name in ("a/frame 10.jpg", "a/frame 9.jpg", "b/2018-07-24-21-00-00.png", "top.jpg", ".hidden/x.jpg"):
        write_picture(root / name, 1)
    (root / "notes.txt").write_text("no picture")
    write_picture(root / "out" / "images" / "x.jpg", 1)
    source = read_folder(root, root / "out", FilmSettings(every_s=0.25))
    assert source.scenes == ("a", "b", "drive")
    assert [(s.id, s.timestamp) for s in source.shots[:2]] == [("a/frame 9.jpg", 0.0), ("a/frame 10.jpg", 0.25)]
    assert source.shots[2].meta == {"time_of_day": "night"}
    assert [len(source.films[scene]) for scene in source.scenes] == [2, 1, 1]
    with pytest.raises(DatasetError, match="holds no picture"):
        read_folder(tmp_path, root, FilmSettings())
    with pytest.raises(DatasetError, match="no such folder"):
        read_folder(tmp_path / "none", tmp_path, FilmSettings())


def test_a_video_becomes_key_frames_and_a_film_with_times(tmp_path: Path) -> None:
    root, out = tmp_path / "films", tmp_path / "out"
    write_video(root / "drive_20180801_151500.avi", frames=41, fps=20.0)
    (root / "broken.mp4").write_bytes(b"no video")
    source = read_folder(root, out, FilmSettings(every_s=0.5, film_hz=10.0))
    (scene,) = source.films
    assert [str(f) for f in source.failures] == [
        "broken: broken.mp4: no frame can be decoded; expected a video that FFmpeg reads"
    ]
    film = source.films[scene]
    assert [f.timestamp for f in film] == pytest.approx([0.1 * i for i in range(21)])
    assert [s.timestamp for s in source.shots] == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0])
    assert source.shots[1].id == f"{scene}@0.500"
    assert source.shots[1].meta == {"time_of_day": "daytime"}
    for frame in film:  # each picture is the frame of its time: brightness 3 for each of the video's frames
        assert cv2.imread(str(frame.picture)).mean() == pytest.approx(3 * round(frame.timestamp * 20), abs=2)


def test_a_video_is_cut_once_and_again_where_a_cut_was_killed_or_the_settings_changed(tmp_path: Path) -> None:
    root, out = tmp_path / "films", tmp_path / "out"
    write_video(root / "one.avi", frames=20)
    write_video(root / "one.mp4", frames=5)  # a second scene of that name

    def cut(every_s: float = 0.5) -> dict[str, tuple[int, ...]]:
        read_folder(root, out, FilmSettings(every_s))
        return {str(p.relative_to(out)): (p.stat().st_mtime_ns,) for p in sorted(out.rglob("*.jpg"))}

    first = cut()
    assert {name.split("/")[1] for name in first} == {"one.avi", "one.mp4"}
    assert cut() == first
    about = out / "images" / "one.avi" / "film.json"
    about.unlink()
    again = cut()
    assert again.keys() == first.keys()
    assert {name for name in first if again[name] != first[name]} == {n for n in first if "one.avi" in n}
    assert cut(every_s=0.25) != again
    with pytest.raises(InvalidInputError, match="expected seconds above 0"):
        FilmSettings(every_s=0)


def test_json_lines_may_lack_words_and_every_bad_line_is_named(tmp_path: Path) -> None:
    write_picture(tmp_path / "pictures" / "2018-07-24-18-00-00.jpg", 1)
    good = {"id": "a", "scene": "s", "image": "pictures/2018-07-24-18-00-00.jpg", "timestamp": 2}
    bad = [
        {"id": "b"}, {"scene": "s"}, {**good, "id": "c", "image": "gone.jpg"}, {**good, "id": "d", "timestamp": "2"},
        {**good, "id": "e", "elements": "red car"}, {**good, "id": "f", "meta": [1]}, [], good,
        {**good, "id": "g", "timestamp": 10**400},
    ]  # fmt: skip
    path = write_jsonl(tmp_path / "rows.jsonl", [good, *bad])
    source = read_jsonl(tmp_path)
    (shot,) = source.shots
    assert (shot.id, shot.timestamp, shot.caption, shot.elements) == ("a", 2.0, None, None)
    assert shot.meta == {"time_of_day": "evening"}
    assert [f.timestamp for f in source.films["s"]] == [2.0]
    problems = [failure.problem for failure in source.failures]
    assert [p.partition(": ")[0] for p in problems] == [f"rows.jsonl:{n}" for n in range(2, 11)]
    for said, problem in zip(
        ("scene = None", "id = None", "gone.jpg is not there", "expected seconds"), problems, strict=False
    ):
        assert said in problem
    with pytest.raises(DatasetError, match="cannot be read"):
        read_jsonl(path.with_name("none.jsonl"))


def test_scenes_that_are_not_wanted_are_counted_and_left_out(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", rows(3))
    source = read_jsonl(tmp_path, wanted=lambda scene: scene == "scene-1")
    assert source.scenes == ("scene-0", "scene-1", "scene-2")
    assert {shot.scene for shot in source.shots} == {"scene-1"}


def test_natural_order_is_by_number_and_never_a_tie() -> None:
    assert sorted(["f10", "f9", "F9", "f09"], key=natural) == sorted(["f09", "F9", "f9", "f10"], key=natural)
    assert sorted(["f10", "f9"], key=natural) == ["f9", "f10"]
    assert natural("f9") != natural("f09")
