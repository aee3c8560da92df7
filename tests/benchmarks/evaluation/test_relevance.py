"""What a user's data asks, and which pictures answer."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evaluation.relevance import questions, trials_of
from runtime.dataset import Dataset, ImageQuery, Record, TextQuery, read_dataset
from runtime.encoder import open_encoder
from runtime.errors import DatasetError, InvalidInputError


def dataset(**changes):
    rows = [
        ("a", ("Left ear.", "pus"), "ear", "left"),
        ("b", ("left ear",), "ear", "left"),
        ("c", ("pus",), "nose", "right"),
        ("d", (), "nose", "right"),
    ]
    records = tuple(
        Record(f, Path(f), captions, (f"tiếng {f}",), metadata={"region": region, "side": side})
        for f, captions, region, side in rows
    )
    return Dataset(Path("root"), records, **changes)


def told(found):
    return [(q.text, "".join(sorted(q.relevant))) for q in found]


def test_equal_captions_answer_one_another_and_are_asked_once():
    assert told(questions(dataset())) == [("Left ear.", "ab"), ("pus", "ac")]
    vietnamese = questions(dataset(), languages=["en", "vi"])
    assert told(vietnamese)[2:] == [("tiếng a", "a"), ("tiếng b", "b"), ("tiếng c", "c"), ("tiếng d", "d")]
    assert [q.language for q in vietnamese] == ["en"] * 2 + ["vi"] * 4


def test_columns_answer_by_what_is_shown_and_a_caption_of_two_truths_is_asked_twice():
    found = questions(dataset(), columns=["region", "side"])
    assert told(found) == [("Left ear.", "ab"), ("pus", "ab"), ("pus", "cd")]
    with pytest.raises(DatasetError, match="a has no column 'finding' to tell what is relevant; root has region, side"):
        questions(dataset(), columns=["finding"])


def test_the_challenges_pairs_come_first_and_a_picture_never_answers_itself():
    pairs = {
        "text_queries": (TextQuery("pus", frozenset("cx")), TextQuery("gone", frozenset("x"))),
        "image_queries": (ImageQuery("a", frozenset("ab")), ImageQuery("c", frozenset("c"))),
    }
    found = questions(dataset(**pairs))
    assert told(found) == [("pus", "c"), ("a", "b")]
    assert [q.file for q in found] == [None, "a"]
    assert told(questions(dataset(**pairs), "captions")) == [("Left ear.", "ab"), ("pus", "ac")]
    assert len(questions(dataset(**pairs), columns=["region"])) == 3


@pytest.mark.parametrize("way", ["pairs", "captions"])
def test_data_that_asks_nothing_is_refused(way):
    bare = dataset()
    bare = replace(bare, records=tuple(replace(record, captions=()) for record in bare.records))
    with pytest.raises(DatasetError, match=f"root: nothing to ask by {way}"):
        questions(bare, way)


def test_columns_without_names_and_unknown_languages_are_refused():
    with pytest.raises(InvalidInputError, match="needs their names"):
        questions(dataset(), "columns")
    with pytest.raises(InvalidInputError, match="languages fr; expected of en, vi"):
        questions(dataset(), languages=["fr"])


def test_cosines_are_the_folds_own_and_a_picture_query_puts_itself_last(bundle_folder, phantoms, tmp_path):
    whole = read_dataset(phantoms)
    data = replace(whole, records=whole.records[:9])
    encoder = open_encoder(bundle_folder, threads=2)
    found = questions(data)
    trials = trials_of("phantoms", data, found, encoder, tmp_path)
    by_picture = [row for row, q in enumerate(found) if q.file]
    by_text = [row for row, q in enumerate(found) if not q.file]
    assert by_text
    vectors = encoder.encode_texts([found[row].text for row in by_text])
    from runtime.images import read_image

    images = encoder.encode_images([read_image(record.path) for record in data.records])
    np.testing.assert_allclose(trials.cosines[by_text], np.einsum("qkd,nkd->qnk", vectors, images), atol=1e-5)
    for row in by_picture:
        own = [record.file for record in data.records].index(found[row].file)
        assert trials.order[row, -1] == own
        assert not trials.relevant[row, own]
    assert trials.relevant.any(1).all()
    assert trials.strata["region"] == [q.about.metadata["region"] for q in found]
    again = trials_of("phantoms", data, found, encoder, tmp_path)
    np.testing.assert_array_equal(again.cosines, trials.cosines)
    assert len(list(tmp_path.iterdir())) == 1
    renamed = [replace(record, metadata={**record.metadata, "region": "elsewhere"}) for record in data.records]
    trials_of("phantoms", replace(data, records=tuple(renamed)), found, encoder, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2, "other truth, the same kept file"
    json.dumps(trials.strata)
