"""Trials are computed once and come back the same."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evaluation.trials import Trials
from benchmarks.judging.fresh_phantoms import kept_phantom_trials, kept_trials, only_queries, some_queries
from runtime.dataset import Record

KEY = {"bundle": "b", "data": "d"}
ITEMS = [Record(f"{i}.png", Path(f"{i}.png"), ("chảy mủ",)) for i in range(4)]


def small(seed: int = 0) -> Trials:
    rng = np.random.default_rng(seed)
    return Trials(
        name="small",
        texts=["mủ tai trái", "pus, left ear", "nose"],
        groups=["p1", "p1", "p2"],
        strata={"language": ["vi", "en", "en"], "side": ["left", "left", ""]},
        items=ITEMS,
        cosines=rng.uniform(-1, 1, (3, 4, 2)).astype(np.float32),
        grades=rng.integers(0, 3, (3, 4)).astype(np.int8),
    )


def assert_same(first: Trials, second: Trials) -> None:
    for field in fields(Trials):
        one, other = getattr(first, field.name), getattr(second, field.name)
        if isinstance(one, np.ndarray):
            assert one.dtype == other.dtype
            assert np.array_equal(one, other)
        else:
            assert one == other, field.name


def never() -> Trials:
    pytest.fail("made again")


def test_trials_are_made_once_a_key_and_come_back_whole(tmp_path):
    made = kept_trials(tmp_path, KEY, ITEMS, small)
    assert_same(made, small())
    assert_same(kept_trials(tmp_path, KEY, ITEMS, never), small())


def test_another_bundle_or_other_data_is_made_anew_beside_it(tmp_path):
    kept_trials(tmp_path, KEY, ITEMS, small)
    other = kept_trials(tmp_path, {**KEY, "bundle": "c"}, ITEMS, lambda: small(1))
    assert_same(other, small(1))
    assert_same(kept_trials(tmp_path, KEY, ITEMS, never), small())


@pytest.mark.parametrize("damage", ["empty", "no archive", "half", "flipped byte"])
def test_a_damaged_file_is_made_again(tmp_path, damage):
    kept_trials(tmp_path, KEY, ITEMS, small)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    middle = content.index(b"\x93NUMPY") + 150
    flipped = content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]
    half = content[: len(content) // 2]
    path.write_bytes({"empty": b"", "no archive": b"no archive", "half": half, "flipped byte": flipped}[damage])
    assert_same(kept_trials(tmp_path, KEY, ITEMS, small), small())
    assert path.read_bytes() == content


def test_chosen_queries_keep_their_rows_and_the_whole_gallery():
    chosen = only_queries(small(), np.array([2, 0]))
    assert chosen.texts == ["nose", "mủ tai trái"]
    assert chosen.groups == ["p2", "p1"]
    assert chosen.strata["language"] == ["en", "vi"]
    assert np.array_equal(chosen.order, small().order[[2, 0]])
    assert chosen.items == ITEMS


def test_a_seeded_choice_is_repeatable_in_order_and_all_where_there_are_no_more():
    whole = small()
    some = some_queries(whole, 2)
    assert some.texts == [text for text in whole.texts if text in some.texts]
    assert len(some.texts) == 2
    assert some_queries(whole, 2).texts == some.texts
    assert some_queries(whole, 3) is whole


def test_phantom_trials_are_kept_for_a_bundle_and_a_data_set(phantoms, bundle_folder, tmp_path):
    made = kept_phantom_trials(tmp_path, bundle_folder, phantoms)
    (path,) = tmp_path.iterdir()
    stamp = path.stat().st_mtime_ns
    again = kept_phantom_trials(tmp_path, bundle_folder, phantoms)
    assert_same(again, made)
    assert path.stat().st_mtime_ns == stamp
    assert [record.path.is_file() for record in again.items] == [True] * 40
    assert again.grades.max() == 2


def test_a_query_is_asked_of_every_gallery_that_can_answer_it_and_sees_no_other():
    items = [Record(f"{i}.png", Path(f"{i}.png"), group=f"patient {i // 2}") for i in range(12)]
    rng = np.random.default_rng(3)
    grades = rng.choice(np.array([0, 2], np.int8), (5, 12), p=[0.8, 0.2])
    grades[0] = 2
    cosines = rng.uniform(0, 1, (5, 12, 2)).astype(np.float32)
    texts = [f"query {q}" for q in range(5)]
    whole = Trials("whole", texts, list("abcde"), {"language": ["en"] * 5}, items, cosines, grades)
    parts = whole.over_galleries(3)

    assert parts.texts.count("query 0") == 3
    assert sum(parts.relevant.sum(1)) == grades.astype(bool).sum(), "each answer stands in one gallery"
    assert parts.relevant.any(1).all()
    inside = (parts.cosines > -1).all(2)
    assert np.array_equal(inside, (parts.cosines > -1).any(2))
    for row, text in enumerate(parts.texts):
        pairs = inside[row].reshape(6, 2)
        assert (pairs[:, 0] == pairs[:, 1]).all(), "a patient's pictures stay together"
        assert np.array_equal(parts.cosines[row][inside[row]], cosines[texts.index(text)][inside[row]])
        assert inside[row][parts.order[row]][: inside[row].sum()].all(), "what is outside stands behind"
        assert parts.groups[row] == "abcde"[texts.index(text)]
