"""rows.jsonl: whatever a line holds, it is a row or a sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from runtime.carim.rows import parse_row, read_frames, read_rows
from runtime.errors import DatasetError

WHOLE = {"id": "a", "scene": "s", "image": "a.jpg", "timestamp": 1, "caption": "", "elements": ["rain"], "meta": {}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"timestamp": 10**400},
        {"timestamp": float("nan")},
        {"timestamp": True},
        {"image": "a\0.jpg"},
        {"image": ""},
        {"caption": "\ud800"},
        {"elements": ["red \ud800 car"]},
        {"elements": ["no rain"]},
        {"meta": {"speed": float("inf")}},
    ],
)
def test_what_no_file_or_gallery_could_take_is_no_row(wrong: dict[str, Any]) -> None:
    assert parse_row(WHOLE).timestamp == 1.0
    with pytest.raises(ValueError, match="expected"):
        parse_row(WHOLE | wrong)


def test_a_bad_line_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    lines = [
        json.dumps(WHOLE | {"caption": "one\u2028line"}, ensure_ascii=False),
        "{",
        "[" * 100_000,
        json.dumps(WHOLE),
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines), "utf-8")
    found = read_rows(tmp_path)
    assert [row.caption for row in found.rows] == ["one\u2028line"]
    assert [problem.split(": ")[0] for problem in found.problems] == [f"rows.jsonl:{n}" for n in (2, 3, 4)]


def test_a_film_without_a_time_is_refused(tmp_path: Path) -> None:
    frame = {"image": "a.jpg", "timestamp": float("nan"), "key": True}
    (tmp_path / "s.json").write_text(json.dumps({"schema_version": 1, "scene": "s", "frames": [frame]}))
    with pytest.raises(DatasetError, match="build the data again"):
        read_frames(tmp_path / "s.json")
