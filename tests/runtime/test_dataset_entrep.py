"""The ENTRep layout: what is joined, and what is listed rather than fatal."""

from pathlib import Path

import pytest

from runtime.dataset import read_dataset
from runtime.dataset.entrep import CLASSES, class_name
from runtime.errors import DatasetError

from .dataset_folders import by_file, folder, images


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
