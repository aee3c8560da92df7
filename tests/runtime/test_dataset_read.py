"""Bare folders, the real sets, and the query file."""

import pytest

from runtime.dataset import read_dataset, read_queries, relevance_by_caption
from runtime.errors import DatasetError

from .dataset_folders import DATA, folder, images


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
