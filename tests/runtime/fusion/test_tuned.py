import json

import pytest

from runtime.confidence import SIGNALS, ConfidenceModel
from runtime.errors import InvalidInputError
from runtime.fusion import Calibration, ConvexSettings, PosFuseSettings
from runtime.fusion.tuned import Tuned, read_tuned, write_tuned

DATA = {"name": "phantoms", "fingerprint": "ab" * 32, "kind": "synthetic", "queries": 700}
CONFIDENCE = ConfidenceModel(SIGNALS, (0.1,) * 6, (0.5,) * 6, (1.0, 2.0, 3.0, 4.0, 5.0, 6.0), -0.25)
CONVEX = ConvexSettings(
    0.65, Calibration("platt", 16.8, -12.9), Calibration("isotonic", x=(0.1, 0.7), y=(0.2, 0.9)), 0.3
)
POS_FUSE = PosFuseSettings(decay="linear", judge_weight=0.3, retrieval_weight=0.7, agreement=True)


def _tuned(fusion=CONVEX, **changes):
    given = {"name": "ear", "data": DATA, "bundle": "cd" * 32, "judge": "local caption judge", "fusion": fusion}
    return Tuned(**given | {"confidence": CONFIDENCE, "figures": {"rows": [{"mrr": 0.83}]}} | changes)


@pytest.mark.parametrize("fusion", [CONVEX, POS_FUSE, PosFuseSettings(strategy="rrf", rrf_k=3.0)])
@pytest.mark.parametrize("confidence", [CONFIDENCE, None])
def test_what_was_written_is_read_again(tmp_path, fusion, confidence):
    tuned = _tuned(fusion, confidence=confidence)
    write_tuned(tmp_path / "tuned.json", tuned)
    assert read_tuned(tmp_path / "tuned.json") == tuned
    assert [path.name for path in tmp_path.iterdir()] == ["tuned.json"]  # no part of a file is left


def test_the_file_names_data_bundle_judge_and_schema(tmp_path):
    path = tmp_path / "tuned.json"
    write_tuned(path, _tuned())
    value = json.loads(path.read_text("utf-8"))
    assert value["schema"] == 1
    assert value["data"] == DATA
    assert value["fusion"]["family"] == "convex"
    assert (value["bundle"], value["judge"]) == ("cd" * 32, "local caption judge")


@pytest.mark.parametrize(
    "change",
    [
        {"bundle": "ef" * 32},
        {"fusion": {"family": "pos_fuse"}},
        {"sha256": "0" * 64},
        {"figures": {"rows": []}},
        {"extra": float("nan")},
    ],
)
def test_a_file_that_was_changed_is_refused(tmp_path, change):
    path = tmp_path / "tuned.json"
    write_tuned(path, _tuned())
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")
    with pytest.raises(InvalidInputError, match=r"checksum differs.*python -m benchmarks tune"):
        read_tuned(path)


def test_other_white_space_or_key_order_is_the_same_content(tmp_path):
    path = tmp_path / "tuned.json"
    write_tuned(path, _tuned())
    value = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(dict(reversed(value.items()))), "utf-8")
    assert read_tuned(path) == _tuned()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"schema": 2}', "schema 2, this runtime reads 1"),
        (b"[1]", "schema 'list'"),
        (b'{"schema": 1', "not readable as JSON"),
        (b"\xff\xfe\x00", "not readable as JSON"),
    ],
)
def test_what_is_no_tuned_fusion_is_refused(tmp_path, content, says):
    path = tmp_path / "tuned.json"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=rf"{says}.*python -m benchmarks tune"):
        read_tuned(path)


def test_a_missing_file_is_refused_with_the_command_that_makes_one(tmp_path):
    with pytest.raises(InvalidInputError, match=r"no tuned fusion at .*python -m benchmarks tune"):
        read_tuned(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fusion", {"family": "borda"}),
        ("fusion", {"family": "pos_fuse", "sharpness": 1.0}),
        ("fusion", {"family": "convex", "judge_weight": 0.5}),
        ("confidence", {"names": ["margin"]}),
        ("data", ["name"]),
    ],
)
def test_a_file_of_this_schema_with_other_content_is_refused_as_incomplete(tmp_path, key, value):
    """Such a file has a right checksum: another program wrote it."""
    from runtime.fusion import tuned as module

    path = tmp_path / "tuned.json"
    write_tuned(path, _tuned())
    content = json.loads(path.read_text("utf-8")) | {key: value}
    del content["sha256"]
    path.write_text(json.dumps(content | {"sha256": module._checksum(content)}), "utf-8")
    with pytest.raises(InvalidInputError, match=r"incomplete|does not say"):
        read_tuned(path)


def test_another_bundle_is_refused_with_the_command_that_mends_it():
    _tuned().check_bundle("cd" * 32)
    with pytest.raises(InvalidInputError, match=r"bundle cdcdcdcdcdcd, this one is 0{12}.*python -m benchmarks tune"):
        _tuned().check_bundle("0" * 64)


def test_another_judge_is_refused_and_a_replay_counts_as_the_judge_it_replays():
    tuned = _tuned(judge="replay of gemini-x")
    tuned.check_judge("gemini-x")
    tuned.check_judge("replay of gemini-x")
    for other in ("local caption judge", None):
        with pytest.raises(InvalidInputError, match="tuned with the replay of gemini-x"):
            tuned.check_judge(other)


@pytest.mark.parametrize("data", [{}, DATA | {"kind": "made up"}])
def test_a_fusion_that_does_not_say_what_it_was_tuned_on_is_refused(data):
    with pytest.raises(InvalidInputError, match="does not say what it was tuned on"):
        _tuned(data=data)


def test_numbers_that_json_has_no_word_for_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_tuned(tmp_path / "tuned.json", _tuned(figures={"mrr": float("nan")}))
    assert not list(tmp_path.iterdir())
