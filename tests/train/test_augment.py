"""Augmentation: no image changes sides unless the published mirror is asked for."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from runtime.preprocess import Preprocessing  # noqa: E402  after the skip
from train.augment import BEFORE_CROP, augmentation, training_picture  # noqa: E402

pytestmark = pytest.mark.torch

PLAIN = Preprocessing(224, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def one_side_lit() -> torch.Tensor:
    picture = torch.full((3, BEFORE_CROP, BEFORE_CROP), 20, dtype=torch.uint8)
    picture[:, :, : BEFORE_CROP // 2] = 230
    return picture


def sides_swapped(name: str, draws: int) -> int:
    torch.manual_seed(0)
    pixels = augmentation(name, PLAIN)([one_side_lit()] * draws)
    half = PLAIN.size // 2
    return int((pixels[..., :half].mean((1, 2, 3)) < pixels[..., half:].mean((1, 2, 3))).sum())


def test_no_image_changes_sides_unless_the_published_mirror_is_asked_for() -> None:
    assert sides_swapped("no-flip", 12) == 0
    assert sides_swapped("none", 1) == 0
    assert 2 <= sides_swapped("published", 20) <= 12  # three in ten


def test_each_picture_is_drawn_anew_and_the_seed_repeats_it() -> None:
    prepare = augmentation("no-flip", PLAIN)
    torch.manual_seed(3)
    first = prepare([one_side_lit()] * 4)
    torch.manual_seed(3)
    assert torch.equal(first, prepare([one_side_lit()] * 4))
    assert first.shape == (4, 3, 224, 224)
    assert not torch.equal(first[0], first[1])


def test_without_augmentation_training_sees_what_validation_sees() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (48, 64, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    normalised = Preprocessing(224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    training = augmentation("none", normalised)([training_picture(image, "none")])[0].numpy()
    # resized twice, by way of 256 pixels: alike, not equal
    assert np.abs(training - normalised.one(image)).mean() < 0.1


def test_the_circle_is_cut_before_anything_random() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    rows, columns = np.mgrid[:480, :640]
    image[(rows - 240) ** 2 + (columns - 320) ** 2 < 200**2] = 180
    whole, cut = (training_picture(image, crop).float().mean() for crop in ("none", "circle"))
    assert cut > 1.5 * whole
