"""A leak across a split ends the evaluation, whatever it is that leaks."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from benchmarks.evaluation.leakage import LeakageError, check_split, find_leaks, without_copies
from runtime.dataset import Record
from runtime.errors import InvalidInputError, KgerError


def picture(path, seed):
    """A smooth random picture: alike only where the seed is."""
    small = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    cv2.imwrite(str(path), cv2.resize(small, (160, 160), interpolation=cv2.INTER_CUBIC))


@pytest.fixture
def records(tmp_path):
    made = []
    for i in range(6):
        path = tmp_path / f"{i}.png"
        picture(path, i)
        made.append(Record(path.name, path, (f"caption {i}",), (f"chú thích {i}",), group=f"p{i}"))
    return made


def test_a_clean_split_says_what_was_checked(records):
    assert check_split(records[:3], records[3:]) == (
        "3 test and 3 training images share nothing (checked: images, captions, groups)"
    )


def test_a_recompressed_and_smaller_copy_is_found_and_named(records, tmp_path):
    pixels = cv2.imread(str(records[1].path))
    copy = tmp_path / "copy.jpg"
    cv2.imwrite(str(copy), cv2.resize(pixels, (80, 80), interpolation=cv2.INTER_AREA), [cv2.IMWRITE_JPEG_QUALITY, 60])
    test = [*records[3:], Record("copy.jpg", copy)]
    with pytest.raises(LeakageError, match=r"1 of 4 test images.*\(1 by images\)") as raised:
        check_split(records[:3], test)
    assert "copy.jpg (test) and 1.png (training): the same picture" in str(raised.value)
    assert isinstance(raised.value, KgerError)
    assert without_copies(records[:3], test) == (records[3:], ["copy.jpg"])
    check_split(records[:3], test, ["captions", "groups"])


def test_copies_within_one_side_are_no_leak(records):
    twin = replace(records[4], file="twin.png")
    check_split(records[:3], [*records[3:], twin], ["images"])
    check_split([*records[3:], twin], records[:3], ["images"])


@pytest.mark.parametrize("language", ["captions", "captions_vi"])
def test_equal_captions_leak_whatever_their_case_and_full_stop(records, language):
    own = getattr(records[0], language)[0]
    test = [*records[3:5], replace(records[5], **{language: (f" {own.upper()}. ",)})]
    with pytest.raises(LeakageError, match=rf"5\.png .test. and 0\.png .training.: caption '{own.casefold()}'"):
        check_split(records[:3], test)
    assert "checked: images, groups" in check_split(records[:3], test, ["images", "groups"])


def test_a_shared_group_leaks_and_an_absent_one_does_not(records):
    test = [*records[3:5], replace(records[5], group="p2")]
    with pytest.raises(LeakageError, match=r"5\.png .test. and 2\.png .training.: group 'p2'"):
        check_split(records[:3], test)
    bare = [replace(record, group=None) for record in records]
    check_split(bare[:3], bare[3:])


def test_every_leaking_file_is_counted_once_and_three_are_shown(records):
    leaks = find_leaks(records, records)
    assert len(leaks) == 18
    with pytest.raises(LeakageError, match=r"6 of 6 .*6 by images, 6 by captions, 6 by groups") as raised:
        check_split(records, records)
    assert str(raised.value).count("(test)") == 3


def test_an_unknown_promise_is_refused(records):
    with pytest.raises(InvalidInputError, match="promises patients; expected of images, captions, groups"):
        check_split(records[:3], records[3:], ["patients"])


def test_a_picture_that_cannot_be_decoded_is_nobodys_copy(records, tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"no picture")
    broken = [Record(name, tmp_path / name) for name in ("a.png", "b.png")]
    check_split([*records[:3], broken[0]], [*records[3:], broken[1]])
