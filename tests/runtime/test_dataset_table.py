"""Tables: how rows find their images, merge, and are refused by line."""

import json

import pytest

from runtime.dataset import read_dataset, relevance_by_caption
from runtime.errors import DatasetError

from .dataset_folders import folder, images


@pytest.mark.parametrize("images_in", ["img/", "imgs/", "images/", ""])
@pytest.mark.parametrize("prefix", [False, True])
def test_a_table_finds_its_images_wherever_they_lie(tmp_path, images_in, prefix):
    name = f"{images_in}a.png" if prefix else "a.png"
    folder(tmp_path, images(f"{images_in}a.png") | {"captions.csv": f"file,caption\n{name},An ear\n"})
    (record,) = read_dataset(tmp_path).records
    assert (record.file, record.path) == ("a.png", tmp_path / images_in / "a.png")


def test_rows_of_one_file_merge_and_repeats_are_listed(tmp_path):
    table = "file,caption,caption_vi,caption_2,side\na.png,one,một,uno,left\na.png,two,,,left\na.png,one,,,\n"
    dataset = read_dataset(folder(tmp_path, images("img/a.png") | {"captions.csv": table}))
    (record,) = dataset.records
    assert record.captions == ("one", "uno", "two")
    assert record.captions_vi == ("một",)
    assert record.metadata == {"side": "left"}
    assert dataset.problems == ("captions.csv line 4: repeats a.png without a new caption",)


def test_relevance_is_the_set_of_all_images_with_an_equal_caption(tmp_path):
    table = "file,caption\na.png,Red drum.\nb.png,red  drum\nb.png,wax\nc.png,wax\n"
    dataset = read_dataset(folder(tmp_path, images("img/a.png", "img/b.png", "img/c.png") | {"captions.csv": table}))
    assert relevance_by_caption(dataset) == {
        "Red drum.": frozenset({"a.png", "b.png"}),
        "red drum": frozenset({"a.png", "b.png"}),
        "wax": frozenset({"b.png", "c.png"}),
    }
    assert relevance_by_caption(dataset, "vi") == {}


def test_a_vietnamese_letter_has_one_spelling(tmp_path):
    decomposed, composed = "ta\u0302n", "t\u00e2n"
    folder(tmp_path, images("img/a.png") | {"captions.csv": f"file,caption\na.png,{decomposed}\na.png,{composed}\n"})
    assert read_dataset(tmp_path).records[0].captions == (composed,)


def test_jsonl_keeps_nested_values_and_lists_of_captions(tmp_path):
    rows = [
        {"image": "a.png", "en": ["one", "two"], "vi": None, "pid": 7, "parts": {"drum": 0.5}, "score": 1.5},
        {"image": "b.png", "en": "three", "vi": "ba", "pid": 8, "parts": {}, "note": ""},
    ]
    text = "\n".join(json.dumps(row) for row in rows) + "\n\n"
    folder(tmp_path, images("img/a.png", "img/b.png") | {"list.jsonl": text})
    dataset = read_dataset(
        tmp_path / "list.jsonl",
        file_column="image",
        caption_column="en",
        caption_vi_column="vi",
        group_column="pid",
    )
    a, b = dataset.records
    assert (a.captions, a.captions_vi, a.group) == (("one", "two"), (), "7")
    assert a.metadata == {"pid": 7, "parts": {"drum": 0.5}, "score": 1.5}
    assert (b.captions, b.captions_vi) == (("three",), ("ba",))
    assert b.metadata == {"pid": 8, "parts": {}}
    assert dataset.problems == ()


def test_bad_rows_of_a_jsonl_are_named_by_line_and_the_rest_is_read(tmp_path):
    lines = [
        '{"file": "a.png", "caption": "fine\u2028still fine", "x": NaN}',
        '{"file": "a.png", "caption": ',
        "[1, 2]",
        '{"file": "../a.png", "caption": "out"}',
        '{"file": "none.png", "caption": "gone"}',
        '{"caption": "no file"}',
        '{"file": "b.png", "caption": "  "}',
        '{"file": "c.png", "caption": 5}',
        '{"file": "c.png", "caption": "half \\ud83d"}',
        '{"file": "a\\u0000.png"}',
    ]
    folder(tmp_path, images("img/a.png", "img/b.png", "img/c.png") | {"captions.jsonl": "\n".join(lines)})
    dataset = read_dataset(tmp_path)
    assert [record.captions for record in dataset.records] == [("fine still fine",), (), ()]
    assert dataset.records[0].metadata == {}
    found = sorted(int(problem.split("line ")[1].split(":")[0]) for problem in dataset.problems)
    assert found == [2, 3, 4, 5, 6, 7, 8, 8, 9, 10]


def test_groups_that_contradict_are_listed_and_the_first_kept(tmp_path):
    table = "file,caption,group\na.png,one,p1\na.png,two,p2\n"
    dataset = read_dataset(folder(tmp_path, images("img/a.png") | {"captions.csv": table}))
    assert dataset.records[0].group == "p1"
    assert any("is of group 'p1' already" in problem for problem in dataset.problems)


@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_csv_dialects_are_read_alike(tmp_path, mark, delimiter, newline):
    header = delimiter.join(["file", "caption", "count", "code", "mm"])
    row = delimiter.join(["a.png", '"Wax, and a\nbreak"', "3", "007", "1.50"])
    folder(tmp_path, images("img/a.png") | {"captions.csv": (mark + header + newline + row + newline).encode()})
    (record,) = read_dataset(tmp_path).records
    assert record.captions == ("Wax, and a break",)
    assert record.metadata == {"count": 3, "code": "007", "mm": 1.5}


def test_a_comma_without_quotes_is_named_with_its_line(tmp_path):
    table = "file,caption\na.png,one, two\nb.png,three\n"
    dataset = read_dataset(folder(tmp_path, images("img/a.png", "img/b.png") | {"captions.csv": table}))
    assert [record.file for record in dataset.records] == ["b.png"]
    assert dataset.problems[0].startswith("captions.csv line 2: 3 cells under 2 columns")


@pytest.mark.parametrize(
    ("name", "content", "options", "sentence"),
    [
        ("t.csv", "name,caption\na.png,x\n", {}, r"no column 'file'; it has name, caption.*--file-column"),
        ("t.csv", "file,text\na.png,x\n", {"caption_column": "words"}, r"no column 'words'.*--caption-column"),
        ("t.csv", "file,text\na.png,x\n", {"group_column": "patient"}, r"no column 'patient'.*--group-column"),
        ("t.csv", "file,file\na.png,x\n", {}, "stands twice in the header"),
        ("t.csv", "", {}, "table is empty"),
        ("t.csv", "file,caption\n", {}, "table is empty"),
        ("t.csv", "file,caption\nz.png,x\n", {}, r"not one usable image(.|\n)*'z.png' is missing"),
        ("t.csv", "file,caption\na.png,caf\u00e9\n".encode("latin-1"), {}, r"t\.csv, line 2: not UTF-8.*iconv"),
        ("t.csv", "file,caption\na.png,x\n".encode("utf-16"), {}, "not UTF-8"),
        ("t.csv", 'file,caption\na.png,"' + "x" * 200_000 + '"\n', {}, r"t\.csv, line \d+: field larger"),
        ("t.jsonl", "nothing\n", {}, r"no usable row\n  t\.jsonl line 1: malformed"),
        ("t.xlsx", "", {}, "not a table by its name"),
    ],
)
def test_an_unusable_table_is_one_sentence(tmp_path, name, content, options, sentence):
    folder(tmp_path, images("img/a.png") | {name: content})
    with pytest.raises(DatasetError, match=sentence):
        read_dataset(tmp_path / name, **options)


def test_a_table_without_captions_is_read_for_indexing_and_says_so(tmp_path):
    folder(tmp_path, images("img/a.png") | {"captions.csv": "file,text\na.png,x\n"})
    dataset = read_dataset(tmp_path)
    assert dataset.records[0].metadata == {"text": "x"}
    assert "--caption-column" in dataset.problems[0]
