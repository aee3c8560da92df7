"""The circle crop on drawn fields, on synthetic phantoms and on real larynx frames."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.circle_crop import circle_crop
from runtime.images import read_image

FRAMES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "vocalfolds" / "img"


def drawn_field(x: int, y: int, radius: int, *, size: tuple[int, int] = (480, 640)) -> np.ndarray:
    """A round field of textured tissue on a black, slightly noisy surround."""
    rng = np.random.default_rng(x * 1000 + y)
    texture = cv2.GaussianBlur(rng.integers(90, 200, (*size, 3), dtype=np.uint8), (9, 9), 0)
    mask = np.zeros(size, np.uint8)
    cv2.circle(mask, (x, y), radius, 255, cv2.FILLED)
    return np.where(mask[:, :, None] > 0, texture, rng.integers(0, 6, (*size, 3), dtype=np.uint8))


def overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    """Intersection over union of two boxes."""
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return width * height / (areas - width * height)


@pytest.mark.parametrize(("x", "y", "radius"), [(320, 240, 220), (280, 250, 190), (360, 230, 180)])
def test_a_round_field_is_cut_to_its_own_box(x, y, radius):
    image = drawn_field(x, y, radius)
    crop = circle_crop(image)
    assert crop.method == "circle"
    assert overlap(crop.box, (x - radius, y - radius, x + radius + 1, y + radius + 1)) > 0.97
    x0, y0, x1, y1 = crop.box
    np.testing.assert_array_equal(crop.image, image[y0:y1, x0:x1])


def test_a_large_picture_is_cut_at_its_own_resolution():
    crop = circle_crop(drawn_field(1280, 960, 880, size=(1920, 2560)))
    assert crop.method == "circle"
    assert overlap(crop.box, (400, 80, 2161, 1841)) > 0.97


def test_a_dark_gap_does_not_halve_the_field_as_the_published_contour_does():
    image = drawn_field(320, 240, 200)
    image[:, 300:350] = 3  # the meatus of a nose: two lit regions in one field
    ours, published = circle_crop(image), circle_crop(image, published=True)
    assert overlap(ours.box, (120, 40, 521, 441)) > 0.95
    assert overlap(published.box, (120, 40, 521, 441)) < 0.6


def test_a_rectangular_field_on_black_falls_back_to_its_contour():
    image = np.zeros((480, 640, 3), np.uint8)
    image[60:420, 30:610] = 128
    crop = circle_crop(image)
    assert (crop.method, crop.box) == ("contour", (30, 60, 610, 420))


def test_an_overlay_in_one_corner_does_not_hide_the_surround():
    image = drawn_field(320, 240, 200)
    cv2.putText(image, "12:30", (2, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 2)
    assert overlap(circle_crop(image).box, (120, 40, 521, 441)) > 0.95


@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (2, 500), (31, 31), (32, 32), (33, 3000), (480, 640)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_picture_without_a_field_comes_back_whole(size, value, published):
    image = np.full((*size, 3), value, np.uint8)
    crop = circle_crop(image, published=published)
    assert crop.method == "whole"
    assert crop.box == (0, 0, size[1], size[0])
    assert crop.image is image


def test_noise_gives_a_picture_in_either_mode():
    image = np.random.default_rng(5).integers(0, 256, (120, 90, 3), dtype=np.uint8)
    for published in (False, True):
        crop = circle_crop(image, published=published)
        assert crop.image.size > 0
        assert crop.image.shape[:2] == (crop.box[3] - crop.box[1], crop.box[2] - crop.box[0])


@pytest.mark.skipif(not FRAMES.is_dir(), reason="needs the real larynx frames of shared/data/vocalfolds")
def test_real_frames_that_fill_the_picture_are_left_whole():
    paths = sorted(FRAMES.glob("*.jpg"))[::9]
    crops = [circle_crop(read_image(path)) for path in paths]
    assert len(crops) == 20
    assert {crop.method for crop in crops} == {"whole"}


@pytest.mark.skipif(not FRAMES.is_dir(), reason="needs the real larynx frames of shared/data/vocalfolds")
@pytest.mark.parametrize("name", ["patient1_seq1_0006.jpg", "patient2_seq8_0725.jpg"])
def test_a_real_frame_behind_a_round_mask_is_found_again(name):
    frame = cv2.resize(read_image(FRAMES / name), (400, 400), interpolation=cv2.INTER_AREA)
    image = np.zeros((480, 640, 3), np.uint8)
    image[40:440, 120:520] = frame
    mask = np.zeros((480, 640), np.uint8)
    cv2.circle(mask, (320, 240), 199, 255, cv2.FILLED)
    image[mask == 0] = 0
    crop = circle_crop(image)
    assert crop.method in {"circle", "contour"}
    assert overlap(crop.box, (121, 41, 520, 440)) > 0.9


@pytest.mark.skipif(not FRAMES.is_dir(), reason="needs the real larynx frames of shared/data/vocalfolds")
def test_the_published_mode_cuts_tissue_off_a_frame_without_surround():
    image = read_image(FRAMES / "patient1_seq1_0001.jpg")
    crop = circle_crop(image, published=True)
    assert crop.method == "circle"
    assert crop.image.size < 0.8 * image.size


def test_every_synthetic_phantom_is_cut_to_the_field_it_was_drawn_in():
    camera = pytest.importorskip("assets.phantoms.camera", reason="needs the phantom generator")
    from assets.phantoms.findings import CLASSES
    from assets.phantoms.render import render

    overlaps = []
    for patient, kind in enumerate(CLASSES):
        pose = camera.pose(11, patient, 0)
        (x, y), r = pose.centre, pose.radius
        field = (max(0, int(x - r)), max(0, int(y - r)), min(640, int(x + r) + 1), min(480, int(y + r) + 1))
        image = render(11, patient=patient, view=0, classification=kind.name, finding="normal")
        crop = circle_crop(image)
        assert crop.method in {"circle", "contour"}
        overlaps.append(overlap(crop.box, field))
    assert min(overlaps) > 0.9
