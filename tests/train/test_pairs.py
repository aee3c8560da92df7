"""Which texts and images may be exchanged without becoming wrong."""

from pathlib import Path

import numpy as np
import pytest

from runtime.dataset import Dataset, Record
from runtime.errors import DatasetError
from train.pairs import Pairs, make_pairs


def record(name: str, captions: tuple[str, ...], captions_vi: tuple[str, ...] = (), **metadata: object) -> Record:
    return Record(name, Path(name), captions, captions_vi, metadata=metadata)


DATASET = Dataset(
    Path("set"),
    (
        record("a.png", ("Left ear.", "wax in the left ear"), ("tai trái",), side="left", region="ear"),
        record("b.png", ("left  EAR",), (), side="left", region="ear"),
        record("c.png", ("open cords",), ("Tai trái.",), side="none", region="cords"),
        record("d.png", ()),
        record("e.png", ("closed cords",), (), side="none", region="cords"),
    ),
)
NOT_COPIES = np.arange(5)


def pairs(groups: np.ndarray = NOT_COPIES, **options: object) -> Pairs:
    return make_pairs(DATASET, groups, **({"languages": ("en", "vi")} | options))


def rows_of(p: Pairs, *captions: str) -> np.ndarray:
    return np.array([next(i for i, t in enumerate(p.text) if p.texts[t] == caption) for caption in captions])


def test_every_caption_of_every_image_is_a_pair():
    p = pairs()
    found = {(p.texts[t], p.language[t], DATASET.records[i].file) for t, i in zip(p.text, p.image, strict=True)}
    assert found == {
        ("Left ear.", "en", "a.png"), ("wax in the left ear", "en", "a.png"), ("tai trái", "vi", "a.png"),
        ("left  EAR", "en", "b.png"), ("open cords", "en", "c.png"), ("Tai trái.", "vi", "c.png"),
        ("closed cords", "en", "e.png"),
    }  # fmt: skip


def test_captions_that_differ_in_case_spacing_or_full_stop_are_one_meaning():
    p = pairs()
    expected = np.array([[True, True, False], [True, True, False], [False, False, True]])
    np.testing.assert_array_equal(p.positives(rows_of(p, "Left ear.", "left  EAR", "open cords")), expected)
    assert p.positives(rows_of(p, "tai trái", "Tai trái.")).all()


def test_two_captions_of_one_image_are_positives_though_their_words_differ():
    p = pairs()
    assert p.positives(rows_of(p, "Left ear.", "wax in the left ear", "tai trái")).all()
    assert not p.positives(rows_of(p, "open cords", "closed cords"))[0, 1]


def test_copies_of_a_picture_are_positives():
    p = pairs(np.array([0, 1, 2, 3, 2]))
    assert p.positives(rows_of(p, "open cords", "closed cords")).all()


def test_images_alike_in_the_chosen_columns_are_positives():
    p = pairs(positive_columns=("side", "region"))
    assert p.positives(rows_of(p, "open cords", "closed cords")).all()
    assert p.positives(rows_of(p, "wax in the left ear", "left  EAR")).all()
    assert not p.positives(rows_of(p, "left  EAR", "open cords"))[0, 1]
    with pytest.raises(DatasetError, match="no column 'colour'; known: region, side"):
        pairs(positive_columns=("colour",))


def test_relevance_is_a_set_of_images_with_an_equal_caption():
    p = pairs()
    texts = np.array([p.texts.index("left  EAR"), p.texts.index("open cords")])
    expected = [[True, True, False], [False, False, True]]
    np.testing.assert_array_equal(p.relevance(texts, np.array([0, 1, 2])), expected)
    np.testing.assert_array_equal(p.relevance(texts, np.array([2, 0])), [[False, True], [True, False]])


def test_pairs_of_images_in_one_language():
    p = pairs()
    chosen = p.of_images(np.array([0, 2]), "vi")
    assert sorted(p.texts[t] for t in p.text[chosen]) == ["Tai trái.", "tai trái"]
    assert len(p.of_images(np.array([0, 2]))) == 5


def test_one_language_alone_and_no_caption_at_all():
    assert set(pairs(languages=("vi",)).language) == {"vi"}
    with pytest.raises(DatasetError, match="no image has a caption"):
        make_pairs(Dataset(Path("set"), (record("d.png", ()),)), np.arange(1), languages=("en",))
