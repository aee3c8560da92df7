"""The split by scene, and the corpus: every text once, training elements first."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

from runtime.errors import DatasetError, InvalidInputError
from train.carim.data import PARTS, build_corpus, read_split, sentences, split_scenes, write_split
from train.carim.recipe import CarimRecipe

from .scenes import invented_rows


def test_scenes_are_parted_70_10_20_and_the_lists_come_back(tmp_path: Path):
    scenes = [f"s{i}" for i in range(50)] * 3
    lists = split_scenes(scenes, seed=1)
    assert [len(lists[part]) for part in PARTS] == [35, 5, 10]
    assert len({scene for part in PARTS for scene in lists[part]}) == 50
    assert split_scenes(scenes, seed=1) == lists != split_scenes(scenes, seed=2)
    write_split(tmp_path / "split.json", lists)
    assert read_split(tmp_path / "split.json", scenes) == lists
    with pytest.raises(InvalidInputError, match="too few"):
        split_scenes(["a", "b"], seed=1)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"train": ["a"], "val": ["a"], "test": ["b"]}, "twice"),
        ({"train": ["a"], "val": ["x"], "test": ["b"]}, "no scene of the data"),
        ({"train": ["a"], "val": [], "test": ["b"]}, "empty"),
        ({"train": ["a"]}, "no split"),
    ],
)
def test_a_split_that_does_not_fit_is_refused(value: dict, says: str, tmp_path: Path):
    (tmp_path / "split.json").write_text(json.dumps(value))
    with pytest.raises(DatasetError, match=says):
        read_split(tmp_path / "split.json", ["a", "b"])


def test_the_corpus_has_each_text_once_and_training_elements_first():
    rows = invented_rows()
    train = [row.scene for row in rows[24:]]
    corpus = build_corpus(rows, train)
    assert len(corpus.row_elements) == 40
    known = {element for row in rows[24:] for element in row.elements}
    assert set(corpus.elements[: corpus.pool]) == known, "what only other scenes have is never injected"
    assert len(set(corpus.elements)) == len(corpus.elements) == 23
    for row, ids, parts in zip(rows, corpus.row_elements, corpus.row_sentences, strict=True):
        assert tuple(corpus.elements[i] for i in ids) == row.elements
        assert " ".join(corpus.sentences[i] for i in parts) == row.caption
    assert corpus.rows_of(["s01", "s03"]).tolist() == [1, 3]


def test_rows_without_a_caption_are_left_out_and_none_at_all_is_said():
    rows = invented_rows()[:3]
    bare = [replace(row, caption=" ") for row in rows]
    assert len(build_corpus([rows[0], *bare[1:]], ["s00"]).row_elements) == 1
    with pytest.raises(DatasetError, match="carim-build"):
        build_corpus(bare, ["s00"])


def test_a_caption_is_cut_at_the_ends_of_its_sentences():
    assert sentences("A car waits. It rains! Is it 3.5 m wide?") == ("A car waits.", "It rains!", "Is it 3.5 m wide?")
    assert sentences("no full stop") == ("no full stop",)


def test_the_two_forms_differ_only_in_what_is_stated():
    published, corrected = CarimRecipe.of({"ani": "published"}), CarimRecipe.of({"ani": None})
    differ = {name for name, value in published.to_json().items() if corrected.to_json()[name] != value}
    assert differ == {"ani", "normalise_elements", "draw", "queries", "leave_out_false_negatives", "injected"}
    assert CarimRecipe.of({"backbone": "qwen2"}).learning_rate == 2e-5
    assert CarimRecipe.of({"ani": "published", "queries": "sentences"}).queries == "sentences"
    assert CarimRecipe.from_json(published.to_json()) == published
    for wrong in ({"backbone": "bert"}, {"batch": 1}, {"temperature": 0.0}, {"element_tokens": 2}):
        with pytest.raises(InvalidInputError):
            CarimRecipe.of(wrong)
