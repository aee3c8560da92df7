"""Every picture is (H, W, 3) uint8 RGB, upright, or an error that names the file."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime import images
from runtime.errors import ImageDecodeError
from runtime.images import IMAGE_SUFFIXES, decode_image, encode_image, read_image


def picture(height: int = 24, width: int = 32) -> np.ndarray:
    rng = np.random.default_rng(height * 1000 + width)
    return cv2.resize(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8), (width, height))


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_a_lossless_round_trip_keeps_every_value_in_rgb_order(suffix):
    image = picture()
    decoded = decode_image(encode_image(image, suffix))
    assert decoded.dtype == np.uint8
    assert decoded.flags.c_contiguous
    np.testing.assert_array_equal(decoded, image)


def test_the_channels_are_red_green_blue():
    # written byte by byte: a PNG of one red pixel, so that no other codec decides what red is
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    png = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
        + chunk(b"IEND", b"")
    )
    np.testing.assert_array_equal(decode_image(png), [[[255, 0, 0]]])


def test_grey_alpha_and_sixteen_bits_become_rgb():
    image = picture()
    grey = bytes(cv2.imencode(".png", image[:, :, 0])[1])
    np.testing.assert_array_equal(decode_image(grey), np.repeat(image[:, :, :1], 3, axis=2))
    alpha = bytes(cv2.imencode(".png", np.dstack([image[:, :, ::-1], np.full(image.shape[:2], 9, np.uint8)]))[1])
    np.testing.assert_array_equal(decode_image(alpha), image)
    deep = bytes(cv2.imencode(".png", image[:, :, ::-1].astype(np.uint16) * 257)[1])
    np.testing.assert_array_equal(decode_image(deep), image)


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    tiff = b"MM\0\x2a" + struct.pack(">IHHHIHH", 8, 1, 0x0112, 3, 1, orientation, 0) + struct.pack(">I", 0)
    exif = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (8, 1), (3, 2), (6, 3)])
def test_a_picture_is_turned_upright_by_its_exif_orientation(orientation, turns):
    jpeg = encode_image(picture(), ".jpg")
    upright = decode_image(with_orientation(jpeg, orientation))
    np.testing.assert_array_equal(upright, np.rot90(decode_image(jpeg), turns))


@pytest.mark.parametrize(
    ("at_least", "shape"),
    [(None, (120, 161)), (121, (120, 161)), (61, (120, 161)), (60, (60, 81)), (31, (60, 81)), (30, (30, 41)),
     (16, (30, 41)), (15, (15, 21)), (1, (15, 21))],
)  # fmt: skip
def test_a_jpeg_is_reduced_as_far_as_both_sides_allow_and_never_further(at_least, shape):
    jpeg = encode_image(picture(120, 161), ".jpg")
    assert decode_image(jpeg, at_least=at_least).shape == (*shape, 3)
    assert decode_image(with_orientation(jpeg, 6), at_least=at_least).shape == (*shape[::-1], 3)


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (8, 1), (3, 2), (6, 3)])
def test_a_reduced_jpeg_shows_the_same_picture_the_same_way_up(orientation, turns):
    image = picture(240, 320)
    reduced = decode_image(with_orientation(encode_image(image, ".jpg"), orientation), at_least=60)
    expected = np.rot90(cv2.resize(image, (80, 60), interpolation=cv2.INTER_AREA), turns)
    assert reduced.flags.c_contiguous
    assert np.abs(reduced.astype(int) - expected).mean() < 2


def test_progressive_and_grey_jpegs_are_reduced_too():
    image = picture(240, 320)
    progressive = bytes(cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1])
    grey = bytes(cv2.imencode(".jpg", image[:, :, 0])[1])
    assert decode_image(progressive, at_least=60).shape == decode_image(grey, at_least=60).shape == (60, 80, 3)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp"])
def test_other_formats_are_decoded_whole(suffix):
    content = encode_image(picture(240, 320), suffix)
    np.testing.assert_array_equal(decode_image(content, at_least=10), decode_image(content))


def test_a_header_that_leads_nowhere_is_decoded_as_if_no_size_were_stated():
    jpeg = encode_image(picture(240, 320), ".jpg")
    comment = jpeg[:2] + b"\xff\xff\xfe" + struct.pack(">H", 6) + b"size" + jpeg[2:]  # a fill byte and a comment
    assert decode_image(comment, at_least=60).shape == (60, 80, 3)
    for cut in range(2, 40):
        with pytest.raises(ImageDecodeError):
            decode_image(jpeg[:cut], at_least=60)


@pytest.mark.parametrize("at_least", [None, 60])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif", ".webp"])
def test_a_file_cut_in_half_is_named(tmp_path: Path, suffix, at_least):
    content = encode_image(picture(240, 320), suffix)
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ImageDecodeError, match=f"cut{suffix}"):
        read_image(path, at_least=at_least)


@pytest.mark.parametrize("content", [b"", b"GIF?", b"<html>not found</html>", bytes(1000)])
def test_what_is_no_picture_is_refused(tmp_path: Path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageDecodeError, match=r"a\.png.*PNG"):
        read_image(tmp_path / "a.png")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path):
    with pytest.raises(ImageDecodeError, match=r"none\.png: cannot be read \(No such file"):
        read_image(tmp_path / "none.png")
    with pytest.raises(ImageDecodeError, match="directory"):
        read_image(tmp_path)


def test_a_png_bomb_is_refused_before_its_pixels_are_allocated():
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 50_000, 50_000)
    with pytest.raises(ImageDecodeError, match="50000×50000 pixels"):
        decode_image(header + bytes(100))


def test_a_jpeg_bomb_is_refused_before_its_pixels_are_allocated():
    jpeg = bytearray(encode_image(picture(), ".jpg"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 50_000, 60_000)
    with pytest.raises(ImageDecodeError, match="60000×50000 pixels"):
        decode_image(bytes(jpeg), at_least=60)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
def test_too_many_pixels_are_refused_in_every_format(suffix, monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 24 * 32 - 1)
    with pytest.raises(ImageDecodeError, match="pixels"):
        decode_image(encode_image(picture(), suffix))


def test_the_suffixes_that_folders_are_searched_for_can_all_be_read():
    for suffix in IMAGE_SUFFIXES:
        assert decode_image(encode_image(picture(), suffix)).shape == (24, 32, 3)
