import ast
import csv
import json

import pytest

from runtime.errors import InvalidInputError
from runtime.fusion import PosFuseSettings, pos_fuse
from runtime.publish import (
    image_name,
    publish,
    read_judge_json,
    write_judge_json,
    write_retrieval_csv,
    write_submission,
)
from runtime.results import Candidate, Judgement, Query, SearchResult


def _candidate(item_id, rank, path=None):
    return Candidate(item_id, rank, path or f"gallery/imgs/{item_id}.png", None, {}, 0.9 / rank, (), ())


def _result(text="viêm, màng nhĩ", scores=(None, 0.8, 0.9, None, 0.8), judge="local caption judge", paths=None):
    ids = [10 * (i + 1) for i in range(len(scores))]
    candidates = [_candidate(item, rank, (paths or {}).get(item)) for rank, item in enumerate(ids, start=1)]
    judgements = [Judgement(item, score) for item, score in zip(ids, scores, strict=True)] if judge else []
    ranking = pos_fuse(ids, {j.item_id: j.score for j in judgements}, PosFuseSettings())
    return SearchResult(Query(text), "mean", tuple(candidates), judge, tuple(judgements), tuple(ranking))


def _read_csv(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_table_has_a_row_a_query_with_the_first_five_names_in_retrieval_order(tmp_path):
    path = tmp_path / "table.csv"
    write_retrieval_csv(path, [_result(scores=(None,) * 7), _result('say "ah"', scores=(0.1, 0.9))])
    rows = _read_csv(path)
    assert [row["text"] for row in rows] == ["viêm, màng nhĩ", 'say "ah"']
    assert json.loads(rows[0]["image_name"]) == ["10.png", "20.png", "30.png", "40.png", "50.png"]
    # retrieval's order, though the judge prefers the second
    assert ast.literal_eval(rows[1]["image_name"]) == ["10.png", "20.png"]


def test_a_query_asked_twice_keeps_both_rows_of_the_table(tmp_path):
    write_retrieval_csv(tmp_path / "table.csv", [_result("a"), _result("b"), _result("a")])
    assert [row["text"] for row in _read_csv(tmp_path / "table.csv")] == ["a", "b", "a"]


def test_judges_scores_are_best_first_ties_by_retrieval_unjudged_last(tmp_path):
    write_judge_json(tmp_path / "scores.json", [_result()])
    assert json.loads((tmp_path / "scores.json").read_text()) == {
        "viêm, màng nhĩ": [
            {"image_name": "30.png", "overall_score": 0.9},
            {"image_name": "20.png", "overall_score": 0.8},
            {"image_name": "50.png", "overall_score": 0.8},
            {"image_name": "10.png", "overall_score": None},
            {"image_name": "40.png", "overall_score": None},
        ]
    }


def test_a_score_of_zero_stands_before_the_unjudged(tmp_path):
    write_judge_json(tmp_path / "scores.json", [_result("q", scores=(None, 0.0))])
    entries = json.loads((tmp_path / "scores.json").read_text())["q"]
    assert [entry["overall_score"] for entry in entries] == [0.0, None]


def test_judges_scores_survive_the_round_trip(tmp_path):
    write_judge_json(tmp_path / "scores.json", [_result(), _result("q", scores=(0.25,))])
    scores = read_judge_json(tmp_path / "scores.json")
    assert scores == {
        "viêm, màng nhĩ": {"30.png": 0.9, "20.png": 0.8, "50.png": 0.8, "10.png": None, "40.png": None},
        "q": {"10.png": 0.25},
    }
    assert list(scores["viêm, màng nhĩ"]) == ["30.png", "20.png", "50.png", "10.png", "40.png"]


def test_the_submission_is_the_first_of_the_final_ranking(tmp_path):
    results = [_result(), _result("unjudged", judge=None), _result("nothing", scores=())]
    assert results[0].ranking[0].item_id == 30
    write_submission(tmp_path / "submission.json", results)
    assert json.loads((tmp_path / "submission.json").read_text()) == {
        "viêm, màng nhĩ": "30.png",
        "unjudged": "10.png",
        "nothing": None,
    }


def test_a_query_asked_twice_stands_once_and_a_difference_is_logged(tmp_path, caplog):
    same = [_result("q"), _result("q")]
    write_submission(tmp_path / "submission.json", same)
    assert not caplog.records
    write_submission(tmp_path / "submission.json", [*same, _result("q", scores=(1.0, 0.0))])
    assert json.loads((tmp_path / "submission.json").read_text()) == {"q": "30.png"}
    assert "'q' stands twice with different results" in caplog.text


def test_two_images_of_one_file_name_are_logged(tmp_path, caplog):
    write_submission(tmp_path / "submission.json", [_result(paths={10: "a/x.png", 20: "b/x.png"})])
    assert "two images found share a file name" in caplog.text


@pytest.mark.parametrize("path", ["x.png", "imgs/x.png", "/data/imgs/x.png", "data\\imgs\\x.png"])
def test_an_image_goes_by_its_file_name(path):
    assert image_name(_candidate(1, 1, path)) == "x.png"


def test_publish_writes_the_judges_file_only_where_a_judge_was_asked(tmp_path):
    names = [path.name for path in publish(tmp_path / "with", [_result(), _result("q", judge=None)])]
    assert names == ["image_retrieval_results.csv", "judge_scores.json", "submission.json"]
    names = [path.name for path in publish(tmp_path / "without", [_result(judge=None)])]
    assert names == ["image_retrieval_results.csv", "submission.json"]
    assert sorted(p.name for p in (tmp_path / "without").iterdir()) == names


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not JSON"),
        ("[]", "expected {query"),
        ('{"q": {}}', "expected {query"),
        ('{"q": [3]}', "query 'q' has the entry 3"),
        ('{"q": [{"image_name": "a"}]}', "'image_name': 'a'"),
        ('{"q": [{"image_name": 1, "overall_score": 0.5}]}', "entry"),
        ('{"q": [{"image_name": "a", "overall_score": 1.5}]}', "1.5"),
        ('{"q": [{"image_name": "a", "overall_score": true}]}', "True"),
        ('{"q": [{"image_name": "a", "overall_score": NaN}]}', "nan"),
        ('{"q": [{"image_name": "a", "overall_score": "0.5"}]}', "'0.5'"),
    ],
)
def test_a_file_of_another_layout_is_refused_and_the_place_named(tmp_path, content, says):
    path = tmp_path / "scores.json"
    path.write_text(content)
    with pytest.raises(InvalidInputError, match=says):
        read_judge_json(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="cannot be read"):
        read_judge_json(tmp_path / "none.json")
