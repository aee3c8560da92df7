"""Duplicates: what is one picture, what is not, and that they always end in one group."""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.dataset import Record, Signatures, duplicate_groups, duplicate_labels, read_dataset, read_signatures
from runtime.images import encode_image, read_image

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def picture(seed: int, size: int = 128) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def written(folder: Path, pictures: dict[str, bytes], groups: dict[str, str] | None = None) -> list[Record]:
    records = []
    for name, content in pictures.items():
        (folder / name).write_bytes(content)
        records.append(Record(name, folder / name, group=(groups or {}).get(name)))
    return records


def jpeg(image: np.ndarray, quality: int) -> bytes:
    return bytes(cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def half(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def test_copies_recompressed_and_resized_ones_are_one_picture_and_others_are_not(tmp_path):
    a, b = picture(1), picture(2)
    brighter = np.clip(a * 0.9 + 20, 0, 255).astype(np.uint8)
    records = written(
        tmp_path,
        {
            "a.png": encode_image(a),
            "b.png": encode_image(b),
            "copy.png": encode_image(a),
            "low.jpg": jpeg(a, 40),
            "half.png": encode_image(half(a)),
            "brighter.png": encode_image(brighter),
            "mirror.png": encode_image(np.ascontiguousarray(a[:, ::-1])),
        },
    )
    # left and right are different findings: a mirror image is another picture
    assert duplicate_labels(read_signatures(records)) == [0, 1, 0, 0, 0, 0, 6]


def test_drawings_on_white_that_differ_in_colour_stay_apart(tmp_path):
    pictures = {}
    for name, colour in (("red", (220, 30, 30)), ("blue", (30, 30, 220)), ("green", (30, 180, 30))):
        image = np.full((128, 128, 3), 255, np.uint8)
        cv2.circle(image, (64, 64), 30, colour, cv2.FILLED)
        pictures[f"{name}.png"] = encode_image(image)
    assert duplicate_labels(read_signatures(written(tmp_path, pictures))) == [0, 1, 2]


def test_pictures_of_one_colour_are_one_only_where_the_colour_is(tmp_path):
    shades = {"w1.png": 255, "w2.jpg": 255, "black.png": 0, "grey.png": 128}
    pictures = {name: encode_image(np.full((40, 50, 3), v, np.uint8), name[-4:]) for name, v in shades.items()}
    assert duplicate_labels(read_signatures(written(tmp_path, pictures))) == [0, 0, 2, 3]


def test_groups_join_what_the_data_set_and_the_pictures_say(tmp_path):
    a, b, c = (encode_image(picture(i)) for i in (1, 2, 3))
    records = written(
        tmp_path,
        {"1.png": a, "2.png": b, "3.png": a, "4.png": c, "5.png": c, "6.png": encode_image(picture(9))},
        {"1.png": "p1", "2.png": "p1", "3.png": "p2"},
    )
    assert duplicate_groups(records) == ["p1+p2", "p1+p2", "p1+p2", "image:4.png", "image:4.png", "image:6.png"]


def test_one_bad_image_is_named_and_is_nobodys_duplicate(tmp_path):
    records = written(tmp_path, {"a.png": b"", "b.png": encode_image(picture(1)), "c.png": b"no picture"})
    records.append(Record("gone.png", tmp_path / "gone.png"))
    ticks: list[None] = []
    signatures = read_signatures(records, tick=lambda: ticks.append(None))
    assert sorted(signatures.bad) == ["a.png", "c.png", "gone.png"]
    assert all(name in reason for name, reason in signatures.bad.items())
    assert duplicate_labels(signatures) == [0, 1, 2, 3]
    assert len(ticks) == 4
    assert signatures.sizes.tolist() == [[0, 0], [128, 128], [0, 0], [0, 0]]


def test_blocks_find_what_a_plain_double_loop_finds():
    # 600 pictures (three blocks) with planted pairs far apart
    rng = np.random.default_rng(4)
    hashes = rng.integers(0, 2**63, (600, 4), dtype=np.uint64)
    thumbnails = rng.integers(0, 256, (600, 3072), dtype=np.uint8)
    for first, second in ((3, 500), (500, 599), (255, 256), (10, 11)):
        hashes[second] = hashes[first] ^ np.uint64(1)
        thumbnails[second] = thumbnails[first]
    hashes[300] = hashes[100]  # same hash, other picture: the thumbnails decide
    names = tuple(str(i) for i in range(600))
    labels = duplicate_labels(Signatures(names, hashes, thumbnails, np.ones((600, 2), np.int32), {}))
    expected = list(range(600))
    expected[500] = expected[599] = 3
    expected[256], expected[11] = 255, 10
    assert labels == expected


@pytest.mark.parametrize("alike", [False, True])
def test_fourteen_thousand_pictures_take_seconds(alike):
    n = 14_000
    rng = np.random.default_rng(0)
    hashes = np.zeros((n, 4), np.uint64) if alike else rng.integers(0, 2**63, (n, 4), dtype=np.uint64)
    thumbnails = np.zeros((n, 3072), np.uint8)
    signatures = Signatures(tuple(map(str, range(n))), hashes, thumbnails, np.ones((n, 2), np.int32), {})
    started = time.monotonic()
    labels = duplicate_labels(signatures)
    assert time.monotonic() - started < 60  # about 1 to 3 s on two cores; a quadratic Python loop takes minutes
    assert len(set(labels)) == (1 if alike else n)


@pytest.mark.skipif(not DATA.is_dir(), reason="needs shared/data/tuxpaint")
def test_real_drawings_merge_only_where_they_are_recoloured_copies():
    records = read_dataset(DATA / "tuxpaint", caption_column="en").records
    labels = duplicate_labels(read_signatures(records))
    members: dict[int, list[str]] = {}
    for label, record in zip(labels, records, strict=True):
        members.setdefault(label, []).append(record.file)
    sets = [files for files in members.values() if len(files) > 1]
    assert ["military__fireman240a.jpg", "people__fireman240a.jpg"] in sets
    assert len(sets) <= 5
    assert max(map(len, sets)) <= 3


@pytest.mark.skipif(not DATA.is_dir(), reason="needs shared/data/vocalfolds")
def test_real_frames_merge_only_within_their_sequence():
    records = read_dataset(DATA / "vocalfolds", group_column="sequence").records
    labels = duplicate_labels(read_signatures(records))
    assert all(records[label].group == record.group for label, record in zip(labels, records, strict=True))
    assert 170 <= len(set(labels)) < 179
    assert len(set(duplicate_groups(records))) == 8


@pytest.mark.skipif(not DATA.is_dir(), reason="needs shared/data/vocalfolds")
@pytest.mark.parametrize("change", ["jpeg", "half"])
def test_every_real_frame_is_found_again_after_a_change(tmp_path, change):
    records = list(read_dataset(DATA / "vocalfolds").records[::6])
    for record in tuple(records):
        image = read_image(record.path)
        content = jpeg(image, 40) if change == "jpeg" else encode_image(half(image))
        records += written(tmp_path, {record.file: content})
    labels = duplicate_labels(read_signatures(records))
    assert labels[len(labels) // 2 :] == labels[: len(labels) // 2]
