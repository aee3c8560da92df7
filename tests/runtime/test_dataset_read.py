"""The reader: each layout, what merges, and what is listed rather than fatal."""

import json
from pathlib import Path

import numpy as np
import pytest

from runtime.dataset import read_dataset, read_queries, relevance_by_caption
from runtime.dataset.entrep import CLASSES, class_name
from runtime.errors import DatasetError
from runtime.images import encode_image

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
PIXEL = encode_image(np.zeros((2, 2, 3), np.uint8))


def folder(root: Path, files: dict[str, object]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
            path.write_text(text, "utf-8")
    return root


def images(*names: str) -> dict[str, object]:
    return dict.fromkeys(names, PIXEL)


def by_file(dataset):
    return {record.file: record for record in dataset.records}


# --- the ENTRep layout


def entrep(root: Path, **files: object) -> Path:
    named = {name.replace("_", "."): content for name, content in files.items()}
    return folder(root, images("imgs/a.png", "imgs/b.png", "imgs/c.png") | named)


def test_entrep_joins_all_its_files_on_the_image(tmp_path):
    dataset = read_dataset(
        entrep(
            tmp_path,
            cls_json={"a.png": 3, "b.png": 0},
            t2i_json={"red drum": "a.png", "tai đỏ": "a.png"},
            i2i_json={"a.png": "b.png"},
            data_json=[
                {
                    "Path": "imgs/a.png",
                    "Classification": "ear-left",
                    "Type": "abnormal",
                    "Description": "Màng nhĩ đỏ",
                    "DescriptionEN": "A red drum.",
                    "Device": "K2",
                }
            ],
            truth_csv="file,patient,severity,caption_2\na.png,p1,2,the drum is red\n",
        )
    )
    record = by_file(dataset)["a.png"]
    assert record.path == tmp_path / "imgs" / "a.png"
    assert record.captions == ("A red drum.", "the drum is red", "red drum")
    assert record.captions_vi == ("Màng nhĩ đỏ", "tai đỏ")
    assert record.group == "p1"
    expected = {"class": "ear-left", "type": "abnormal", "Device": "K2", "patient": "p1", "severity": 2}
    assert record.metadata == expected
    assert [(q.text, q.relevant) for q in dataset.text_queries] == [
        ("red drum", frozenset({"a.png"})),
        ("tai đỏ", frozenset({"a.png"})),
    ]
    assert [(q.file, q.relevant) for q in dataset.image_queries] == [("a.png", frozenset({"b.png"}))]
    assert sorted(by_file(dataset)) == ["a.png", "b.png", "c.png"]
    assert dataset.problems == ()


def test_a_phrase_that_stands_twice_keeps_both_images(tmp_path):
    dataset = read_dataset(entrep(tmp_path, t2i_json='{"wax": "a.png", "wax": "b.png", "pus": ["a.png", "c.png"]}'))
    assert {q.text: set(q.relevant) for q in dataset.text_queries} == {
        "wax": {"a.png", "b.png"},
        "pus": {"a.png", "c.png"},
    }
    assert by_file(dataset)["a.png"].captions == ("wax", "pus")


@pytest.mark.parametrize(
    ("value", "name"),
    [(0, "nose-right"), ("6", "throat"), ("VC open", "vc-open"), ("ear_left", "ear-left"), (7, None), (True, None)],
)
def test_a_class_is_known_by_number_and_by_name(value, name):
    assert class_name(value) == name


def test_the_seven_classes_are_numbered_as_the_challenge_numbers_them():
    assert [class_name(i) for i in range(7)] == list(CLASSES)
    assert CLASSES == ("nose-right", "nose-left", "ear-right", "ear-left", "vc-open", "vc-closed", "throat")


def test_entrep_lists_what_it_cannot_use(tmp_path):
    dataset = read_dataset(
        entrep(
            tmp_path,
            cls_json={"a.png": 9, "gone.png": 1},
            t2i_json={"x": "../secret.png", "": "a.png", "y": 5},
            data_json=[{"Path": "/etc/passwd"}, 3],
        )
    )
    text = "\n".join(dataset.problems)
    assert len(dataset.problems) == 7
    for expected in (
        "cls.json, 'a.png': class 9",
        "'gone.png' is missing",
        "t2i.json, 'x': '../secret.png' leaves the data folder",
        "t2i.json: an empty phrase",
        "t2i.json, 'y': no file name (found 5)",
        "data.json, record 1: '/etc/passwd' leaves the data folder",
        "data.json, record 2: expected an object {…}, found int",
    ):
        assert expected in text


def test_a_class_that_two_files_disagree_on_is_listed_and_the_first_kept(tmp_path):
    dataset = read_dataset(
        entrep(tmp_path, cls_json={"a.png": 3}, data_json=[{"Path": "a.png", "Classification": "ear-right"}])
    )
    assert by_file(dataset)["a.png"].metadata["class"] == "ear-left"
    assert dataset.problems == ("data.json, record 1: class of a.png is 'ear-left' already; 'ear-right' is not used",)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"t2i_json": '{"a": "a.png",\n"b" "c"}'}, r"t2i\.json: malformed JSON .* at line 2"),
        ({"t2i_json": "[1]"}, r"t2i\.json: expected one object"),
        ({"data_json": "{}"}, r"data\.json: expected a list"),
        ({"cls_json": b'{"a\xff": 1}'}, r"cls\.json, line 1: not UTF-8"),
        ({"cls_json": "[" * 100_000}, r"cls\.json: malformed JSON \(nested"),
        ({"cls_json": "{}", "truth_csv": "name,side\na.png,left\n"}, r"truth\.csv: no column 'file'"),
    ],
)
def test_a_broken_entrep_file_is_one_sentence(tmp_path, files, sentence):
    with pytest.raises(DatasetError, match=sentence):
        read_dataset(entrep(tmp_path, **files))


def test_entrep_files_without_imgs_are_one_sentence(tmp_path):
    with pytest.raises(DatasetError, match="no folder imgs/"):
        read_dataset(folder(tmp_path, {"t2i.json": {"a": "a.png"}}))


# --- tables


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


# --- folders of images


def test_a_bare_folder_is_its_images(tmp_path):
    folder(tmp_path, images("b.png", "sub/a.JPG", ".hidden/c.png") | {"notes.txt": "x"})
    dataset = read_dataset(tmp_path)
    assert [record.file for record in dataset.records] == ["b.png", "sub/a.JPG"]
    assert all(not record.captions for record in dataset.records)


def test_nothing_and_nowhere_are_sentences(tmp_path):
    with pytest.raises(DatasetError, match="not one usable image"):
        read_dataset(tmp_path)
    with pytest.raises(DatasetError, match="no such file or folder"):
        read_dataset(tmp_path / "none")


def test_the_fingerprint_follows_names_captions_and_groups_only(tmp_path):
    def fingerprint(table: str) -> str:
        return read_dataset(folder(tmp_path, images("img/a.png") | {"captions.csv": table})).fingerprint

    first = fingerprint("file,caption,group,x\na.png,one,p,1\n")
    assert fingerprint("file,caption,group,x\na.png,one,p,2\n") == first
    assert fingerprint("file,caption,group,x\na.png,two,p,1\n") != first
    assert fingerprint("file,caption,group,x\na.png,one,q,1\n") != first


# --- the real sets


@pytest.mark.skipif(not DATA.is_dir(), reason="needs shared/data/tuxpaint")
def test_tuxpaint_is_read_whole():
    dataset = read_dataset(DATA / "tuxpaint", caption_column="en", caption_vi_column="vi")
    assert len(dataset.records) == 700
    assert len({c for r in dataset.records for c in r.captions}) == 625
    assert sum(bool(r.captions_vi) for r in dataset.records) == 663
    assert dataset.problems == ()
    assert sum(len(files) > 1 for files in relevance_by_caption(dataset).values()) == 61


@pytest.mark.skipif(not DATA.is_dir(), reason="needs shared/data/vocalfolds")
def test_vocalfolds_is_read_whole():
    dataset = read_dataset(DATA / "vocalfolds", group_column="sequence")
    assert len(dataset.records) == 179
    assert {r.group for r in dataset.records} == {f"seq{i}" for i in range(1, 9)}
    assert all(isinstance(r.metadata["fractions"], dict) for r in dataset.records)
    assert dataset.problems == ()


# --- the query file


def test_queries_are_lines_with_or_without_quotes(tmp_path):
    content = '\ufeffred drum\r\n"pus, and wax"\r\npus, and wax\r\n\r\n"a ""white"" cord"\r\n"a", "b"\r\nred drum\r\n'
    (tmp_path / "t2i.csv").write_bytes(content.encode())
    assert read_queries(tmp_path / "t2i.csv") == [
        "red drum",
        "pus, and wax",
        "pus, and wax",
        'a "white" cord',
        '"a", "b"',
        "red drum",
    ]


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe"])
def test_a_query_file_without_a_phrase_is_one_sentence(tmp_path, content):
    (tmp_path / "t2i.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=r"t2i\.csv"):
        read_queries(tmp_path / "t2i.csv")


def test_a_missing_query_file_is_one_sentence(tmp_path):
    with pytest.raises(DatasetError, match="cannot be read"):
        read_queries(tmp_path / "t2i.csv")
