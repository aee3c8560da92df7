"""TREC files: what is written is read again, and what cannot be used is named with its line."""

import pytest

from benchmarks.evaluation.trec import Run, plain_id, read_qrels, read_run, trec_id, write_qrels, write_run
from runtime.errors import DatasetError, InvalidInputError

HOSTILE = [
    "left ear",
    "100 %",
    "a%20b",
    "tai\u00a0trái",
    "line\nbreak",
    "\ttab",
    "\u2028",
    "null\x00byte",
    "dịch mủ 👂",
    "~",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_an_id_has_no_white_space_and_gives_the_text_back(text):
    identifier = trec_id(text)
    assert len(identifier.split()) == 1
    assert identifier.isprintable()
    assert plain_id(identifier) == text


def test_ids_stay_distinct_and_letters_stay_readable():
    assert len({trec_id(text) for text in HOSTILE}) == len(HOSTILE)
    assert trec_id("dịch mủ") == "dịch%20mủ"
    assert trec_id("phantom_00001.png") == "phantom_00001.png"
    with pytest.raises(InvalidInputError, match="empty text"):
        trec_id("")


def test_a_run_is_read_as_it_was_written_whatever_its_ids(tmp_path):
    scores = {trec_id(text): {trec_id(f"{text} {i}"): 1 / (i + 3) for i in range(4)} for text in HOSTILE}
    write_run(tmp_path / "a.trec", Run("ours", scores))
    read = read_run(tmp_path / "a.trec")
    assert read == Run("ours", scores)


def test_a_written_run_is_best_first_and_ties_are_ordered_as_trec_eval_does(tmp_path):
    write_run(tmp_path / "a.trec", Run("ours", {"q": {"a": 1.0, "c": 1.0, "b": 2.0}}))
    assert (tmp_path / "a.trec").read_text("utf-8") == "q Q0 b 1 2.0 ours\nq Q0 c 2 1.0 ours\nq Q0 a 3 1.0 ours\n"


def test_qrels_are_read_as_they_were_written(tmp_path):
    qrels = {"q1": {"a": 2, "b": 0}, "q2": {"a": -1}}
    write_qrels(tmp_path / "q.trec", qrels)
    assert read_qrels(tmp_path / "q.trec") == qrels


def test_other_systems_files_are_read_with_tabs_blank_lines_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "x.trec"
    path.write_bytes(b"\xef\xbb\xbfq1\tQ0\td1\t7\t3e-1\tbm25\r\n\r\nq1 0 d2 0 .5 bm25")
    assert read_run(path) == Run("bm25", {"q1": {"d1": 0.3, "d2": 0.5}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q Q0 d 1 0.5 s\nq Q0 d 0.5 s\n", "line 2: 5 fields; expected 6: query Q0 item rank score system"),
        ("q Q0 d 1 high s\n", "line 1: score 'high'; expected a finite number"),
        ("q Q0 d 1 nan s\n", "line 1: score 'nan'; expected a finite number"),
        ("q Q0 d 1 0.5 s\n\nq Q0 d 2 0.4 s\n", r"line 3: query q lists d again \(first in line 1\)"),
        ("\n", "holds no line"),
    ],
)
def test_a_run_that_cannot_be_used_is_refused_with_its_line(tmp_path, text, message):
    (tmp_path / "x.trec").write_text(text, "utf-8")
    with pytest.raises(DatasetError, match=message):
        read_run(tmp_path / "x.trec")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"q 0 d 1\nq 0 e 1.5 \n", "line 2: grade '1.5'; expected a whole number"),
        (b"q 0 d 1\nq 0 d 0\n", r"line 2: query q lists d again \(first in line 1\)"),
        (b"q 0 d yes\n", "line 1: grade 'yes'; expected a whole number"),
        (b"q 0 d\n", "line 1: 3 fields; expected 4: query 0 item grade"),
        (b"q 0 d 1\nq 0 \xff 1\n", "line 2: not UTF-8"),
    ],
)
def test_qrels_that_cannot_be_used_are_refused_with_their_line(tmp_path, content, message):
    (tmp_path / "x.trec").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        read_qrels(tmp_path / "x.trec")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"nowhere\.trec: cannot be read"):
        read_qrels(tmp_path / "nowhere.trec")


@pytest.mark.parametrize(
    "run", [Run("s", {"a b": {"d": 1.0}}), Run("s", {"a": {"d e": 1.0}}), Run("s t", {"a": {"d": 1.0}})]
)
def test_white_space_in_an_id_is_never_written(tmp_path, run):
    with pytest.raises(InvalidInputError, match="without white space"):
        write_run(tmp_path / "x.trec", run)
    assert not (tmp_path / "x.trec").exists()
